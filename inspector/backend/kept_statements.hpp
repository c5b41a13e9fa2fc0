#pragma once

#include <span>
#include <vector>

#include "inspector/backend/hash_tables.hpp"
#include "inspector/backend/process_info.hpp"
#include "inspector/backend/still_backend.hpp"
#include "inspector/model/explanation.hpp"

namespace palloscope {

// What a session keeps of statements: prepared ones, plans, portals, compiled functions; each list
// the most bytes first.
struct KeptStatements {
    std::vector<PreparedStatement> prepared;
    std::vector<KeptPlan> plans;
    std::vector<OpenPortal> portals;
    std::vector<CompiledFunction> functions;
};

// Prepared statements and portals are found by their hash tables ("Prepared Queries", prepare.c;
// "Portal hash", portalmem.c), plans by the contexts of their sources (plancache.c), whose first
// chunk must have the magic number of one, functions by their contexts (pl_comp.c).
[[nodiscard]] KeptStatements read_kept_statements(const StillBackend& backend,
                                                  std::span<const DynamicHash> tables,
                                                  Literals literals,
                                                  std::vector<UnavailablePart>& unavailable);

}  // namespace palloscope
