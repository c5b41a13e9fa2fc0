#include "inspector/recording/pause_statistics.hpp"

#include <algorithm>
#include <cmath>

namespace palloscope {

namespace {

// Bounds of neighbouring buckets differ by 2 %, and a bucket is known by its middle.
const double kLogWidth = std::log(1.02);
// Pauses below a nanosecond, such as that of --method read, are one bucket.
constexpr double kSmallestUs = 0.001;

}  // namespace

void PauseStatistics::add(double pause_us) {
    min_us_ = count_ == 0 ? pause_us : std::min(min_us_, pause_us);
    max_us_ = count_ == 0 ? pause_us : std::max(max_us_, pause_us);
    ++count_;
    ++buckets_[static_cast<int>(std::floor(std::log(std::max(pause_us, kSmallestUs)) / kLogWidth))];
}

double PauseStatistics::quantile_us(double share) const {
    const auto wanted = std::max<std::int64_t>(
        1, static_cast<std::int64_t>(std::ceil(share * static_cast<double>(count_))));
    std::int64_t seen = 0;
    for (const auto& [bucket, count] : buckets_) {
        seen += count;
        if (seen >= wanted) {
            return std::clamp(std::exp((bucket + 0.5) * kLogWidth), min_us_, max_us_);
        }
    }
    return max_us_;
}

}  // namespace palloscope
