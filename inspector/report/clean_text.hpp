#pragma once

#include <string>
#include <string_view>

namespace palloscope {

// Names, idents and titles are bytes of another process in the server's encoding. They reach a
// screen or a file only through these.

// For terminals: valid UTF-8 is kept. What could move the cursor, change colours or reorder what is
// shown becomes visible text: C0 controls (newlines and tabs too), DEL and bytes that are no UTF-8
// as "\x1b"; C1 controls, line separators, bidirectional marks, byte order marks and tag characters
// as "\u{202e}".
[[nodiscard]] std::string clean_text(std::string_view bytes);

// clean_text for a text that shall stay on one line: runs of white space become one blank first, as
// the server prints the newlines of a query.
[[nodiscard]] std::string clean_line(std::string_view bytes);

}  // namespace palloscope
