#include "inspector/model/time_text.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace palloscope {
namespace {

constexpr std::int64_t kNineOClock = 1'795'424'400'123'456'789;

TEST(TimeText, IsIsoInUtcWithMicroseconds) {
    EXPECT_EQ(iso_time_text(kNineOClock), "2026-11-23T09:00:00.123456Z");
    EXPECT_EQ(iso_time_text(0), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(moment_text(kNineOClock), "2026-11-23 09:00:00.123 UTC");
    EXPECT_EQ(minute_text(kNineOClock), "2026-11-23 09:00 UTC");
    EXPECT_EQ(minute_text(kNineOClock + 31'000'000'000), "2026-11-23 09:01 UTC");
}

TEST(TimeText, IsReadBack) {
    EXPECT_EQ(unix_ns_from_iso_time("2026-11-23T09:00:00.123456Z"), kNineOClock / 1000 * 1000);
    EXPECT_EQ(unix_ns_from_iso_time("2026-11-23T09:00:00Z"),
              kNineOClock / 1'000'000'000 * 1'000'000'000);
    EXPECT_EQ(unix_ns_from_iso_time("2024-02-29T23:59:59.999999Z"), 1'709'251'199'999'999'000);
}

TEST(TimeText, OfAnotherFormIsRefused) {
    for (const char* const text : {"",
                                   "2026-11-23T09:00Z",
                                   "2026-11-23 09:00:00.123456Z",
                                   "2026-11-23T09:00:00.123456+",
                                   "2026-13-23T09:00:00.123456Z",
                                   "2026-02-29T09:00:00.123456Z",
                                   "2026-11-23T24:00:00.123456Z",
                                   "2026-11-23T09:60:00.123456Z",
                                   "2026-11-23T-9:00:00.123456Z",
                                   "9999-11-23T09:00:00.123456Z"}) {
        EXPECT_EQ(unix_ns_from_iso_time(text), std::nullopt) << text;
    }
}

TEST(TimeText, TakesTheWholeRangeOfNanoseconds) {
    EXPECT_EQ(iso_time_text(std::numeric_limits<std::int64_t>::max()),
              "2262-04-11T23:47:16.854775Z");
    EXPECT_EQ(iso_time_text(std::numeric_limits<std::int64_t>::min()),
              "1677-09-21T00:12:43.145224Z");
}

TEST(DurationText, ChoosesTheUnit) {
    EXPECT_EQ(duration_text(0), "0 us");
    EXPECT_EQ(duration_text(412.4), "412 us");
    EXPECT_EQ(duration_text(1400), "1.4 ms");
    EXPECT_EQ(duration_text(3e7), "30.0 s");
    EXPECT_EQ(duration_text(3.3e8), "5.5 min");
    EXPECT_EQ(duration_text(7.2e9), "2.0 h");
}

TEST(ServerVersionText, HasTwoPartsFrom10On) {
    EXPECT_EQ(server_version_text(150018), "15.18");
    EXPECT_EQ(server_version_text(90426), "9.4.26");
}

}  // namespace
}  // namespace palloscope
