#include "inspector/diagnosis/trend.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "inspector/diagnosis/local_level.hpp"
#include "inspector/diagnosis/median.hpp"
#include "inspector/diagnosis/regression.hpp"
#include "inspector/diagnosis/straight_line.hpp"

namespace palloscope {

namespace {

constexpr double kSmallestGrowth = 8192;
constexpr double kWarmUpRate = 1.5;
// A leak may look slower in its later part, by chance, but not by more than this.
constexpr double kSteadyShare = 0.75;
// Up to so many snapshots in the last third get no interval of their own: five loads lie between
// them, and prove nothing by themselves.
constexpr std::size_t kFewestForInterval = 16;

// Where the warm-up ends: the first snapshot that lies on the line of the last half, drawn
// backwards, within that line's own scatter. Caches that fill at first lie below it, and fill at
// half as much again as the later rate at least; else there was no warm-up.
std::size_t end_of_warm_up(std::span<const double> seconds, std::span<const double> bytes) {
    const std::size_t half = bytes.size() / 2;
    const StraightLine line = fit_line(seconds.subspan(half), bytes.subspan(half));
    const auto [least, most] = std::ranges::minmax(bytes);
    const double tolerance = std::max(line.scatter, 0.01 * (most - least));
    std::size_t end = 0;
    while (end < half && bytes[end] < line.intercept + line.slope * seconds[end] - tolerance) {
        ++end;
    }
    const double at_later_rate = line.slope * (seconds[end] - seconds.front());
    return bytes[end] - bytes.front() > kWarmUpRate * at_later_rate ? end : 0;
}

// Growth and duration of each interval over the root of its duration. What stays varies as much as
// time passes, so that what came in one long interval tells no more of the rate than as much time
// in short ones: snapshots that a driver waits for lie close together while it works, and far apart
// while it does not.
struct Intervals {
    std::vector<double> growth;
    std::vector<double> seconds;
};

Intervals even_intervals(std::span<const double> seconds, std::span<const double> bytes) {
    Intervals intervals{.growth = differences(bytes), .seconds = differences(seconds)};
    const double mean =
        (seconds.back() - seconds.front()) / static_cast<double>(seconds.size() - 1);
    for (std::size_t i = 0; i < intervals.growth.size(); ++i) {
        const double scale = std::sqrt(intervals.seconds[i] / mean);
        intervals.growth[i] /= scale;
        intervals.seconds[i] /= scale;
    }
    return intervals;
}

double estimate_trend_theta(std::span<const double> seconds, std::span<const double> bytes) {
    const double rate = (bytes.back() - bytes.front()) / (seconds.back() - seconds.front());
    Intervals left = even_intervals(seconds, bytes);
    for (std::size_t i = 0; i < left.growth.size(); ++i) {
        left.growth[i] -= rate * left.seconds[i];
    }
    return estimate_theta(left.growth);
}

// The drift of `bytes`, in bytes per second.
Estimate drift(std::span<const double> seconds, std::span<const double> bytes, double theta) {
    const Intervals intervals = even_intervals(seconds, bytes);
    Regression regression{.columns = {whitened(intervals.seconds, theta)},
                          .response = whitened(intervals.growth, theta),
                          .free_sign = {true}};
    if (theta > 0) {
        regression.columns.push_back(first_level_column(regression.response.size(), theta));
        regression.free_sign.push_back(true);
    }
    return fit_with_intervals(regression).front();
}

// By an interval of 99 %: `record all` has hundreds of backends judged in one report, and a few
// snapshots of one that does not grow may well look as if it did.
bool surely_grows(const Estimate& rate) {
    // The normal distribution's quantiles for 0.995 and 0.975.
    constexpr double kWider = 2.575829 / 1.959964;
    return rate.value - kWider * (rate.value - rate.low) > 0;
}

// The middle value of the `width` from `first` on: what passes between two snapshots does not
// count.
double level(std::span<const double> bytes, std::size_t first, std::size_t width) {
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(first);
    return median({begin, begin + static_cast<std::ptrdiff_t>(width)});
}

// A stretch of the series, by indices: `first` and the one after the last.
struct Stretch {
    std::size_t first = 0;
    std::size_t end = 0;
};

// Whether the series still grows in its last half and its last third, and no slower in the later
// half after the warm-up than in the earlier.
class LateGrowth {
  public:
    LateGrowth(std::span<const double> seconds, std::span<const double> bytes, double theta)
        : seconds_(seconds), bytes_(bytes), theta_(theta) {}

