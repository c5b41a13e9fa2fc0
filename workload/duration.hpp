#pragma once

#include <chrono>
#include <string_view>

#include "attach/error.hpp"

namespace palloscope::workload {

// Reads a length of time: a positive number with one of PostgreSQL's units us, ms, s, min and h
// behind it ("90s", "1.5 h"). kUsage for anything else, also for what is longer than 10 years.
[[nodiscard]] Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

}  // namespace palloscope::workload
