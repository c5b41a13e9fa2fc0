#pragma once

#include "inspector/diagnosis/diagnosis.hpp"

namespace palloscope {

// The diagnosis of one backend of `history`.
//
// The rules (cause_rules.hpp) are asked in turn. Each is shown the growth of the contexts that it
// covers, less what rules before it explained there, and is asked only where that growth is a leak
// by itself (trend.hpp) and more than a twentieth of all growth.
[[nodiscard]] BackendDiagnosis diagnose_backend(const History& history,
                                                const BackendHistory& backend);

}  // namespace palloscope
