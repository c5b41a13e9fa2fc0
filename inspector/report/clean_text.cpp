#include "inspector/report/clean_text.hpp"

#include <array>
#include <iterator>

#include <fmt/format.h>

#include "inspector/model/utf8.hpp"

namespace palloscope {

namespace {

// Characters beyond ASCII that terminals obey, or that change what the rest looks like.
constexpr std::array<CodePointRange, 9> kUnsafe{{
    {0x80, 0x9f},        // C1: U+009B is CSI
    {0x61c, 0x61c},      // Arabic letter mark
    {0x200e, 0x200f},    // left-to-right and right-to-left marks
    {0x2028, 0x2029},    // line and paragraph separators
    {0x202a, 0x202e},    // bidirectional embeddings and overrides
    {0x2066, 0x2069},    // bidirectional isolates
    {0xfeff, 0xfeff},    // byte order mark
    {0xfff9, 0xfffb},    // interlinear annotations
    {0xe0000, 0xe007f},  // tags: invisible text
}};

bool is_white_space(char byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

void append_byte(std::string& text, char32_t byte) {
    fmt::format_to(std::back_inserter(text), "\\x{:02x}", static_cast<unsigned>(byte));
}

}  // namespace

std::string clean_text(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    while (!bytes.empty()) {
        const Utf8Character character = first_utf8_character(bytes);
        const char32_t code_point = character.code_point;
        if (!character.valid || code_point < 0x20 || code_point == 0x7f) {
            append_byte(text, code_point);
        } else if (is_in(kUnsafe, code_point)) {
            fmt::format_to(
                std::back_inserter(text), "\\u{{{:x}}}", static_cast<unsigned>(code_point));
        } else {
            text += bytes.substr(0, character.length);
        }
        bytes.remove_prefix(character.length);
    }
    return text;
}

std::string clean_line(std::string_view bytes) {
    std::string line;
    line.reserve(bytes.size());
    for (const char byte : bytes) {
        if (!is_white_space(byte)) {
            line += byte;
        } else if (line.empty() || line.back() != ' ') {
            line += ' ';
        }
    }
    return clean_text(line);
}

}  // namespace palloscope
