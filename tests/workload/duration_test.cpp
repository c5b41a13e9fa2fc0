#include "workload/duration.hpp"

#include <gtest/gtest.h>

namespace palloscope::workload {
namespace {

using namespace std::chrono_literals;

TEST(Duration, TakesEachUnitOfPostgres) {
    EXPECT_EQ(parse_duration("250us"), 250us);
    EXPECT_EQ(parse_duration("20ms"), 20ms);
    EXPECT_EQ(parse_duration("60s"), 60s);
    EXPECT_EQ(parse_duration("5min"), 5min);
    EXPECT_EQ(parse_duration("1.5 h"), 90min);
}

TEST(Duration, RefusesWhatIsNoLengthOfTime) {
    for (const char* text :
         {"", "s", "60", "60 seconds", "-1s", "0s", "1e9h", "nans", "infs", "1 s "}) {
        const auto duration = parse_duration(text);
        ASSERT_FALSE(duration) << text;
        EXPECT_EQ(duration.error().kind, Error::Kind::kUsage);
    }
}

}  // namespace
}  // namespace palloscope::workload
