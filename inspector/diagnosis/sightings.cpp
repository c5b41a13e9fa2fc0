#include "inspector/diagnosis/sightings.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace palloscope {

namespace {

// So many sightings at least say when statements begin before a look; fewer are all asked.
constexpr std::size_t kEnough = 16;

// Whether no look could have missed it.
bool is_certain(const ExecutionRecord& execution) {
    return execution.ended_at_ns - execution.started_at_ns >= execution.sighting->gap_ns;
}

}  // namespace

double estimated_calls(const std::vector<const ExecutionRecord*>& sighted) {
    std::vector<Sighting> by_chance;
    for (const ExecutionRecord* const execution : sighted) {
        if (!is_certain(*execution)) {
            by_chance.push_back(*execution->sighting);
        }
    }
    const auto seen = static_cast<double>(sighted.size());
    if (by_chance.size() < 2) {
        return seen;
    }
    std::ranges::sort(by_chance, {}, &Sighting::after_ns);
    const std::size_t first =
        std::min(by_chance.size(), std::max(by_chance.size() / 4, kEnough)) - 1;
    const auto within = static_cast<double>(by_chance[first].after_ns);
    double gaps = 0;
    for (std::size_t i = 0; i < first; ++i) {
        gaps += static_cast<double>(by_chance[i].gap_ns);
    }
    const double certain = seen - static_cast<double>(by_chance.size());
    return within > 0 ? std::max(seen, certain + gaps / within) : seen;
}

}  // namespace palloscope
