#include "inspector/diagnosis/trend.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "tests/inspector/diagnosis/synthetic_history.hpp"

namespace palloscope {
namespace {

constexpr int kSeeds = 100;

std::vector<double> every_second(std::size_t count) {
    std::vector<double> seconds(count);
    std::iota(seconds.begin(), seconds.end(), 0.0);
    return seconds;
}

std::vector<double> series(std::size_t count, const std::function<double(double)>& bytes) {
    std::vector<double> values;
    for (const double second : every_second(count)) {
        values.push_back(bytes(second));
    }
    return values;
}

Trend judge(const std::vector<double>& bytes) {
    return judge_growth(every_second(bytes.size()), bytes);
}

TEST(Trend, CallsAStraightLineALeakAtItsRate) {
    const Trend trend = judge(series(60, [](double t) { return 1e6 + 5000 * t; }));
    EXPECT_EQ(trend.verdict, GrowthVerdict::kLeak);
    EXPECT_NEAR(trend.bytes_per_second.value, 5000, 1);
    EXPECT_EQ(trend.start, 0U);
}

TEST(Trend, CallsACacheThatFillsAndStaysSettled) {
    const auto plateau = [](double t) { return 1e6 * (1 - std::exp(-t / 6)); };
    EXPECT_EQ(judge(series(60, plateau)).verdict, GrowthVerdict::kSettled);
    const auto ramp = [](double t) { return 20000 * std::min(t, 25.0); };
    EXPECT_EQ(judge(series(60, ramp)).verdict, GrowthVerdict::kSettled);
}

TEST(Trend, CallsGrowthThatSlowsDownSettled) {
    const auto slowing = [](double t) { return 1e6 * (1 - std::exp(-t / 20)); };
    EXPECT_EQ(judge(series(60, slowing)).verdict, GrowthVerdict::kSettled);
}

TEST(Trend, CallsAFewStairsSettled) {
    // A hash table that doubles: steps at 5, 15 and 40 s.
    const auto stairs = [](double t) {
        return t < 5 ? 0.0 : t < 15 ? 64e3 : t < 40 ? 192e3 : 448e3;
    };
    EXPECT_EQ(judge(series(60, stairs)).verdict, GrowthVerdict::kSettled);
}

TEST(Trend, CallsManySmallStairsALeak) {
    // Blocks of 8 kB, one every three seconds.
    const auto stairs = [](double t) { return 8192 * std::floor(t / 3); };
    const Trend trend = judge(series(90, stairs));
    EXPECT_EQ(trend.verdict, GrowthVerdict::kLeak);
    EXPECT_NEAR(trend.bytes_per_second.value, 8192.0 / 3, 150);
}

TEST(Trend, FindsALeakBehindAWarmUpAndLeavesTheWarmUpOutOfItsRate) {
    const auto both = [](double t) { return 2000 * t + 600e3 * (1 - std::exp(-t / 3)); };
    const Trend trend = judge(series(90, both));
    EXPECT_EQ(trend.verdict, GrowthVerdict::kLeak);
    EXPECT_GT(trend.start, 3U);
    EXPECT_LT(trend.start, 30U);
    EXPECT_NEAR(trend.bytes_per_second.value, 2000, 100);
}

TEST(Trend, CallsAConstantFlat) {
    EXPECT_EQ(judge(series(60, [](double) { return 1e6; })).verdict, GrowthVerdict::kFlat);
}

TEST(Trend, CallsGrowthOfLessThanABlockFlat) {
    EXPECT_EQ(judge(series(60, [](double t) { return 100 * t; })).verdict, GrowthVerdict::kFlat);
}

TEST(Trend, DoesNotJudgeFiveSnapshots) {
    const Trend trend = judge(series(5, [](double t) { return 1e5 * t; }));
    EXPECT_EQ(trend.verdict, GrowthVerdict::kTooFewSnapshots);
    EXPECT_NEAR(trend.bytes_per_second.value, 1e5, 1);
}

TEST(Trend, DoesNotJudgeNothing) {
    EXPECT_EQ(judge({}).verdict, GrowthVerdict::kTooFewSnapshots);
    EXPECT_EQ(judge({1e6}).verdict, GrowthVerdict::kTooFewSnapshots);
}

// A driver that is stepped: snapshots follow its statements closely, and between two loops it waits
// for another session.
TEST(Trend, KnowsTheRateOfWhatGrowsInShortIntervalsAlone) {
    Dice dice(3);
    std::vector<double> seconds{0};
    std::vector<double> bytes{0};
    for (int loop = 0; loop < 100; ++loop) {
        for (int statements = dice.poisson(10); statements > 0; --statements) {
            seconds.push_back(seconds.back() + 0.003);
            bytes.push_back(bytes.back() + (dice.uniform() < 0.3 ? 3000 : 0));
        }
        seconds.push_back(seconds.back() + 0.5 * dice.uniform());
        bytes.push_back(bytes.back());
    }
    const double rate = bytes.back() / seconds.back();
    const Trend trend = judge_growth(seconds, bytes);
    EXPECT_EQ(trend.verdict, GrowthVerdict::kLeak);
    EXPECT_NEAR(trend.bytes_per_second.value, rate, 0.1 * rate);
    EXPECT_LE(trend.bytes_per_second.low, rate);
    EXPECT_GE(trend.bytes_per_second.high, rate);
}

TEST(Trend, IsNotLedAstrayByOneLateSnapshot) {
    std::vector<double> seconds = every_second(60);
    for (std::size_t i = 30; i < seconds.size(); ++i) {
        seconds[i] += 25;
    }
    std::vector<double> bytes;
    for (const double second : seconds) {
        bytes.push_back(3000 * second);
    }
    const Trend trend = judge_growth(seconds, bytes);
    EXPECT_EQ(trend.verdict, GrowthVerdict::kLeak);
    EXPECT_NEAR(trend.bytes_per_second.value, 3000, 1);
}

// Noise that stays (a random walk), noise that passes (transactions in progress) and both.
struct Noise {
    double staying = 0;
    double passing = 0;
};

std::vector<double> noisy(int seed, std::size_t count, double rate, Noise noise) {
    Dice dice(static_cast<std::uint64_t>(seed));
    double staying = 1e6;
    std::vector<double> bytes;
    for (std::size_t i = 0; i < count; ++i) {
        staying += rate + noise.staying * dice.normal();
        bytes.push_back(staying + noise.passing * dice.normal());
    }
    return bytes;
}

class TrendUnderNoise : public testing::TestWithParam<Noise> {};

TEST_P(TrendUnderNoise, HoldsTheTrueRateInItsIntervalNineTimesInTen) {
    int held = 0;
    for (int seed = 0; seed < kSeeds; ++seed) {
        const Trend trend = judge(noisy(seed, 90, /*rate=*/5000, GetParam()));
        held += trend.bytes_per_second.low <= 5000 && 5000 <= trend.bytes_per_second.high ? 1 : 0;
    }
    EXPECT_GE(held, 90);
}

TEST_P(TrendUnderNoise, FindsTheLeak) {
    int found = 0;
    for (int seed = 0; seed < kSeeds; ++seed) {
        const Trend trend = judge(noisy(seed, 90, /*rate=*/5000, GetParam()));
        found += trend.verdict == GrowthVerdict::kLeak ? 1 : 0;
    }
    EXPECT_GE(found, 90);
}

TEST_P(TrendUnderNoise, RarelyFindsALeakWhereThereIsNone) {
    int found = 0;
    for (int seed = 0; seed < kSeeds; ++seed) {
        const Trend trend = judge(noisy(seed, 90, /*rate=*/0, GetParam()));
        found += trend.verdict == GrowthVerdict::kLeak ? 1 : 0;
    }
    EXPECT_LE(found, 2);
}

// Hundreds of short sessions are judged in one report.
TEST_P(TrendUnderNoise, HardlyEverFindsALeakInTwelveSnapshots) {
    int found = 0;
    for (int seed = 0; seed < 10 * kSeeds; ++seed) {
        const Trend trend = judge(noisy(seed, kFewestSnapshots, /*rate=*/0, GetParam()));
        found += trend.verdict == GrowthVerdict::kLeak ? 1 : 0;
    }
    EXPECT_LE(found, 3);
}

INSTANTIATE_TEST_SUITE_P(,
                         TrendUnderNoise,
                         testing::Values(Noise{.staying = 6000},
                                         Noise{.passing = 40000},
                                         Noise{.staying = 4000, .passing = 20000}));

std::size_t begin(const std::vector<double>& bytes) {
    return begin_of_growth(every_second(bytes.size()), bytes);
}

TEST(BeginOfGrowth, IsWhereTheSeriesBeginsToRise) {
    const auto late = [](double t) { return 1e6 + 50000 * std::max(t - 40, 0.0); };
    EXPECT_NEAR(static_cast<double>(begin(series(60, late))), 40, 1);
    EXPECT_NEAR(static_cast<double>(begin(series(300, late))), 40, 13) << "a twentieth is 13 s";
}

TEST(BeginOfGrowth, IsTheFirstSnapshotWhereItGrowsFromThereOn) {
    EXPECT_EQ(begin(series(60, [](double t) { return 1e6 + 5000 * t; })), 0U);
    EXPECT_EQ(begin(series(60, [](double t) { return 1e6 * (1 - std::exp(-t / 6)); })), 0U)
        << "a warm-up";
    EXPECT_EQ(begin(series(60, [](double t) { return 1e5 * std::floor(t / 9); })), 0U) << "stairs";
    EXPECT_EQ(begin(series(60, [](double) { return 1e6; })), 0U);
    EXPECT_EQ(begin({}), 0U);
    for (int seed = 1; seed <= kSeeds; ++seed) {
        Dice dice(static_cast<std::uint64_t>(seed));
        double bytes = 0;
        EXPECT_EQ(begin(series(60, [&](double) { return bytes += 20000 * dice.poisson(2); })), 0U);
    }
}

TEST(RisesThroughout, HoldsForAStaircaseOfAFewSteps) {
    std::vector<double> bytes;
    for (int i = 0; i < 60; ++i) {
        bytes.push_back(1e6 * (i / 11));
    }
    EXPECT_NE(judge(bytes).verdict, GrowthVerdict::kLeak);
    EXPECT_TRUE(rises_throughout(bytes));
}

TEST(RisesThroughout, DoesNotHoldForWhatFillsAndStaysOrPasses) {
    std::vector<double> fills;
    std::vector<double> passes;
    for (int i = 0; i < 60; ++i) {
        fills.push_back(1e6 * std::min(i, 35));
        passes.push_back(i % 20 == 19 ? 1e6 : 0);
    }
    EXPECT_FALSE(rises_throughout(fills));
    EXPECT_FALSE(rises_throughout(passes));
    EXPECT_FALSE(rises_throughout({}));
}

}  // namespace
}  // namespace palloscope
