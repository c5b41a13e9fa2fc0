#include "inspector/diagnosis/forecast.hpp"

#include <gtest/gtest.h>

namespace palloscope {
namespace {

constexpr std::int64_t kGigabyte = 1'000'000'000;

class Forecasts : public testing::Test {
  protected:
    // A backend that grows by so much a second, give or take half of it.
    void add(double bytes_per_second, std::optional<MemoryAllowance> allowance) {
        history_.backends.push_back({.allowance = allowance});
        BackendDiagnosis backend;
        backend.growth.bytes_per_second = {
            .value = bytes_per_second, .low = bytes_per_second / 2, .high = bytes_per_second * 1.5};
        if (bytes_per_second > 0) {
            backend.causes.push_back({.id = "unknown"});
        }
        diagnosis_.backends.push_back(backend);
    }

    const std::optional<Forecast>& forecast(std::size_t backend) {
        return diagnosis_.backends.at(backend).forecast;
    }

    void tell() { add_forecasts(history_, diagnosis_); }

    History history_;
    Diagnosis diagnosis_;
};

TEST_F(Forecasts, SayWhenTheLimitIsReached) {
    add(1e6, MemoryAllowance{.limit_bytes = 3 * kGigabyte, .left_bytes = kGigabyte});
    tell();
    ASSERT_TRUE(forecast(0));
    EXPECT_EQ(forecast(0)->limit_bytes, 3 * kGigabyte);
    EXPECT_EQ(forecast(0)->left_bytes, kGigabyte);
    EXPECT_DOUBLE_EQ(forecast(0)->seconds.value, 1000);
    EXPECT_DOUBLE_EQ(forecast(0)->seconds.low, 1000 / 1.5);
    EXPECT_DOUBLE_EQ(forecast(0)->seconds.high, 2000);
    EXPECT_EQ(forecast(0)->backends, 1U);
}

TEST_F(Forecasts, AddUpTheBackendsUnderOneLimit) {
    add(1e6, MemoryAllowance{.limit_bytes = 3 * kGigabyte, .left_bytes = kGigabyte});
    add(3e6, MemoryAllowance{.limit_bytes = 3 * kGigabyte, .left_bytes = kGigabyte + 4096});
    add(0, MemoryAllowance{.limit_bytes = 3 * kGigabyte, .left_bytes = kGigabyte});
    add(1e6, MemoryAllowance{.limit_bytes = 2 * kGigabyte, .left_bytes = kGigabyte});
    add(1e6,
        MemoryAllowance{.limit_bytes = 3 * kGigabyte, .left_bytes = kGigabyte, .group_id = 77});
    tell();
    ASSERT_TRUE(forecast(0) && forecast(1) && forecast(3) && forecast(4));
    EXPECT_DOUBLE_EQ(forecast(0)->seconds.value, 250);
    EXPECT_DOUBLE_EQ(forecast(1)->seconds.value, 250);
    EXPECT_EQ(forecast(0)->backends, 2U);
    EXPECT_DOUBLE_EQ(forecast(3)->seconds.value, 1000);
    EXPECT_DOUBLE_EQ(forecast(4)->seconds.value, 1000) << "another container with such a limit";
    EXPECT_FALSE(forecast(2)) << "it does not leak";
}

// Of each megabyte that the contexts use, a container is charged for more: free space in blocks,
// what malloc keeps.
TEST_F(Forecasts, GoByThePagesThatTheContextsNeed) {
    add(1e6, MemoryAllowance{.limit_bytes = 3 * kGigabyte, .left_bytes = kGigabyte});
    add(1e6,
        MemoryAllowance{.limit_bytes = 3 * kGigabyte, .left_bytes = kGigabyte, .group_id = 77});
    constexpr std::int64_t kSecondNs = 1'000'000'000;
    constexpr std::int64_t kSeconds = 30;
    for (std::int64_t second = 0; second <= kSeconds; ++second) {
        history_.backends[0].snapshots.push_back(
            {.taken_at_ns = second * kSecondNs, .rss_anon_bytes = 50'000'000 + second * 1600000});
        history_.backends[1].snapshots.push_back(
            {.taken_at_ns = second * kSecondNs, .rss_anon_bytes = 50'000'000 + second * 100});
    }
    tell();
    ASSERT_TRUE(forecast(0) && forecast(1));
    EXPECT_NEAR(forecast(0)->seconds.value, 625, 1);
    EXPECT_NEAR(static_cast<double>(forecast(0)->at_ns.value_or(0)),
                static_cast<double>((kSeconds + 625) * kSecondNs),
                1e9);
    EXPECT_DOUBLE_EQ(forecast(1)->seconds.value, 1000)
        << "bytes that fill free space need pages in the end";
}

TEST_F(Forecasts, NameNoDayThatIsDecadesAway) {
    add(1, MemoryAllowance{.limit_bytes = 3 * kGigabyte, .left_bytes = kGigabyte});
    tell();
    ASSERT_TRUE(forecast(0));
    EXPECT_EQ(forecast(0)->at_ns, std::nullopt);
}

TEST_F(Forecasts, AreNotMadeWithoutALimit) {
    add(1e6, std::nullopt);
    tell();
    EXPECT_FALSE(forecast(0));
}

TEST_F(Forecasts, AreOfNowWhereTheLimitIsExceededAlready) {
    add(1e6, MemoryAllowance{.limit_bytes = kGigabyte, .left_bytes = -5});
    tell();
    ASSERT_TRUE(forecast(0));
    EXPECT_EQ(forecast(0)->seconds.value, 0);
}

}  // namespace
}  // namespace palloscope
