#include "workload/stop_signals.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <utility>

#include "workload/system_error.hpp"

namespace palloscope::workload {

namespace {

constexpr int kProgressIntervalMs = 1000;
constexpr int kExitInterrupted = 130;

}  // namespace

Result<StopSignals> StopSignals::catch_them() {
    sigset_t caught;
    sigemptyset(&caught);
    sigaddset(&caught, SIGINT);
    sigaddset(&caught, SIGTERM);
    const int err = pthread_sigmask(SIG_BLOCK, &caught, nullptr);
    if (err != 0) {
        return system_error(err, "cannot block SIGINT and SIGTERM");
    }
    Descriptor signals(signalfd(-1, &caught, SFD_CLOEXEC));
    Descriptor finished(eventfd(0, EFD_CLOEXEC));
    if (!signals.valid() || !finished.valid()) {
        return system_error(errno, "cannot wait for signals");
    }
    return StopSignals(std::move(signals), std::move(finished));
}

StopSignals::StopSignals(Descriptor signals, Descriptor finished)
    : signals_(std::move(signals)), finished_(std::move(finished)) {}

void StopSignals::wait(std::stop_source stop, const std::function<void()>& progress) {
    std::array<pollfd, 2> watched = {{
        {.fd = finished_.get(), .events = POLLIN, .revents = 0},
        {.fd = signals_.get(), .events = POLLIN, .revents = 0},
    }};
    while ((watched[0].revents & POLLIN) == 0) {
        const int ready = poll(watched.data(), watched.size(), kProgressIntervalMs);
        if (ready == 0) {
            progress();
        }
        if (ready <= 0 || (watched[1].revents & POLLIN) == 0) {
            continue;
        }
        signalfd_siginfo received{};
        if (read(signals_.get(), &received, sizeof received) == sizeof received &&
            !stop.request_stop()) {
            _exit(kExitInterrupted);
        }
    }
}

void StopSignals::finish() {
    const std::uint64_t one = 1;
    // Adding 1 to an event counter cannot fail short of 2^64 of them.
    static_cast<void>(write(finished_.get(), &one, sizeof one));
}

}  // namespace palloscope::workload
