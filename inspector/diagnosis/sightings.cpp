#include "inspector/diagnosis/sightings.hpp"

#include <algorithm>
#include <cstddef>

namespace palloscope {

namespace {

// So many sightings at least say when statements begin before a look; fewer are all asked.
constexpr std::size_t kEnough = 16;

}  // namespace

double estimated_calls(const std::vector<Sighting>& sightings) {
    const auto seen = static_cast<double>(sightings.size());
    if (sightings.size() < 2) {
        return seen;
    }
    std::vector<Sighting> sorted = sightings;
    std::ranges::sort(sorted, {}, &Sighting::after_ns);
    const std::size_t first = std::min(sorted.size(), std::max(sorted.size() / 2, kEnough)) - 1;
    const auto within = static_cast<double>(sorted[first].after_ns);
    double gaps = 0;
    for (std::size_t i = 0; i < first; ++i) {
        gaps += static_cast<double>(sorted[i].gap_ns);
    }
    return within > 0 ? std::max(seen, gaps / within) : seen;
}

}  // namespace palloscope
