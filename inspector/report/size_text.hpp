#pragma once

#include <cstdint>
#include <string>

#include "inspector/report/text_style.hpp"

namespace palloscope {

// Bytes in PostgreSQL's units, 1,024-based, for people: "512 B", "97.7 kB", "12.6 MB", "-1.0 GB".
[[nodiscard]] std::string size_text(std::int64_t bytes);

// With its sign, for differences: "+12.6 MB", "-512 B", "0 B".
[[nodiscard]] std::string size_change_text(std::int64_t bytes);

// With its thousands parted: "2,104", "-1,000,000".
[[nodiscard]] std::string count_text(std::int64_t count);

// The same with its sign: "+412", "-3", "0".
[[nodiscard]] std::string count_change_text(std::int64_t count);

// How many alike contexts a line stands for: " ×2,104", or " x2,104" where style.ascii.
[[nodiscard]] std::string times_text(std::int64_t count, const TextStyle& style);

}  // namespace palloscope
