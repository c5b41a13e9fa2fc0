#include "inspector/cli/second_look.hpp"

#include <algorithm>

#include "attach/stopped_process.hpp"

namespace palloscope {

ExitCode await_second_look(const StopRequest& stop, std::chrono::nanoseconds wait) {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds kReleaseEvery{100};
    const Clock::time_point end = Clock::now() + wait;
    while (Clock::now() < end) {
        if (stop.sleep_until(std::min(end, Clock::now() + kReleaseEvery))) {
            return ExitCode::kInterrupted;
        }
        StoppedProcess::release_late_stops();
    }
    return ExitCode::kDone;
}

}  // namespace palloscope
