#include "inspector/diagnosis/forecast.hpp"

#include <algorithm>
#include <map>

namespace palloscope {

namespace {

// The leaking backends under one limit.
struct Sharers {
    std::size_t backends = 0;
    // Of all of them. The ends of the intervals are added too: wider than need be, never narrower.
    Estimate bytes_per_second;
    std::int64_t left_bytes = 0;  // the least that any of them was told
};

bool grows_towards_a_limit(const BackendHistory& history, const BackendDiagnosis& backend) {
    return history.allowance && !has_ended(history) && backend.leaks() &&
           backend.growth.rest_seconds == 0 && backend.growth.bytes_per_second.low > 0;
}

}  // namespace

void add_forecasts(const History& history, Diagnosis& diagnosis) {
    std::map<std::int64_t, Sharers> by_limit;
    for (std::size_t i = 0; i < diagnosis.backends.size(); ++i) {
        if (!grows_towards_a_limit(history.backends[i], diagnosis.backends[i])) {
            continue;
        }
        const MemoryAllowance& allowance = *history.backends[i].allowance;
        const Estimate& rate = diagnosis.backends[i].growth.bytes_per_second;
        Sharers& sharers = by_limit[allowance.limit_bytes];
        const std::int64_t left = std::max<std::int64_t>(allowance.left_bytes, 0);
        sharers.left_bytes = sharers.backends == 0 ? left : std::min(sharers.left_bytes, left);
        ++sharers.backends;
        sharers.bytes_per_second.value += rate.value;
        sharers.bytes_per_second.low += rate.low;
        sharers.bytes_per_second.high += rate.high;
    }
    for (std::size_t i = 0; i < diagnosis.backends.size(); ++i) {
        if (!grows_towards_a_limit(history.backends[i], diagnosis.backends[i])) {
            continue;
        }
        const std::int64_t limit = history.backends[i].allowance->limit_bytes;
        const Sharers& sharers = by_limit.at(limit);
        const auto left = static_cast<double>(sharers.left_bytes);
        diagnosis.backends[i].forecast =
            Forecast{.limit_bytes = limit,
                     .left_bytes = sharers.left_bytes,
                     .seconds = {.value = left / sharers.bytes_per_second.value,
                                 .low = left / sharers.bytes_per_second.high,
                                 .high = left / sharers.bytes_per_second.low},
                     .backends = sharers.backends};
    }
}

}  // namespace palloscope
