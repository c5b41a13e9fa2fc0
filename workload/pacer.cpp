#include "workload/pacer.hpp"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <mutex>

namespace palloscope::workload {

namespace {

constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{5000};

// A day: slower rates are taken for this one, so that no sum of times can overflow.
constexpr double kLongestIntervalNs = 86400e9;

}  // namespace

Pacer::Pacer(std::optional<double> loops_per_second) {
    if (loops_per_second && *loops_per_second > 0) {
        interval_ = std::chrono::nanoseconds(
            std::llround(std::min(1e9 / *loops_per_second, kLongestIntervalNs)));
    }
}

SteadyTime Pacer::next(SteadyTime now) {
    if (interval_.count() == 0) {
        return now;
    }
    if (!due_) {
        due_ = now;
    }
    const SteadyTime begin = std::max(*due_, now);
    *due_ += ((begin - *due_) / interval_ + 1) * interval_;
    return begin;
}

std::chrono::milliseconds Backoff::next() {
    pause_ = pause_.count() == 0 ? kFirstPause : std::min(pause_ * 2, kLongestPause);
    return pause_;
}

void Backoff::reset() {
    pause_ = std::chrono::milliseconds(0);
}

bool sleep_until(SteadyTime time, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    stopped.wait_until(lock, stop, time, [] { return false; });
    return !stop.stop_requested();
}

}  // namespace palloscope::workload
