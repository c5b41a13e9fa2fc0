#pragma once

#include <string>
#include <string_view>

#include "inspector/report/text_style.hpp"

namespace palloscope {

// A clean text (clean_text) broken at blanks into lines of at most `columns`, the first after
// `first`, the others after as many blanks, each ending in a newline. A word longer than a line is
// cut. In ASCII style, "…" becomes "..." and "×" becomes "x".
[[nodiscard]] std::string wrapped_text(std::string_view text,
                                       std::string_view first,
                                       int columns,
                                       const TextStyle& style);

}  // namespace palloscope
