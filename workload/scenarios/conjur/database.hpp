#pragma once

#include "attach/error.hpp"
#include "workload/session.hpp"

namespace palloscope::workload::conjur {

// Makes Conjur's tables, functions and triggers in the schema public, with the root policy, the
// administrator and the key that each login reads; all in one transaction. Does nothing where an
// earlier run has made them.
//
// The records in policy_log are hstore values as in Conjur, or jsonb, which is said on standard
// error, where the server does not have the extension. kFailed where public.roles is somebody
// else's: a real Conjur's database is not to be filled with our loads.
[[nodiscard]] Result<> set_up_database(Session& session);

// The SQL function that splits the account off an id; each load makes it anew in its own schema.
extern const char* const kAccountFunction;

}  // namespace palloscope::workload::conjur
