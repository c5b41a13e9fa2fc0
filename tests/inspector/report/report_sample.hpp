#pragma once

#include "inspector/diagnosis/diagnosis.hpp"

namespace palloscope {

// A diagnosis made by hand: one backend that leaks, with a group and a single statement, one that
// settled, one with too few snapshots, and notes.
[[nodiscard]] Diagnosis sample_diagnosis();

}  // namespace palloscope
