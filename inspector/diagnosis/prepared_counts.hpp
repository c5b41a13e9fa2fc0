#pragma once

#include <vector>

#include "inspector/diagnosis/kept_counts.hpp"
#include "inspector/diagnosis/snapshot_choice.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

// What prepared statements have left, by their texts, where contexts do not tell it: up to
// PostgreSQL 10. The table of prepared statements, in the backend's last explanation, knows when
// each was prepared and what it takes. After that explanation they are taken to have come as the
// contexts of plans did (CachedPlanSource), in the same proportions.
//
// None without an explanation, and none of texts of which some were deallocated between the first
// explanation and the last.
[[nodiscard]] std::vector<KeptCount> prepared_counts(const BackendHistory& backend,
                                                     const SnapshotChoice& choice);

}  // namespace palloscope
