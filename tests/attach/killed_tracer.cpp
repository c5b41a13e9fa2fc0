#include "tests/attach/killed_tracer.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <gtest/gtest.h>

namespace palloscope::test {

namespace {

using Clock = std::chrono::steady_clock;

void spin_for(std::chrono::microseconds time) {
    const Clock::time_point end = Clock::now() + time;
    while (Clock::now() < end) {
    }
}

}  // namespace

void kill_repeating_tracer(const std::function<void()>& action,
                           const std::function<bool()>& begun,
                           std::chrono::microseconds when) {
    const pid_t tracer = fork();
    if (tracer == 0) {
        for (;;) {
            action();
        }
    }
    ASSERT_GT(tracer, 0);
    while (!begun()) {
    }
    spin_for(when);
    kill(tracer, SIGKILL);
    ASSERT_EQ(waitpid(tracer, nullptr, 0), tracer);
}

}  // namespace palloscope::test
