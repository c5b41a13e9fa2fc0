#pragma once

#include <string>
#include <vector>

#include "inspector/diagnosis/snapshot_choice.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

// What a reader must know about the recording of a backend before believing a figure: too few
// snapshots, none between statements, missed ones, an early end. Sentences.
[[nodiscard]] std::vector<std::string> backend_notes(const BackendHistory& backend,
                                                     const SnapshotChoice& choice);

}  // namespace palloscope
