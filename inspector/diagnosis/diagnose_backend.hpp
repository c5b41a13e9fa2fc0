#pragma once

#include "inspector/diagnosis/diagnosis.hpp"
#include "inspector/diagnosis/sighting_weights.hpp"

namespace palloscope {

// The diagnosis of one backend of `history`, of which `weights` are.
//
// The rules (cause_rules.hpp) are asked in turn. Each is shown the growth of the contexts that it
// covers, less what rules before it explained there, and is asked only where that growth is a leak
// by itself (trend.hpp) and more than a twentieth of all growth.
[[nodiscard]] BackendDiagnosis diagnose_backend(const History& history,
                                                const BackendHistory& backend,
                                                const SightingWeights& weights);

}  // namespace palloscope
