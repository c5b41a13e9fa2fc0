#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "inspector/report/text_style.hpp"

namespace palloscope {

// A small picture of a series, one character a value, from the least to the most: "▁▂▃▅▆█", in
// ASCII "_.-=+#". Empty for no values; all low where all are equal.
[[nodiscard]] std::string sparkline(std::span<const std::int64_t> values, const TextStyle& style);

}  // namespace palloscope
