#pragma once

#include <chrono>
#include <optional>

namespace palloscope {

// When to look at backends next, so that looks take no more than their share of one processor, and
// come when there is something to see: statements come in bursts, between their client's rests.
//
// What a look takes is mostly what the kernel takes to wake us: 20 us on a virtual processor
// (kernel 6.18 under PVM).
class LookPace {
  public:
    using Clock = std::chrono::steady_clock;

    // Of one processor: where the machine has no processor to spare, and where it has.
    static constexpr double kSmallShare = 0.02;
    static constexpr double kLargeShare = 0.06;
    // While backends report something, and for so long after it; and while they rest.
    static constexpr std::chrono::microseconds kBusyPeriod{60};
    static constexpr std::chrono::microseconds kAttention{500};
    static constexpr std::chrono::microseconds kRestingPeriod{250};
    static constexpr std::chrono::milliseconds kLongestPeriod{100};

    void set_share(double of_one_processor) { share_ = of_one_processor; }

    // When the next look is due, after one that was done at `now`: `used` is what was used of the
    // processor since the look before, and `reported` whether a backend had reported since.
    [[nodiscard]] Clock::time_point next(Clock::time_point now,
                                         std::chrono::nanoseconds used,
                                         bool reported);

  private:
    double share_ = kSmallShare;
    std::optional<Clock::time_point> last_;
    Clock::time_point busy_until_;
    std::chrono::nanoseconds credit_{};
    std::chrono::nanoseconds usual_use_{};
};

}  // namespace palloscope
