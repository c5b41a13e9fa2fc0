#include "attach/idle_processors.hpp"

#include <sys/sysinfo.h>

#include <thread>

#include <gtest/gtest.h>

namespace palloscope {
namespace {

TEST(ParseIdleTicks, AddsIdleTimeAndWaitsForDisks) {
    EXPECT_EQ(parse_idle_ticks("cpu  10132153 290696 3084719 46828483 16683 0 25195 0 175628 0\n"
                               "cpu0 1393280 32966 572056 13343292 6130 0 17875 0 23933 0\n"),
              46828483U + 16683U);
}

TEST(ParseIdleTicks, KnowsNothingOfOtherText) {
    EXPECT_EQ(parse_idle_ticks(""), std::nullopt);
    EXPECT_EQ(parse_idle_ticks("cpu  1 2 3"), std::nullopt);
    EXPECT_EQ(parse_idle_ticks("cpu  1 2 3 x 5"), std::nullopt);
    EXPECT_EQ(parse_idle_ticks("intr 1 2 3 4 5"), std::nullopt);
}

TEST(IdleProcessors, AreNoMoreThanThereAre) {
    IdleProcessors idle;
    EXPECT_EQ(idle.count(), 0);
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
    const double count = idle.count();
    EXPECT_GE(count, 0);
    EXPECT_LE(count, get_nprocs() * 1.1);
}

}  // namespace
}  // namespace palloscope
