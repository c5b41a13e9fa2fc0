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
    EXPECT_EQ(steps.usual_reports(), 4);
    EXPECT_EQ(steps.seen(), 100);
    EXPECT_EQ(steps.missed(4), 40);
}

// Some messages make a report more than others.
TEST(MissedStatements, AreNoPartsOfOne) {
    MissedStatements steps;
    for (int i = 0; i < 100; ++i) {
        steps.add(i % 3 == 0 ? 5 : 4, kGapNs);
    }
    EXPECT_EQ(steps.missed(4), 0);
}

TEST(MissedStatements, AreNoMoreThanThereWasTimeFor) {
    MissedStatements steps;
    for (int i = 0; i < 90; ++i) {
        steps.add(4, kGapNs);
    }
    for (int i = 0; i < 10; ++i) {
        steps.add(1'000'000, 30'000);  // of its progress
    }
    EXPECT_LE(steps.missed(4), 10 * 3);
}

TEST(MissedStatements, AreMostWhereFewAreSeen) {
    MissedStatements steps;
    for (int i = 0; i < 100; ++i) {
        steps.add(400 + i, 100 * kGapNs);
    }
    // It is not known how many reports one makes: two at least.
    EXPECT_EQ(steps.usual_reports(), 2);
    EXPECT_EQ(steps.missed(4), (449.5 - 2) * 100 / 4);
}

TEST(MissedStatements, OfNothingAreNone) {
    const MissedStatements steps;
    EXPECT_EQ(steps.seen(), 0);
    EXPECT_EQ(steps.missed(4), 0);
}

}  // namespace
}  // namespace palloscope
