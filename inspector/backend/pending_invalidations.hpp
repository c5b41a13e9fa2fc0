#pragma once

#include <vector>

#include "inspector/backend/still_backend.hpp"
#include "inspector/model/explanation.hpp"

namespace palloscope {

// The invalidation messages that a transaction has pending, by their kind, the most first; empty
// where there are none.
//
// transInvalInfo (inval.c, static) heads a stack, one of each subtransaction that changed a
// catalog. It is the one variable that both CommandEndInvalidationMessages() and
// xactGetCommittedInvalidationMessages() use, exported in 10 to 19. Believed where it is null, or
// where it leads to a stack in TopTransactionContext whose messages are of kinds that a transaction
// keeps (sinval.h), and of this database or of all. Else `unavailable` gets the reason, also where
// the backend was in the middle of adding to them.
[[nodiscard]] std::vector<PendingInvalidations> read_pending_invalidations(
    const StillBackend& backend, std::vector<UnavailablePart>& unavailable);

}  // namespace palloscope
