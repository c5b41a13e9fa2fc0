#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

namespace palloscope::workload {

using SteadyTime = std::chrono::steady_clock::time_point;

// Says when each loop is to begin, so that they keep a rate.
//
// Beginnings lie on a grid from the first one on, so that no delay adds up. A loop that comes late
// begins at once; the grid's points that went by meanwhile are left out and never made up for by a
// burst.
//
//     Pacer pacer(10);  // loops per second
//     while (sleep_until(pacer.next(std::chrono::steady_clock::now()), stop)) loop();
class Pacer {
  public:
    // Without a rate, or with one that is not positive, every loop begins at once.
    explicit Pacer(std::optional<double> loops_per_second);

    // When the next loop is to begin, `now` at the earliest.
    [[nodiscard]] SteadyTime next(SteadyTime now);

  private:
    std::chrono::nanoseconds interval_{0};
    std::optional<SteadyTime> due_;
};

// Pauses after failures: 100 ms after the first, twice as long after each further one, 5 s at most.
class Backoff {
  public:
    [[nodiscard]] std::chrono::milliseconds next();

    void reset();

  private:
    std::chrono::milliseconds pause_{0};
};

// Waits until `time`. False when `stop` was requested before or meanwhile.
[[nodiscard]] bool sleep_until(SteadyTime time, const std::stop_token& stop);

}  // namespace palloscope::workload
