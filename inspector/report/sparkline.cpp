#include "inspector/report/sparkline.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>

namespace palloscope {

std::string sparkline(std::span<const std::int64_t> values, const TextStyle& style) {
    constexpr std::array<std::string_view, 8> kBlocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    constexpr std::array<std::string_view, 8> kAscii{"_", ".", "-", "~", "=", "+", "*", "#"};
    if (values.empty()) {
        return "";
    }
    const auto [least, most] = std::ranges::minmax(values);
    const double range = static_cast<double>(most) - static_cast<double>(least);
    std::string line;
    for (const std::int64_t value : values) {
        const double height =
            range > 0 ? (static_cast<double>(value) - static_cast<double>(least)) / range : 0.0;
        const auto level = static_cast<std::size_t>(std::lround(height * (kBlocks.size() - 1)));
        line += style.ascii ? kAscii.at(level) : kBlocks.at(level);
    }
    return line;
}

}  // namespace palloscope
