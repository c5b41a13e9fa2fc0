#include "inspector/diagnosis/steady_growth.hpp"

#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace palloscope {
namespace {

constexpr std::size_t kSamples = 160;
constexpr int kSeeds = 400;

std::vector<double> seconds(std::size_t count = kSamples) {
    std::vector<double> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = 0.2 * static_cast<double>(i);
    }
    return values;
}

TEST(SteadyGrowth, IsTheSlopeOfALineAfterTheWarmUp) {
    std::vector<double> bytes;
    for (const double second : seconds()) {
        bytes.push_back(1e6 * std::min(second, 5.0) + 5000 * second);
    }
    const auto growth = steady_growth(seconds(), bytes);
    ASSERT_TRUE(growth);
    EXPECT_NEAR(growth->value, 5000, 1e-6);
    EXPECT_NEAR(growth->low, 5000, 1e-3);
    EXPECT_NEAR(growth->high, 5000, 1e-3);
}

// Sessions that are replaced every three seconds leak in between, and yet nothing grows.
TEST(SteadyGrowth, OfTeethOfASawIncludesNone) {
    for (int phase = 0; phase < 15; ++phase) {
        std::vector<double> bytes;
        for (const double second : seconds()) {
            bytes.push_back(2e6 + 1e5 * std::fmod(second + 0.2 * phase, 3.0));
        }
        const auto growth = steady_growth(seconds(), bytes);
        ASSERT_TRUE(growth);
        EXPECT_LE(growth->low, 0) << phase;
        EXPECT_GE(growth->high, 0) << phase;
        EXPECT_LT(growth->high, 5e4) << phase;  // half of the leak in between
    }
}

TEST(SteadyGrowth, HoldsTheTruthInNineteenOfTwentyNoisySeries) {
    int held = 0;
    for (int seed = 0; seed < kSeeds; ++seed) {
        std::mt19937 random(static_cast<unsigned>(seed));
        std::normal_distribution<double> noise(0, 20000);
        std::vector<double> bytes;
        for (const double second : seconds()) {
            bytes.push_back(1000 * second + noise(random));
        }
        const auto growth = steady_growth(seconds(), bytes);
        ASSERT_TRUE(growth);
        held += growth->low <= 1000 && 1000 <= growth->high ? 1 : 0;
    }
    EXPECT_GE(held, kSeeds * 92 / 100);
}

TEST(SteadyGrowth, IsUnknownFromFewSamples) {
    const std::vector<double> few = seconds(20);
    EXPECT_FALSE(steady_growth(few, few));
    EXPECT_FALSE(steady_growth({}, {}));
    const std::vector<double> one_moment(kSamples, 1.0);
    EXPECT_FALSE(steady_growth(one_moment, one_moment));
}

}  // namespace
}  // namespace palloscope
