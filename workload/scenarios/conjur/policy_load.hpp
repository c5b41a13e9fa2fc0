#pragma once

#include <string>

#include "attach/error.hpp"
#include "workload/random.hpp"
#include "workload/scenarios/conjur/policy.hpp"
#include "workload/session.hpp"

namespace palloscope::workload::conjur {

// Whether a load stays.
enum class Effect {
    kKept,
    kDryRun,  // all of it, and a copy of what was there before, in a savepoint that rolls back
};

// Loads `policy` in one transaction, as Conjur does: into tables of a schema made for this load
// alone, from there by joins into the real ones; then drops the schema. `secret_marker` begins each
// API key that is made.
[[nodiscard]] Result<> load_policy(Session& session,
                                   const Policy& policy,
                                   Effect effect,
                                   const std::string& secret_marker,
                                   Random& random);

}  // namespace palloscope::workload::conjur
