#include "inspector/report/text_columns.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "inspector/model/utf8.hpp"

namespace palloscope {

namespace {

// The blocks of EastAsianWidth.txt with W or F, joined; good enough to keep columns straight.
constexpr std::array<CodePointRange, 11> kWide{{
    {0x1100, 0x115f},
    {0x2e80, 0x303e},
    {0x3041, 0xa4cf},
    {0xac00, 0xd7a3},
    {0xf900, 0xfaff},
    {0xfe30, 0xfe6f},
    {0xff00, 0xff60},
    {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f},
    {0x1f900, 0x1f9ff},
    {0x20000, 0x3fffd},
}};

// Combining marks, zero width joiners and variation selectors.
constexpr std::array<CodePointRange, 7> kZero{{
    {0x300, 0x36f},
    {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff},
    {0x200b, 0x200d},
    {0x20d0, 0x20ff},
    {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f},
}};

int columns_of(char32_t code_point) {
    if (code_point < kZero.front().first) {
        return 1;
    }
    if (is_in(kZero, code_point)) {
        return 0;
    }
    return is_in(kWide, code_point) ? 2 : 1;
}

// The longest front of the text that fits.
std::string_view front_of(std::string_view text, int columns) {
    std::size_t end = 0;
    while (end < text.size()) {
        const Utf8Character character = first_utf8_character(text.substr(end));
        columns -= columns_of(character.code_point);
        if (columns < 0) {
            break;
        }
        end += character.length;
    }
    return text.substr(0, end);
}

std::string blanks(std::string_view text, int columns) {
    std::string padding;
    padding.resize(static_cast<std::size_t>(std::max(0, columns - text_columns(text))), ' ');
    return padding;
}

}  // namespace

int text_columns(std::string_view text) {
    int columns = 0;
    while (!text.empty()) {
        const Utf8Character character = first_utf8_character(text);
        columns += columns_of(character.code_point);
        text.remove_prefix(character.length);
    }
    return columns;
}

std::string cut_to_columns(std::string_view text, int columns, const TextStyle& style) {
    if (front_of(text, columns).size() == text.size()) {
        return std::string(text);
    }
    const std::string_view dots = style.ascii ? "..." : "…";
    const int room = columns - text_columns(dots);
    if (room < 0) {
        return "";
    }
    std::string cut(front_of(text, room));
    cut += dots;
    return cut;
}

std::string left_aligned(std::string_view text, int columns) {
    return std::string(text) + blanks(text, columns);
}

std::string right_aligned(std::string_view text, int columns) {
    return blanks(text, columns) + std::string(text);
}

}  // namespace palloscope
