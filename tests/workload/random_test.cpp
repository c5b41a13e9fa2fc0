#include "workload/random.hpp"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace palloscope::workload {
namespace {

TEST(Random, GivesIdsOfHexadecimalDigits) {
    Random random(1);
    EXPECT_THAT(random.hex(16), testing::MatchesRegex("[0-9a-f]{16}"));
    EXPECT_EQ(random.hex(0), "");
}

TEST(Random, HardlyEverGivesTheSameIdTwice) {
    Random random(1);
    std::set<std::string> ids;
    for (int count = 0; count < 1000; ++count) {
        ids.insert(random.hex(16));
    }
    EXPECT_EQ(ids.size(), 1000U);
}

TEST(Random, RepeatsItselfForTheSameSeedOnly) {
    EXPECT_EQ(Random(42).hex(16), Random(42).hex(16));
    EXPECT_NE(Random(42).hex(16), Random(43).hex(16));
    EXPECT_NE(random_seed(), random_seed());
}

TEST(Random, GivesEveryNumberBelowItsBoundAndNoOther) {
    Random random(1);
    std::set<std::size_t> numbers;
    for (int count = 0; count < 1000; ++count) {
        numbers.insert(random.below(5));
    }
    EXPECT_EQ(numbers, (std::set<std::size_t>{0, 1, 2, 3, 4}));
}

}  // namespace
}  // namespace palloscope::workload
