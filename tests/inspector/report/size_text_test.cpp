#include "inspector/report/size_text.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace palloscope {
namespace {

TEST(SizeText, TakesPostgresUnits) {
    EXPECT_EQ(size_text(0), "0 B");
    EXPECT_EQ(size_text(1023), "1023 B");
    EXPECT_EQ(size_text(1024), "1.0 kB");
    EXPECT_EQ(size_text(100'000), "97.7 kB");
    EXPECT_EQ(size_text(13'212'058), "12.6 MB");
    EXPECT_EQ(size_text(-(std::int64_t{5} << 30)), "-5.0 GB");
    EXPECT_EQ(size_text(std::numeric_limits<std::int64_t>::min()), "-8388608.0 TB");
}

TEST(SizeText, NeverShowsAThousandAndTwentyFourOfAUnit) {
    EXPECT_EQ(size_text(1'048'575), "1.0 MB");
    EXPECT_EQ(size_text(1'047'552), "1023.0 kB");
}

TEST(SizeText, SignsChanges) {
    EXPECT_EQ(size_change_text(13'212'058), "+12.6 MB");
    EXPECT_EQ(size_change_text(-512), "-512 B");
    EXPECT_EQ(size_change_text(0), "0 B");
    EXPECT_EQ(count_change_text(412), "+412");
    EXPECT_EQ(count_change_text(-3), "-3");
}

TEST(CountText, PartsThousands) {
    EXPECT_EQ(count_text(0), "0");
    EXPECT_EQ(count_text(999), "999");
    EXPECT_EQ(count_text(2104), "2,104");
    EXPECT_EQ(count_text(-100), "-100");
    EXPECT_EQ(count_text(-1'000'000), "-1,000,000");
}

}  // namespace
}  // namespace palloscope
