#include "inspector/recording/clock_watch.hpp"

#include <cstdlib>
#include <utility>

namespace palloscope {

namespace {

constexpr std::int64_t kLeastStepNs = 500'000'000;

}  // namespace

std::optional<ClockStep> ClockWatch::look(std::int64_t unix_ns,
                                          std::chrono::steady_clock::time_point steady) {
    const std::chrono::nanoseconds since_start = steady.time_since_epoch();
    const std::int64_t offset_ns = unix_ns - since_start.count();
    const std::int64_t by_ns = offset_ns - std::exchange(offset_ns_, offset_ns).value_or(offset_ns);
    return std::abs(by_ns) < kLeastStepNs
               ? std::nullopt
               : std::optional(ClockStep{.at_ns = unix_ns, .by_ns = by_ns});
}

}  // namespace palloscope
