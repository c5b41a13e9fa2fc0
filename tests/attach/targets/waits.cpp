// waits KIND: sleeps in that system call for as long as nothing happens, and notes how it returned.
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tests/attach/targets/target.hpp"

extern "C" {
volatile std::int64_t last_result = 0;
volatile std::int64_t last_errno = 0;
volatile std::int64_t seconds_left = 0;
}

namespace {

constexpr long kSeconds = 1000;
std::uint32_t futex_word = 0;

void note(long result) {
    last_errno = result < 0 ? errno : 0;
    last_result = result;
    counter = counter + 1;
}

void wait_once(const char* kind, int epoll) {
    if (strcmp(kind, "epoll_wait") == 0) {
        epoll_event event{};
        note(epoll_wait(epoll, &event, 1, -1));
    } else if (strcmp(kind, "poll") == 0) {
        pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
        note(poll(&input, 1, -1));
    } else if (strcmp(kind, "poll-with-timeout") == 0) {
        pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
        note(poll(&input, 1, kSeconds * 1000));
    } else if (strcmp(kind, "nanosleep") == 0) {
        const timespec interval{.tv_sec = kSeconds, .tv_nsec = 0};
        timespec left{};
        const int result = nanosleep(&interval, &left);
        seconds_left = left.tv_sec;
        note(result);
    } else if (strcmp(kind, "futex") == 0) {
        note(syscall(SYS_futex, &futex_word, FUTEX_WAIT, 0, nullptr, nullptr, 0));
    } else if (strcmp(kind, "read") == 0) {
        char byte = 0;
        note(read(STDIN_FILENO, &byte, 1));
    } else {
        target::require(false, kind);
    }
}

}  // namespace

int main(int, char** arguments) {
    const int epoll = epoll_create1(0);
    epoll_event wanted{.events = EPOLLIN, .data = {}};
    target::require(epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &wanted) == 0, "epoll_ctl");
    target::ready();
    for (;;) {
        wait_once(arguments[1], epoll);
        if (last_errno == 0) {
            pause();
        }
    }
}
