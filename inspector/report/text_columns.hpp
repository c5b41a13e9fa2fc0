#pragma once

#include <string>
#include <string_view>

#include "inspector/report/text_style.hpp"

namespace palloscope {

// How wide a text is on a terminal. All take clean UTF-8 (clean_text) without colours.

// Columns: 2 for East Asian wide characters and emoji, 0 for combining ones, else 1.
[[nodiscard]] int text_columns(std::string_view text);

// The text itself if it fits into `columns`, else its front and "…" ("..." where style.ascii).
// Empty if there is no room at all.
[[nodiscard]] std::string cut_to_columns(std::string_view text,
                                         int columns,
                                         const TextStyle& style);

// Padded with blanks to at least `columns`, the text at the left or at the right.
[[nodiscard]] std::string left_aligned(std::string_view text, int columns);
[[nodiscard]] std::string right_aligned(std::string_view text, int columns);

}  // namespace palloscope
