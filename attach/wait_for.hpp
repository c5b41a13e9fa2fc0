#pragma once

#include <sched.h>

#include <chrono>
#include <thread>

namespace palloscope {

// Calls `condition` until it holds; false where it does not before the deadline. For what takes
// some 20 us, or the processor that we keep: for so long in turns with others, then asleep. In
// shorter sleeps, with less slack of the timer, we would keep it all the same (EEVDF, kernel 6.18:
// 3 ms).
template <typename Condition>
bool wait_for(Condition condition, std::chrono::milliseconds timeout) {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::microseconds kEagerWait{50};
    constexpr std::chrono::microseconds kLazyInterval{50};
    const Clock::time_point begin = Clock::now();
    for (;;) {
        if (condition()) {
            return true;
        }
        const Clock::duration waited = Clock::now() - begin;
        if (waited >= timeout) {
            return false;
        }
        if (waited < kEagerWait) {
            sched_yield();
        } else {
            std::this_thread::sleep_for(kLazyInterval);
        }
    }
}

}  // namespace palloscope
