#include "attach/precedence.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <optional>

namespace palloscope {

namespace {

constexpr int kHighest = -20;

struct Thread {
    int holders = 0;
    std::optional<int> nice_before;  // where it was changed
};

Thread& this_thread() {
    static thread_local Thread thread;
    return thread;
}

}  // namespace

// setpriority(2), "C library/kernel differences": on Linux the nice value is one of a thread, and
// `who` 0 is the calling one.
Precedence::Precedence() noexcept {
    Thread& thread = this_thread();
    if (thread.holders++ > 0) {
        return;
    }
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    errno = 0;
    const int before = getpriority(PRIO_PROCESS, 0);
    if (errno == 0 && setpriority(PRIO_PROCESS, 0, kHighest) == 0) {
        thread.nice_before = before;
    }
}

Precedence::~Precedence() {
    Thread& thread = this_thread();
    if (--thread.holders > 0) {
        return;
    }
    if (thread.nice_before) {
        (void)setpriority(PRIO_PROCESS, 0, *thread.nice_before);
        thread.nice_before.reset();
    }
    (void)prctl(PR_SET_TIMERSLACK, 0UL);  // the default
}

}  // namespace palloscope
