#pragma once

#include <cstdint>

#include "attach/error.hpp"
#include "attach/resident_memory.hpp"
#include "inspector/backend/still_backend.hpp"

namespace palloscope {

// Resident bytes of the dead contexts that PostgreSQL keeps for the next ones to come (aset.c,
// context_freelists, 11 and later): they are in no tree.
//
// They are found by their heads among the server's static variables: counts, and chains of just so
// many contexts, none of which is in the tree. 0 where there is nothing like them. kFailed where
// more than one place looks so; errors of reading the variables are passed on.
[[nodiscard]] Result<std::int64_t> kept_context_bytes(const StillBackend& backend,
                                                      const ResidentMemory& resident);

}  // namespace palloscope
