#include "inspector/diagnosis/sightings.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/inspector/diagnosis/synthetic_history.hpp"

namespace palloscope {
namespace {

constexpr double kGap = 1000;

// What looks every kGap nanoseconds see of `count` statements at random times, of which each is the
// backend's last for `lasting` nanoseconds, and runs for half of that.
template <typename Lasting>
std::vector<ExecutionRecord> seen_of(int count, Lasting lasting, Dice& dice) {
    std::vector<ExecutionRecord> seen;
    for (int i = 0; i < count; ++i) {
        const double after = kGap * dice.uniform();
        const double lasts = lasting();
        if (after < lasts) {
            seen.push_back({.started_at_ns = 0,
                            .ended_at_ns = std::llround(lasts / 2),
                            .sighting = Sighting{.after_ns = std::llround(after),
                                                 .gap_ns = std::llround(kGap)}});
        }
    }
    return seen;
}

double estimated(const std::vector<ExecutionRecord>& seen) {
    std::vector<const ExecutionRecord*> pointers;
    for (const ExecutionRecord& execution : seen) {
        pointers.push_back(&execution);
    }
    return estimated_calls(pointers);
}

// Of `rounds` estimates, the mean.
template <typename Lasting>
double mean_estimate(int count, Lasting lasting, Dice& dice, int rounds = 200) {
    double sum = 0;
    for (int i = 0; i < rounds; ++i) {
        sum += estimated(seen_of(count, lasting, dice));
    }
    return sum / rounds;
}

TEST(EstimatedCalls, IsTheNumberSeenWhereNoneCanBeMissed) {
    Dice dice(1);
    const auto seen = seen_of(
        50, [] { return 3 * kGap; }, dice);
    ASSERT_EQ(seen.size(), 50U);
    EXPECT_EQ(estimated(seen), 50);
}

TEST(EstimatedCalls, CountsWhatWasTooShortToBeSeen) {
    Dice dice(2);
    EXPECT_NEAR(mean_estimate(
                    400, [] { return kGap / 4; }, dice),
                400,
                20);
    EXPECT_NEAR(mean_estimate(
                    2000, [] { return kGap / 20; }, dice),
                2000,
                100);
}

TEST(EstimatedCalls, IsNearlyRightWhereEachLastsForAnotherTime) {
    Dice dice(3);
    const auto lasting = [&] { return -std::log(1 - dice.uniform()) * kGap / 4; };
    EXPECT_NEAR(mean_estimate(800, lasting, dice), 800, 120);
}

TEST(EstimatedCalls, CountsShortAndLongOnes) {
    Dice dice(4);
    const auto lasting = [&] { return dice.uniform() < 0.5 ? 4 * kGap : kGap / 5; };
    EXPECT_NEAR(mean_estimate(1000, lasting, dice), 1000, 60);
}

TEST(EstimatedCalls, IsNeverLessThanWereSeen) {
    Dice dice(5);
    EXPECT_EQ(estimated({}), 0);
    for (const int count : {1, 2, 3, 5}) {
        const auto seen = seen_of(
            count, [] { return 0.9 * kGap; }, dice);
        EXPECT_GE(estimated(seen), static_cast<double>(seen.size()));
    }
    // Of a clock that stands still.
    const std::vector<ExecutionRecord> still(4, {.sighting = Sighting{}});
    EXPECT_EQ(estimated(still), 4);
}

}  // namespace
}  // namespace palloscope
