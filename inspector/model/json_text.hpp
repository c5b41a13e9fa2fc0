#pragma once

#include <string>
#include <string_view>

namespace palloscope {

// For JSON, which escapes controls by itself: valid UTF-8 is kept, each other byte becomes the text
// "\xNN". Names, idents and titles are bytes of another process in the server's encoding.
[[nodiscard]] std::string json_text(std::string_view bytes);

}  // namespace palloscope
