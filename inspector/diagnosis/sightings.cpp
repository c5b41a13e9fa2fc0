#include "inspector/diagnosis/sightings.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace palloscope {

namespace {

// So many sightings at least say when statements begin before a look. No more: on a full machine a
// few are of a backend that had to wait for a processor in the middle of a short statement.
constexpr std::size_t kEnough = 4;
// Standard errors, as shares.
constexpr double kErrorOfMethod = 0.2;
constexpr double kErrorOfFew = 1;

}  // namespace

CallsEstimate estimate_calls(const std::vector<Sighting>& sightings) {
    const auto seen = static_cast<double>(sightings.size());
    if (sightings.size() < 2) {
        return {.calls = seen, .error = kErrorOfFew};
    }
    std::vector<Sighting> sorted = sightings;
    std::ranges::sort(sorted, {}, &Sighting::after_ns);
    const std::size_t first = std::min(sorted.size(), std::max(sorted.size() / 2, kEnough)) - 1;
    const auto within = static_cast<double>(sorted[first].after_ns);
    double gaps = 0;
    double squares = 0;
    for (std::size_t i = 0; i < first; ++i) {
        // All that begin in a gap shorter than that are seen.
        const auto gap = std::max(static_cast<double>(sorted[i].gap_ns), within);
        gaps += gap;
        squares += gap * gap;
    }
    // Of a sum of as many gaps as chance will have it.
    const double by_chance = gaps > 0 ? std::sqrt(squares) / gaps : kErrorOfFew;
    return {.calls = within > 0 ? std::max(seen, gaps / within) : seen,
            .error = std::hypot(kErrorOfMethod, by_chance)};
}

}  // namespace palloscope
