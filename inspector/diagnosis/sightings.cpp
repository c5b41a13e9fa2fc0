#include "inspector/diagnosis/sightings.hpp"

#include <algorithm>
#include <cmath>

namespace palloscope {

namespace {

// So many sightings at least say when statements begin before a look. No more: on a full machine a
// few are of a backend that had to wait for a processor in the middle of a short statement.
constexpr std::size_t kEnough = 4;
// Standard errors, as shares.
constexpr double kErrorOfMethod = 0.2;
constexpr double kErrorOfFew = 1;

}  // namespace

SightingWeight weigh_sightings(std::vector<Sighting> sightings) {
    const std::size_t seen = sightings.size();
    if (seen < 2) {
        return {.error = kErrorOfFew, .sightings = seen};
    }
    std::ranges::sort(sightings, {}, &Sighting::after_ns);
    const std::size_t first = std::min(seen, std::max(seen / 2, kEnough)) - 1;
    const auto within = static_cast<double>(sightings[first].after_ns);
    double gaps = 0;
    double squares = 0;
    for (std::size_t i = 0; i < first; ++i) {
        // All that begin in a gap shorter than that are seen.
        const auto gap = std::max(static_cast<double>(sightings[i].gap_ns), within);
        gaps += gap;
        squares += gap * gap;
    }
    // Of a sum of as many gaps as chance will have it.
    const double by_chance = gaps > 0 ? std::sqrt(squares) / gaps : kErrorOfFew;
    const double calls = within > 0 ? gaps / within / static_cast<double>(seen) : 1;
    return {.calls = std::max(calls, 1.0), .error = by_chance, .sightings = seen};
}

CallsEstimate estimate_calls(std::size_t seen, const SightingWeight& weight) {
    if (seen == 0) {
        return {.error = kErrorOfFew};
    }
    // Each is seen with a chance of 1 in weight.calls. What is the weight's own error counts once.
    const auto number = static_cast<double>(seen);
    const double of_others =
        std::max(1 - number / static_cast<double>(std::max(weight.sightings, seen)), 0.0);
    const double variance = (1 - 1 / weight.calls) / number * of_others;
    return {.calls = number * weight.calls,
            .error = std::hypot(kErrorOfMethod, weight.error, std::sqrt(variance))};
}

}  // namespace palloscope
