#include "inspector/cli/options.hpp"

#include <gtest/gtest.h>

namespace palloscope {
namespace {

using std::chrono::nanoseconds;

TEST(Options, TakeTimesInPostgresUnits) {
    EXPECT_EQ(parse_duration("100us"), nanoseconds(100'000));
    EXPECT_EQ(parse_duration("1.5s"), nanoseconds(1'500'000'000));
    EXPECT_EQ(parse_duration("2min"), std::chrono::minutes(2));
    EXPECT_EQ(parse_duration("1h"), std::chrono::hours(1));
}

TEST(Options, RefuseWhatIsNoTime) {
    for (const char* text : {"", "5", "s", "-1s", "5 s", "1m", "1e300h", "nan"}) {
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
    }
}

TEST(Options, TakeSizesInPostgresUnits) {
    EXPECT_EQ(parse_size("4096"), 4096);
    EXPECT_EQ(parse_size("64kB"), 65536);
    EXPECT_EQ(parse_size("1.5MB"), 1572864);
    EXPECT_EQ(parse_size("1GB"), std::int64_t{1} << 30);
    EXPECT_EQ(parse_size("1G"), std::nullopt);
    EXPECT_EQ(parse_size("-1MB"), std::nullopt);
}

TEST(Options, TakeAPidOrAllAsTarget) {
    EXPECT_EQ(resolve_targets({.target = "4242"}), std::vector{4242});
    for (const char* text : {"0", "-5", "42x", "", "everything"}) {
        const auto targets = resolve_targets({.target = text});
        ASSERT_FALSE(targets) << text;
        EXPECT_EQ(targets.error().kind, Error::Kind::kUsage);
    }
}

}  // namespace
}  // namespace palloscope
