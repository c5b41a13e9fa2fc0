#include "inspector/diagnosis/readable.hpp"

#include <array>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

namespace palloscope {

std::string readable_bytes(double bytes) {
    constexpr std::array<std::string_view, 4> kUnits{"kB", "MB", "GB", "TB"};
    double value = bytes / 1024;
    if (std::abs(value) < 1) {
        return fmt::format("{:.0f} bytes", bytes + 0.0);
    }
    std::size_t unit = 0;
    // From 999.5 on, rounding would print four digits.
    while (std::abs(value) >= 999.5 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    // Three digits, whatever the size: two figures of an interval differ in the third.
    const int decimals = std::abs(value) < 9.995 ? 2 : std::abs(value) < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f} {}", value, decimals, kUnits.at(unit));
}

std::string readable_seconds(double seconds) {
    if (seconds < 9.95) {
        return fmt::format("{:.2g} s", seconds);
    }
    const auto whole = static_cast<std::int64_t>(std::llround(seconds));
    if (whole < 60) {
        return fmt::format("{} s", whole);
    }
    if (whole < 3600) {
        return whole % 60 == 0 ? fmt::format("{} min", whole / 60)
                               : fmt::format("{} min {} s", whole / 60, whole % 60);
    }
    const std::int64_t minutes = whole / 60;
    return minutes % 60 == 0 ? fmt::format("{} h", minutes / 60)
                             : fmt::format("{} h {} min", minutes / 60, minutes % 60);
}

std::string readable_count(double count) {
    std::string digits = fmt::format("{:.0f}", count + 0.0);
    const std::size_t first = digits.starts_with('-') ? 1 : 0;
    for (std::size_t at = digits.size(); at > first + 3;) {
        at -= 3;
        digits.insert(at, 1, ',');
    }
    return digits;
}

std::string readable_share(double share) {
    const double percent = 100 * share;
    const bool nearly_all = percent > 99 && percent < 99.95;
    return nearly_all ? fmt::format("{:.1f} %", percent) : fmt::format("{:.0f} %", percent);
}

std::string counted(std::int64_t count, std::string_view noun) {
    return fmt::format(
        "{} {}{}", readable_count(static_cast<double>(count)), noun, count == 1 ? "" : "s");
}

}  // namespace palloscope
