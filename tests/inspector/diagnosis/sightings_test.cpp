#include "inspector/diagnosis/sightings.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/inspector/diagnosis/synthetic_history.hpp"

namespace palloscope {
namespace {

constexpr double kGap = 1000;

struct Seen {
    double certain = 0;
    std::vector<Sighting> by_chance;
};

// What looks every kGap nanoseconds see of `count` statements at random times, of which each is the
// backend's last for `lasting` nanoseconds.
template <typename Lasting>
Seen seen_of(int count, Lasting lasting, Dice& dice) {
    Seen seen;
    for (int i = 0; i < count; ++i) {
        const double after = kGap * dice.uniform();
        const double lasts = lasting();
        if (lasts >= after + kGap) {
            seen.certain += 1;
        } else if (after < lasts) {
            seen.by_chance.push_back(
                {.after_ns = std::llround(after), .gap_ns = std::llround(kGap)});
        }
    }
    return seen;
}

CallsEstimate estimate_alone(const std::vector<Sighting>& sightings) {
    return estimate_calls(sightings.size(), weigh_sightings(sightings));
}

double estimated(const Seen& seen) {
    return seen.certain + estimate_alone(seen.by_chance).calls;
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
    const auto lasting = [] { return 1.5 * kGap; };
    EXPECT_NEAR(mean_estimate(400, lasting, dice), 400, 4);
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

TEST(EstimatedCalls, IsAQuarterTooLowWhereTimesAreSpreadExponentially) {
    Dice dice(3);
    const auto lasting = [&] { return -std::log(1 - dice.uniform()) * kGap / 4; };
    EXPECT_NEAR(mean_estimate(800, lasting, dice), 600, 40);
}

TEST(EstimatedCalls, IsNearlyRightWhereTimesDifferByHalf) {
    Dice dice(6);
    const auto lasting = [&] { return (0.5 + dice.uniform()) * kGap / 4; };
    EXPECT_NEAR(mean_estimate(800, lasting, dice), 800, 40);
}

TEST(EstimatedCalls, CountsShortAndLongOnes) {
    Dice dice(4);
    const auto lasting = [&] { return dice.uniform() < 0.5 ? 4 * kGap : kGap / 5; };
    EXPECT_NEAR(mean_estimate(1000, lasting, dice), 1000, 60);
}

TEST(EstimatedCalls, IsNeverLessThanWereSeen) {
    Dice dice(5);
    EXPECT_EQ(estimate_alone({}).calls, 0);
    for (const int count : {1, 2, 3, 5}) {
        const Seen seen = seen_of(
            count, [] { return 0.9 * kGap; }, dice);
        EXPECT_GE(estimated(seen), static_cast<double>(seen.by_chance.size()));
    }
    // Of a clock that stands still.
    EXPECT_EQ(estimate_alone(std::vector<Sighting>(4)).calls, 4);
}

// Both where chance alone errs and where the method does.
TEST(EstimatedCalls, LieWithinTwoStandardErrors) {
    Dice dice(7);
    const auto alike = [] { return kGap / 4; };
    const auto exponential = [&] { return -std::log(1 - dice.uniform()) * kGap / 4; };
    constexpr int kRounds = 200;
    for (const int count : {40, 400}) {
        int hits = 0;
        for (int i = 0; i < kRounds; ++i) {
            const Seen seen =
                i % 2 == 0 ? seen_of(count, alike, dice) : seen_of(count, exponential, dice);
            const CallsEstimate found = estimate_alone(seen.by_chance);
            hits += std::abs(found.calls - count) <= 2 * found.error * count ? 1 : 0;
        }
        EXPECT_GE(hits, kRounds * 9 / 10) << count;
    }
}

// Of four backends that run the same statement.
TEST(EstimatedCalls, AreBetterWhereOtherBackendsKnowTheWeightToo) {
    Dice dice(8);
    constexpr int kRounds = 200;
    constexpr int kCount = 80;
    double squares_alone = 0;
    double squares_together = 0;
    int hits = 0;
    for (int i = 0; i < kRounds; ++i) {
        const Seen seen = seen_of(
            kCount, [] { return kGap / 2; }, dice);
        std::vector<Sighting> all = seen.by_chance;
        for (int other = 0; other < 3; ++other) {
            const Seen more = seen_of(
                kCount, [] { return kGap / 2; }, dice);
            all.insert(all.end(), more.by_chance.begin(), more.by_chance.end());
        }
        const double alone = estimate_alone(seen.by_chance).calls - kCount;
        const CallsEstimate found = estimate_calls(seen.by_chance.size(), weigh_sightings(all));
        const double together = found.calls - kCount;
        squares_alone += alone * alone;
        squares_together += together * together;
        hits += std::abs(together) <= 2 * found.error * kCount ? 1 : 0;
    }
    EXPECT_LT(squares_together, 0.6 * squares_alone);
    EXPECT_GE(hits, kRounds * 9 / 10);
}

TEST(EstimatedCalls, HaveTheErrorOfOneBackendAloneWhereItIsAlone) {
    const SightingWeight weight{.calls = 4, .error = 0.1, .sightings = 25};
    EXPECT_EQ(estimate_calls(25, weight).calls, 100);
    EXPECT_NEAR(estimate_calls(25, weight).error, std::hypot(0.2, 0.1), 1e-9);
    // One of many: its own sightings are a matter of chance.
    const SightingWeight of_many{.calls = 4, .error = 0, .sightings = 1'000'000};
    EXPECT_NEAR(estimate_calls(25, of_many).error, std::hypot(0.2, std::sqrt(0.75 / 25)), 1e-4);
}

}  // namespace
}  // namespace palloscope
