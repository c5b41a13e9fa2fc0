#include "workload/pacer.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace palloscope::workload {
namespace {

using std::chrono::milliseconds;

TEST(Pacer, BeginsEveryLoopAtOnceWithoutARate) {
    Pacer pacer(std::nullopt);
    const SteadyTime now{};
    EXPECT_EQ(pacer.next(now), now);
    EXPECT_EQ(pacer.next(now), now);
}

TEST(Pacer, KeepsTheRateHoweverLongALoopTakesWithinItsInterval) {
    Pacer pacer(10);
    const SteadyTime begin{};
    EXPECT_EQ(pacer.next(begin), begin);
    EXPECT_EQ(pacer.next(begin + milliseconds(30)), begin + milliseconds(100));
    EXPECT_EQ(pacer.next(begin + milliseconds(199)), begin + milliseconds(200));
}

TEST(Pacer, BeginsALateLoopAtOnceAndMakesUpForNone) {
    Pacer pacer(10);
    const SteadyTime begin{};
    EXPECT_EQ(pacer.next(begin), begin);
    EXPECT_EQ(pacer.next(begin + milliseconds(350)), begin + milliseconds(350));
    EXPECT_EQ(pacer.next(begin + milliseconds(360)), begin + milliseconds(400));
}

TEST(Pacer, TakesAnyRate) {
    Pacer slow(1e-300);
    const SteadyTime begin{};
    EXPECT_EQ(slow.next(begin), begin);
    EXPECT_EQ(slow.next(begin), begin + std::chrono::hours(24));
    Pacer fast(1e300);
    EXPECT_EQ(fast.next(begin), begin);
    EXPECT_EQ(fast.next(begin), begin);
}

TEST(Backoff, DoublesUpToItsBoundAndBeginsAgain) {
    Backoff backoff;
    EXPECT_EQ(backoff.next(), milliseconds(100));
    EXPECT_EQ(backoff.next(), milliseconds(200));
    for (int failure = 0; failure < 10; ++failure) {
        EXPECT_LE(backoff.next(), milliseconds(5000));
    }
    EXPECT_EQ(backoff.next(), milliseconds(5000));
    backoff.reset();
    EXPECT_EQ(backoff.next(), milliseconds(100));
}

TEST(SleepUntil, ReturnsTrueOnceItsTimeHasCome) {
    const auto time = std::chrono::steady_clock::now() + milliseconds(5);
    EXPECT_TRUE(sleep_until(time, std::stop_token()));
    EXPECT_GE(std::chrono::steady_clock::now(), time);
}

TEST(SleepUntil, WakesAtARequestToStop) {
    std::stop_source stop;
    const std::jthread stopper([&stop] { stop.request_stop(); });
    const auto hour = std::chrono::steady_clock::now() + std::chrono::hours(1);
    EXPECT_FALSE(sleep_until(hour, stop.get_token()));
}

}  // namespace
}  // namespace palloscope::workload
