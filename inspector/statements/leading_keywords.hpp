#pragma once

#include <string>
#include <string_view>

namespace palloscope {

// The keywords (at most eight) that `sql` begins with, joined by single spaces: all that may be
// shown of a text that cannot be tokenised. Stops at the first byte that is no keyword, white space
// or whole comment, so nothing that could be part of a literal is ever in it. Takes any bytes.
[[nodiscard]] std::string leading_keywords(std::string_view sql);

}  // namespace palloscope
