#include "workload/duration.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/core.h>

namespace palloscope::workload {

namespace {

struct Unit {
    std::string_view name;
    double seconds;
};

constexpr std::array<Unit, 5> kUnits = {{
    {"us", 1e-6},
    {"ms", 1e-3},
    {"s", 1},
    {"min", 60},
    {"h", 3600},
}};

// Far from what an int64 of nanoseconds can hold.
constexpr double kLongestSeconds = 10.0 * 366 * 24 * 3600;

}  // namespace

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
    if (!name.empty() && name.front() == ' ') {
        name.remove_prefix(1);
    }
    for (const Unit& unit : kUnits) {
        const double seconds = number * unit.seconds;
        if (error == std::errc{} && name == unit.name && seconds > 0 &&
            seconds <= kLongestSeconds) {
            return std::chrono::nanoseconds(std::llround(seconds * 1e9));
        }
    }
    return failure(Error::Kind::kUsage,
                   fmt::format("'{}' is no length of time", text),
                   "write a positive number and one of the units us, ms, s, min, h: 60s");
}

}  // namespace palloscope::workload
