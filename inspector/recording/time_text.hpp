#pragma once

#include <cstdint>
#include <string>

namespace palloscope {

// A Unix time for messages, to the second: "2026-11-23T09:00:00Z".
[[nodiscard]] std::string time_text(std::int64_t time_ns);

}  // namespace palloscope