    [[nodiscard]] bool goes_on(const Trend& trend) const {
        const std::size_t size = bytes_.size();
        return drift_in({size / 2, size}).low > 0 && grows_in_last_third(trend) && !slows(trend);
    }

  private:
    [[nodiscard]] Estimate drift_in(Stretch stretch) const {
        const std::size_t length = stretch.end - stretch.first;
        return drift(
            seconds_.subspan(stretch.first, length), bytes_.subspan(stretch.first, length), theta_);
    }

    [[nodiscard]] bool grows_in_last_third(const Trend& trend) const {
        const std::size_t size = bytes_.size();
        const std::size_t first = size - size / 3 - 1;
        const Estimate last = drift_in({first, size});
        if (size - first <= kFewestForInterval) {
            return last.value >= trend.bytes_per_second.value / 2;
        }
        return last.low > 0;
    }

    [[nodiscard]] bool slows(const Trend& trend) const {
        const std::size_t middle = (trend.start + bytes_.size()) / 2;
        const Estimate earlier = drift_in({trend.start, middle + 1});
        const Estimate later = drift_in({middle, bytes_.size()});
        return later.high < kSteadyShare * earlier.value;
    }

    std::span<const double> seconds_;
    std::span<const double> bytes_;
    double theta_;
};

}  // namespace

std::vector<double> differences(std::span<const double> values) {
    std::vector<double> result;
    for (std::size_t i = 1; i < values.size(); ++i) {
        result.push_back(values[i] - values[i - 1]);
    }
    return result;
}

std::size_t begin_of_growth(std::span<const double> seconds, std::span<const double> bytes) {
    constexpr int kParts = 20;
    constexpr double kLonger = 3;
    const double growth = bytes.empty() ? 0.0 : bytes.back() - bytes.front();
    if (bytes.size() < kFewestSnapshots || growth < kSmallestGrowth) {
        return 0;
    }
    // When each part was complete.
    std::vector<double> took;
    double before = seconds.front();
    std::size_t at = 0;
    for (int part = 1; part <= kParts; ++part) {
        while (at + 1 < bytes.size() && bytes[at] < bytes.front() + growth * part / kParts) {
            ++at;
        }
        took.push_back(seconds[at] - before);
        before = seconds[at];
    }
    const std::vector<double> others(took.begin() + 1, took.end());
    if (took.front() <= kLonger * std::ranges::max(others)) {
        return 0;
    }
    const double begin = seconds.front() + took.front() - median(others);
    const auto after = std::ranges::upper_bound(seconds, begin);
    return static_cast<std::size_t>(after - seconds.begin()) - 1;
}

bool rises_throughout(std::span<const double> bytes) {
    if (bytes.size() < kFewestSnapshots) {
        return false;
    }
    const std::size_t width = bytes.size() / 12 + 1;
    const auto level_at = [&](std::size_t third) {
        return level(bytes, third * (bytes.size() - width) / 3, width);
    };
    const double growth = level_at(3) - level_at(0);
    bool rises = growth >= kSmallestGrowth;
    for (std::size_t third = 0; third < 3; ++third) {
        rises = rises && level_at(third + 1) - level_at(third) >= growth / 6;
    }
    return rises;
}

Trend judge_growth(std::span<const double> seconds, std::span<const double> bytes) {
    Trend trend;
    if (bytes.size() < 2) {
        return trend;
    }
    if (bytes.size() < kFewestSnapshots) {
        trend.bytes_per_second = drift(seconds, bytes, /*theta=*/0);
        return trend;
    }
    trend.start = end_of_warm_up(seconds, bytes);
    const auto late_seconds = seconds.subspan(trend.start);
    const auto late_bytes = bytes.subspan(trend.start);
    const double theta = estimate_trend_theta(late_seconds, late_bytes);
    trend.bytes_per_second = drift(late_seconds, late_bytes, theta);
    const double rate = trend.bytes_per_second.value;
    const double late_growth = rate * (late_seconds.back() - late_seconds.front());
    if (surely_grows(trend.bytes_per_second) && late_growth >= kSmallestGrowth &&
        LateGrowth(seconds, bytes, theta).goes_on(trend)) {
        trend.verdict = GrowthVerdict::kLeak;
    } else if (bytes.back() - bytes.front() >= kSmallestGrowth) {
        trend.verdict = GrowthVerdict::kSettled;
    } else {
        trend.verdict = GrowthVerdict::kFlat;
    }
    return trend;
}

}  // namespace palloscope
