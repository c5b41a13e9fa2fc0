#include "inspector/diagnosis/readable.hpp"

#include <gtest/gtest.h>

namespace palloscope {
namespace {

TEST(Readable, BytesHaveThreeDigitsAndPostgresUnits) {
    EXPECT_EQ(readable_bytes(0), "0 bytes");
    EXPECT_EQ(readable_bytes(812), "812 bytes");
    EXPECT_EQ(readable_bytes(1024), "1.00 kB");
    EXPECT_EQ(readable_bytes(4300.8), "4.20 kB");
    EXPECT_EQ(readable_bytes(-36 * 1024.0), "-36.0 kB");
    EXPECT_EQ(readable_bytes(878 * 1024.0 * 1024.0), "878 MB");
    EXPECT_EQ(readable_bytes(1023.9 * 1024.0), "1.00 MB");
    EXPECT_EQ(readable_bytes(3 * 1024.0 * 1024.0 * 1024.0), "3.00 GB");
}

TEST(Readable, NoRoundingLeavesFourDigits) {
    EXPECT_EQ(readable_bytes(9.996 * 1024), "10.0 kB");
    EXPECT_EQ(readable_bytes(99.96 * 1024), "100 kB");
}

TEST(Readable, SecondsTakeTheUnitThatFits) {
    EXPECT_EQ(readable_seconds(0.35), "0.35 s");
    EXPECT_EQ(readable_seconds(42), "42 s");
    EXPECT_EQ(readable_seconds(60), "1 min");
    EXPECT_EQ(readable_seconds(2952), "49 min 12 s");
    EXPECT_EQ(readable_seconds(11100), "3 h 5 min");
}

TEST(Readable, CountsHaveThousandsSeparators) {
    EXPECT_EQ(readable_count(7), "7");
    EXPECT_EQ(readable_count(999), "999");
    EXPECT_EQ(readable_count(1204), "1,204");
    EXPECT_EQ(readable_count(-1000000), "-1,000,000");
}

TEST(Readable, ASharePrintsAllOnlyWhereItIsAll) {
    EXPECT_EQ(readable_share(0.964), "96 %");
    EXPECT_EQ(readable_share(0.996), "99.6 %");
    EXPECT_EQ(readable_share(1), "100 %");
}

TEST(Readable, NounsAgreeWithTheirCount) {
    EXPECT_EQ(counted(1, "snapshot"), "1 snapshot");
    EXPECT_EQ(counted(0, "snapshot"), "0 snapshots");
    EXPECT_EQ(counted(1204, "snapshot"), "1,204 snapshots");
}

}  // namespace
}  // namespace palloscope
