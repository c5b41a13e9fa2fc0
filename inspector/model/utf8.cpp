#include "inspector/model/utf8.hpp"

#include <algorithm>

namespace palloscope {

namespace {

unsigned char byte_at(std::string_view text, std::size_t index) {
    return static_cast<unsigned char>(text[index]);
}

// Length of the sequence that this byte begins, 0 if none.
std::size_t sequence_length(unsigned char lead) {
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        return 2;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        return 3;
    }
    return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

// Overlong forms and what is no character, for the lengths where the lead byte lets them pass.
bool is_allowed(char32_t code_point, std::size_t length) {
    if (length == 3) {
        return code_point >= 0x800 && (code_point < 0xd800 || code_point > 0xdfff);
    }
    return length != 4 || (code_point >= 0x10000 && code_point <= 0x10ffff);
}

}  // namespace

Utf8Character first_utf8_character(std::string_view text) {
    const unsigned char lead = byte_at(text, 0);
    const Utf8Character invalid{.code_point = lead, .length = 1, .valid = false};
    const std::size_t length = sequence_length(lead);
    if (length == 0 || length > text.size()) {
        return invalid;
    }
    // The lead byte holds 7, 5, 4 or 3 bits of the character.
    char32_t code_point = length == 1 ? lead : lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        const unsigned char byte = byte_at(text, i);
        if ((byte & 0xc0U) != 0x80U) {
            return invalid;
        }
        code_point = (code_point << 6U) | (byte & 0x3fU);
    }
    if (!is_allowed(code_point, length)) {
        return invalid;
    }
    return {.code_point = code_point, .length = length, .valid = true};
}

bool is_in(std::span<const CodePointRange> ranges, char32_t code_point) {
    return std::ranges::any_of(ranges, [code_point](const CodePointRange& range) {
        return range.first <= code_point && code_point <= range.last;
    });
}

}  // namespace palloscope
