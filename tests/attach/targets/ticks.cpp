// Waits in epoll_wait(2) for a timer, again and again: to its tracer, a server that waits for its
// client and gets a statement every 200 µs.
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tests/attach/targets/target.hpp"

int main() {
    const int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    const timespec interval{.tv_sec = 0, .tv_nsec = 200000};
    const itimerspec setting{.it_interval = interval, .it_value = interval};
    target::require(timerfd_settime(timer, 0, &setting, nullptr) == 0, "timerfd_settime");
    const int waits = epoll_create1(0);
    epoll_event wanted{.events = EPOLLIN, .data = {}};
    target::require(epoll_ctl(waits, EPOLL_CTL_ADD, timer, &wanted) == 0, "epoll_ctl");
    target::ready();
    for (;;) {
        epoll_event event{};
        if (epoll_wait(waits, &event, 1, -1) == 1) {
            std::uint64_t expirations = 0;
            target::require(read(timer, &expirations, sizeof expirations) == sizeof expirations,
                            "read");
            counter = counter + 1;
        }
    }
}
