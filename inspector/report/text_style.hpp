#pragma once

#include <string>
#include <string_view>

namespace palloscope {

// How text is laid out, decided once by the command: a terminal's width and whether it takes colour
// (never under NO_COLOR) and more than ASCII.
struct TextStyle {
    // Columns of the terminal; lines are cut to fit. 0 where the output is no terminal: nothing is
    // cut.
    int width = 0;
    bool color = false;
    // Only ASCII: "x" for "×", "..." for "…", "-" for "─".
    bool ascii = false;
};

// What colours mean, in every view.
enum class Paint {
    kStrong,  // headings, names of groups
    kFaint,   // what matters less: ids, idents, lines of the tree
    kGrew,    // memory that grew or leaks
    kShrank,  // memory that was given back
    kNumber,  // the figure that the eye shall find first
};

// The text in its colour, or the text itself where style.color is off. `text` must be clean
// (clean_text).
[[nodiscard]] std::string painted(const TextStyle& style, Paint paint, std::string_view text);

}  // namespace palloscope
