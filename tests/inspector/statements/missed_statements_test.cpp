#include "inspector/statements/missed_statements.hpp"

#include <gtest/gtest.h>

namespace palloscope {
namespace {

constexpr std::int64_t kGapNs = 1'000'000;

TEST(MissedStatements, AreThoseOfReportsBeyondTheUsual) {
    MissedStatements steps;
    for (int i = 0; i < 80; ++i) {
        steps.add(4, kGapNs);
    }
    for (int i = 0; i < 20; ++i) {
        steps.add(12, kGapNs);
    }
    EXPECT_EQ(steps.usual_reports(8), 4);
    EXPECT_EQ(steps.usual_reports(1000), 4);
    EXPECT_EQ(steps.seen(), 100);
    EXPECT_EQ(steps.missed(4, 4), 40);
}

// Some messages make a report more than others.
TEST(MissedStatements, AreNoPartsOfOne) {
    MissedStatements steps;
    for (int i = 0; i < 100; ++i) {
        steps.add(i % 3 == 0 ? 5 : 4, kGapNs);
    }
    EXPECT_EQ(steps.missed(4, 4), 0);
}

TEST(MissedStatements, AreNoMoreThanThereWasTimeFor) {
    MissedStatements steps;
    for (int i = 0; i < 90; ++i) {
        steps.add(4, kGapNs);
    }
    for (int i = 0; i < 10; ++i) {
        steps.add(1'000'000, 30'000);  // of its progress
    }
    EXPECT_LE(steps.missed(4, 4), 10 * 4);
}

TEST(MissedStatements, AreMostWhereFewAreSeen) {
    MissedStatements steps;
    for (int i = 0; i < 100; ++i) {
        steps.add(400 + i, 100 * kGapNs);
    }
    EXPECT_EQ(steps.usual_reports(8), std::nullopt);
    EXPECT_EQ(steps.missed(2, 4), (449.5 - 2) * 100 / 4);
}

// From one that ran when it was looked at to one that has ended: the last two reports of the one
// and all nine of the other, on 18.
TEST(MissedStatements, AreToldByAllThatIsUsualInAStepOfTheirKind) {
    MissedStatements steps;
    for (int i = 0; i < 60; ++i) {
        steps.add(i < 40 ? 11 : 20, kGapNs);
    }
    EXPECT_EQ(steps.usual_reports(2 * 9 - 1), 11);
    EXPECT_EQ(steps.missed(11, 9), 20);
}

TEST(MissedStatements, OfNothingAreNone) {
    const MissedStatements steps;
    EXPECT_EQ(steps.seen(), 0);
    EXPECT_EQ(steps.missed(4, 4), 0);
}

}  // namespace
}  // namespace palloscope
