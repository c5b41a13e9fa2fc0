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
    tell();
    ASSERT_TRUE(forecast(0) && forecast(1) && forecast(3));
    EXPECT_DOUBLE_EQ(forecast(0)->seconds.value, 250);
    EXPECT_DOUBLE_EQ(forecast(1)->seconds.value, 250);
    EXPECT_EQ(forecast(0)->backends, 2U);
    EXPECT_DOUBLE_EQ(forecast(3)->seconds.value, 1000);
    EXPECT_FALSE(forecast(2)) << "it does not leak";
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
