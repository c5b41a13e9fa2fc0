#include "inspector/report/size_text.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>

namespace palloscope {

std::string size_text(std::int64_t bytes) {
    constexpr std::array<std::string_view, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
    // What one decimal would round to 1024.0 belongs to the next unit.
    constexpr double kNextUnit = 1023.95;
    auto value = static_cast<double>(bytes);
    if (std::abs(value) < 1024) {
        return fmt::format("{} B", bytes);
    }
    std::size_t unit = 0;
    while (std::abs(value) >= kNextUnit && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return fmt::format("{:.1f} {}", value, kUnits.at(unit));
}

std::string size_change_text(std::int64_t bytes) {
    return (bytes > 0 ? "+" : "") + size_text(bytes);
}

std::string count_text(std::int64_t count) {
    std::string digits = std::to_string(count);
    const std::ptrdiff_t first_digit = count < 0 ? 1 : 0;
    for (std::ptrdiff_t at = std::ssize(digits) - 3; at > first_digit; at -= 3) {
        digits.insert(static_cast<std::size_t>(at), 1, ',');
    }
    return digits;
}

std::string count_change_text(std::int64_t count) {
    return (count > 0 ? "+" : "") + count_text(count);
}

std::string times_text(std::int64_t count, const TextStyle& style) {
    return (style.ascii ? " x" : " ×") + count_text(count);
}

}  // namespace palloscope
