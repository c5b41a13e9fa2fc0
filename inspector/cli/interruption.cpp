#include "inspector/cli/interruption.hpp"

#include <signal.h>

#include <array>
#include <ctime>

namespace palloscope {

namespace {

std::atomic<bool> stop_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free, "it is set by a signal handler");

constexpr std::array kSignals{SIGINT, SIGTERM};

}  // namespace

StopRequest::StopRequest() {
    stop_requested = false;

    struct sigaction action {};

    action.sa_handler = [](int) { stop_requested = true; };
    // The second one finds the default action, and ends us whatever we wait for.
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (const int signal : kSignals) {
        sigaction(signal, &action, nullptr);
    }
}

StopRequest::~StopRequest() {
    for (const int signal : kSignals) {
        ::signal(signal, SIG_DFL);
    }
}

const std::atomic<bool>& StopRequest::flag() const noexcept {
    return stop_requested;
}

bool StopRequest::sleep_until(std::chrono::steady_clock::time_point until) const {
    const auto since_epoch = until.time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_epoch);
    const timespec deadline{.tv_sec = seconds.count(), .tv_nsec = (since_epoch - seconds).count()};
    while (!stop_requested) {
        // steady_clock is CLOCK_MONOTONIC. Without SA_RESTART the signal ends the sleep.
        if (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr) == 0) {
            return false;
        }
    }
    return true;
}

}  // namespace palloscope
