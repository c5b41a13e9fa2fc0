#pragma once

#include <cstdint>
#include <map>

namespace palloscope {

// Pauses in microseconds, in bounded memory: exact minimum and maximum, other quantiles to within
// 1 %.
class PauseStatistics {
  public:
    void add(double pause_us);

    [[nodiscard]] std::int64_t count() const { return count_; }

    // 0 where nothing was added.
    [[nodiscard]] double min_us() const { return min_us_; }

    [[nodiscard]] double max_us() const { return max_us_; }

    // The pause that a `share` (0 to 1) of all pauses do not exceed.
    [[nodiscard]] double quantile_us(double share) const;

  private:
    std::int64_t count_ = 0;
    double min_us_ = 0;
    double max_us_ = 0;
    // Counts by logarithm of the pause: a few hundred entries at most.
    std::map<int, std::int64_t> buckets_;
};

}  // namespace palloscope
