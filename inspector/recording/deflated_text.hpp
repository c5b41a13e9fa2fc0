#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace palloscope {

// Long texts in a recording, deflated (RFC 1950, by zlib): an explanation says the same of a
// thousand alike functions. Not for other modules.
struct DeflatedText {
    std::int64_t text_bytes = 0;  // of the text itself
    std::string deflated;
};

[[nodiscard]] DeflatedText deflate_text(std::string_view text);

// None where it is damaged, or would have more than 256 MiB.
[[nodiscard]] std::optional<std::string> inflate_text(const DeflatedText& text);

}  // namespace palloscope
