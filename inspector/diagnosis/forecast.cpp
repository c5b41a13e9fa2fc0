#include "inspector/diagnosis/forecast.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "inspector/diagnosis/snapshot_choice.hpp"
#include "inspector/diagnosis/taken_memory.hpp"

namespace palloscope {

namespace {

// Beyond that a date says nothing.
constexpr double kLongestSeconds = 10 * 365.25 * 86400;

// The leaking backends under one limit.
struct Sharers {
    std::size_t backends = 0;
    Estimate bytes_per_second;      // of all of them
    std::int64_t left_bytes = 0;    // the least that any of them was told
    std::int64_t looked_at_ns = 0;  // the last time
};

bool grows_towards_a_limit(const BackendHistory& history, const BackendDiagnosis& backend) {
    return history.allowance && !has_ended(history) && backend.leaks() &&
           backend.growth.rest_seconds == 0 && backend.growth.bytes_per_second.low > 0;
}

Estimate rate_of(const BackendHistory& history, const BackendDiagnosis& backend) {
    const SnapshotChoice choice = choose_snapshots(history.snapshots);
    const auto first = std::ranges::lower_bound(choice.seconds, backend.growth.quiet_seconds);
    return rate_of_taking(history,
                          choice,
                          static_cast<std::size_t>(first - choice.seconds.begin()),
                          choice.indices.size(),
                          backend.growth.bytes_per_second);
}

void add(const BackendHistory& history, const BackendDiagnosis& backend, Sharers& sharers) {
    const std::int64_t left = std::max<std::int64_t>(history.allowance->left_bytes, 0);
    sharers.left_bytes = sharers.backends == 0 ? left : std::min(sharers.left_bytes, left);
    ++sharers.backends;
    sharers.bytes_per_second = together(sharers.bytes_per_second, rate_of(history, backend));
    if (!history.snapshots.empty()) {
        sharers.looked_at_ns = std::max(sharers.looked_at_ns, history.snapshots.back().taken_at_ns);
    }
}

Forecast forecast_of(const Sharers& sharers, std::int64_t limit_bytes) {
    Forecast forecast{.limit_bytes = limit_bytes,
                      .left_bytes = sharers.left_bytes,
                      .seconds = seconds_until_taken(sharers.left_bytes, sharers.bytes_per_second),
                      .backends = sharers.backends};
    if (forecast.seconds.value <= kLongestSeconds) {
        forecast.at_ns =
            sharers.looked_at_ns + static_cast<std::int64_t>(forecast.seconds.value * 1e9);
    }
    return forecast;
}

}  // namespace

void add_forecasts(const History& history, Diagnosis& diagnosis) {
    std::map<std::pair<std::int64_t, std::uint64_t>, Sharers> groups;
    for (std::size_t i = 0; i < diagnosis.backends.size(); ++i) {
        const BackendHistory& backend = history.backends[i];
        if (grows_towards_a_limit(backend, diagnosis.backends[i])) {
            add(backend, diagnosis.backends[i], groups[backend.allowance->group()]);
        }
    }
    for (std::size_t i = 0; i < diagnosis.backends.size(); ++i) {
        const BackendHistory& backend = history.backends[i];
        if (grows_towards_a_limit(backend, diagnosis.backends[i])) {
            diagnosis.backends[i].forecast =
                forecast_of(groups.at(backend.allowance->group()), backend.allowance->limit_bytes);
        }
    }
}

}  // namespace palloscope
