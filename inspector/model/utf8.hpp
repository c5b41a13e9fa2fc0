#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace palloscope {

// The first character of a text, or its first byte where that begins no valid UTF-8.
struct Utf8Character {
    char32_t code_point = 0;  // the byte's value if not valid
    std::size_t length = 1;   // bytes
    bool valid = false;
};

// `text` must not be empty. Valid is what RFC 3629 allows: no overlong forms, no surrogates,
// nothing beyond U+10FFFF.
[[nodiscard]] Utf8Character first_utf8_character(std::string_view text);

// Both ends are in it.
struct CodePointRange {
    char32_t first = 0;
    char32_t last = 0;
};

[[nodiscard]] bool is_in(std::span<const CodePointRange> ranges, char32_t code_point);

}  // namespace palloscope
