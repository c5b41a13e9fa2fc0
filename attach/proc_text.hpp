#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

// The forms in which the kernel writes its files below /proc and /sys.
namespace palloscope {

template <typename T>
std::optional<T> parse_number(std::string_view text, int base = 10) {
    T value{};
    const char* const end = text.data() + text.size();
    const auto [stop, err] = std::from_chars(text.data(), end, value, base);
    if (err != std::errc{} || stop == text.data()) {
        return std::nullopt;
    }
    return value;
}

// Cuts `text` at the first of `separators` and moves on behind it (and behind repeated ones).
inline std::string_view next_word(std::string_view& text, std::string_view separators = " \t") {
    const std::size_t begin = std::min(text.find_first_not_of(separators), text.size());
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    return word;
}

template <typename F>
void for_each_line(std::string_view text, F&& visit) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        visit(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

// Calls visit(key, rest) for lines of the form "Key:   rest".
template <typename F>
void for_each_field(std::string_view text, F&& visit) {
    for_each_line(text, [&](std::string_view line) {
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) {
            return;
        }
        std::string_view value = line.substr(colon + 1);
        value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
        visit(line.substr(0, colon), value);
    });
}

// The number of "123 kB", in bytes; 0 where there is none.
inline std::int64_t kilobytes(std::string_view value) {
    constexpr std::int64_t kBytesPerKilobyte = 1024;
    return parse_number<std::int64_t>(value).value_or(0) * kBytesPerKilobyte;
}

}  // namespace palloscope
