#pragma once

#include <functional>
#include <string>

#include "inspector/model/explanation.hpp"
#include "tests/inspector/diagnosis/synthetic_history.hpp"

namespace palloscope {

// Backends with leaks that several tests look at (calls_of.hpp).

// What the backend had explained at the first and at the last snapshot.
void explain_ends(SyntheticBackend& backend, const std::function<void(Explanation&)>& grow);

// CacheMemoryContext alone grows.
[[nodiscard]] SyntheticBackend caches_filled_by(const std::string& query);

// A trigger's function, compiled once for each table that a load makes and drops.
[[nodiscard]] SyntheticBackend triggers_compiled_by(const std::string& query,
                                                    const std::string& makes);

// `owner` grows with each plan that is kept.
[[nodiscard]] SyntheticBackend plans_kept_by(const std::string& query,
                                             const std::string& owner,
                                             double owner_bytes);

// RssAnon grows, and no context.
[[nodiscard]] SyntheticBackend outside_grown_by(const std::string& query);

}  // namespace palloscope
