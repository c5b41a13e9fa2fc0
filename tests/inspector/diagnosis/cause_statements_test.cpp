#include "inspector/diagnosis/cause_statements.hpp"

#include <gtest/gtest.h>

namespace palloscope {
namespace {

// 1,000 calls of one statement, each of which is estimated to leave 55 bytes, and 90 kB that came.
class AllOfOne : public testing::Test {
  protected:
    AllOfOne() {
        suspicion_.bytes_since_warm_up = 90'000;
        suspicion_.groups.push_back({.rounds = 1000,
                                     .bytes_per_round = {.value = 55, .low = 35, .high = 92},
                                     .bytes_so_far = {0, 13'750, 55'000}});
        suspicion_.groups.front().statements.push_back({.statement = &statement_});
    }

    [[nodiscard]] double bytes() const { return suspicion_.groups.front().bytes_per_round.value; }

    BackendHistory backend_;
    StatementColumn statement_;
    Suspicion suspicion_{.backend = backend_, .trend = {}};
    Finding finding_{.groups = {0}, .whole = true};
};

TEST_F(AllOfOne, IsWhatAccountsForAllWithinTheInterval) {
    EXPECT_TRUE(give_all_to_one(finding_, suspicion_));
    EXPECT_DOUBLE_EQ(bytes(), 90);
    EXPECT_DOUBLE_EQ(suspicion_.groups.front().bytes_per_round.low, 35);
}

// A quarter of the rounds ran while caches filled.
TEST_F(AllOfOne, IsWhatAccountsForAllThatCameAfterTheWarmUp) {
    suspicion_.trend.start = 1;
    suspicion_.bytes_since_warm_up = 60'000;
    EXPECT_TRUE(give_all_to_one(finding_, suspicion_));
    EXPECT_DOUBLE_EQ(bytes(), 80);
}

TEST_F(AllOfOne, IsNotForcedBeyondTheInterval) {
    suspicion_.bytes_since_warm_up = 93'000;
    EXPECT_FALSE(give_all_to_one(finding_, suspicion_));
    EXPECT_DOUBLE_EQ(bytes(), 55);
}

// What was seen by chance at an even pace: time is its number, and had taken two thirds.
TEST_F(AllOfOne, HasWhatGoesWithTimeToo) {
    statement_.error = 0.2;
    suspicion_.bytes_since_warm_up = 160'000;
    suspicion_.untied_bytes_per_second = Estimate{.value = 1000, .low = 500, .high = 1500};
    suspicion_.best_counted = suspicion_.groups.front();
    suspicion_.best_counted->rounds = 2000;
    suspicion_.best_counted->bytes_per_round = {.value = 80, .low = 50, .high = 120};
    Suspicion exact = suspicion_;
    EXPECT_TRUE(give_all_to_one(finding_, suspicion_));
    EXPECT_DOUBLE_EQ(bytes(), 160);
    EXPECT_DOUBLE_EQ(suspicion_.groups.front().bytes_per_round.high, 240);
    EXPECT_FALSE(suspicion_.untied_bytes_per_second);

    // What went to another group is none of the cause either.
    Suspicion beside = exact;
    beside.untied_bytes_per_second.reset();
    beside.groups.push_back(beside.groups.front());
    EXPECT_TRUE(give_all_to_one(finding_, beside));
    EXPECT_DOUBLE_EQ(beside.groups.front().bytes_per_round.value, 160);

    // Not where its number is known: then something else does go with time.
    statement_.error = 0;
    EXPECT_FALSE(give_all_to_one(finding_, exact));
}

TEST_F(AllOfOne, IsLeftWhereOthersMayHaveAPartOfItOrItWasMeasured) {
    finding_.whole = false;
    EXPECT_FALSE(give_all_to_one(finding_, suspicion_));
    finding_ = {.groups = {0, 0}, .whole = true};
    EXPECT_FALSE(give_all_to_one(finding_, suspicion_));
    finding_.groups = {0};
    suspicion_.groups.front().statements.front().own = StepDelta{};
    EXPECT_FALSE(give_all_to_one(finding_, suspicion_));
    EXPECT_DOUBLE_EQ(bytes(), 55);
}

}  // namespace
}  // namespace palloscope
