#include "inspector/recording/clock_watch.hpp"

#include <gtest/gtest.h>

namespace palloscope {
namespace {

constexpr std::int64_t kNineOClock = 1'795'424'400'000'000'000;
constexpr std::int64_t kSecondNs = 1'000'000'000;

std::optional<ClockStep> look(ClockWatch& watch, std::int64_t second, std::int64_t clock_ns) {
    return watch.look(kNineOClock + clock_ns,
                      std::chrono::steady_clock::time_point(std::chrono::seconds(second)));
}

TEST(ClockWatch, SeesWhenTheClockIsSet) {
    ClockWatch watch;
    EXPECT_EQ(look(watch, 100, 0), std::nullopt);
    EXPECT_EQ(look(watch, 101, kSecondNs + 2'000'000), std::nullopt) << "it goes a little faster";
    EXPECT_EQ(look(watch, 102, 3602 * kSecondNs + 2'000'000),
              (ClockStep{.at_ns = kNineOClock + 3602 * kSecondNs + 2'000'000,
                         .by_ns = 3600 * kSecondNs}));
    EXPECT_EQ(look(watch, 103, 3603 * kSecondNs), std::nullopt) << "it is told once";
    EXPECT_EQ(look(watch, 104, 4 * kSecondNs)->by_ns, -3600 * kSecondNs);
}

}  // namespace
}  // namespace palloscope
