#include "attach/precedence.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <optional>

#include <gtest/gtest.h>

namespace palloscope {
namespace {

int nice_value() {
    return getpriority(PRIO_PROCESS, 0);
}

int timer_slack() {
    return prctl(PR_GET_TIMERSLACK);
}

// Whether this process may raise its precedence: then it does, else nothing changes.
int expected_nice_value(int before) {
    if (setpriority(PRIO_PROCESS, 0, -20) < 0) {
        return before;
    }
    setpriority(PRIO_PROCESS, 0, before);
    return -20;
}

TEST(Precedence, IsGivenBackByTheLastOfThem) {
    const int before = nice_value();
    const int slack_before = timer_slack();
    const int raised = expected_nice_value(before);
    std::optional<Precedence> first;
    std::optional<Precedence> second;
    first.emplace();
    EXPECT_EQ(nice_value(), raised);
    EXPECT_EQ(timer_slack(), 1);
    second.emplace();
    first.reset();
    EXPECT_EQ(nice_value(), raised);
    EXPECT_EQ(timer_slack(), 1);
    second.reset();
    EXPECT_EQ(nice_value(), before);
    EXPECT_EQ(timer_slack(), slack_before);
}

}  // namespace
}  // namespace palloscope
