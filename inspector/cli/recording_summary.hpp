#pragma once

#include <string>

#include "inspector/recording/recorder.hpp"

namespace palloscope {

// What `palloscope record` says at its end: what was recorded, what it cost each backend, and what
// was missed.
[[nodiscard]] std::string recording_summary_text(const RecordingSummary& summary,
                                                 const std::string& path);

}  // namespace palloscope
