#include "inspector/diagnosis/ending.hpp"

#include <gtest/gtest.h>

#include "tests/inspector/diagnosis/synthetic_history.hpp"

namespace palloscope {
namespace {

constexpr int kSeconds = 120;
constexpr double kBytesPerSecond = 1e6;

// A backend that grows by a megabyte a second until it ends so.
History growing_until(const std::string& end, std::optional<MemoryAllowance> allowance) {
    SyntheticBackend backend;
    Dice dice(7);
    for (int second = 0; second <= kSeconds; ++second) {
        backend.run(
            second + 0.5, "select $1", kOther, kBytesPerSecond * (0.9 + 0.2 * dice.uniform()));
        backend.snapshot(second + 1);
    }
    History history = backend.history();
    history.backends.at(0).end = end;
    history.backends.at(0).allowance = allowance;
    return history;
}

constexpr MemoryAllowance kNothingLeft{.limit_bytes = 200'000'000, .left_bytes = 0};

TEST(Endings, SayWhenTheKillWasToBeForeseen) {
    const Diagnosis diagnosis =
        diagnose(growing_until(std::string(kKilledForMemory), kNothingLeft));
    const BackendDiagnosis& backend = diagnosis.backends.at(0);
    ASSERT_TRUE(backend.ending && backend.ending->foresight);
    EXPECT_FALSE(backend.forecast) << "it has come";
    const double seconds_before =
        static_cast<double>(backend.ending->last_snapshot_ns - backend.ending->foresight->at_ns) /
        1e9;
    EXPECT_GT(seconds_before, kSeconds / 2);
    EXPECT_NEAR(backend.ending->foresight->seconds.value, seconds_before, 0.2 * seconds_before);
    EXPECT_LE(backend.ending->foresight->seconds.low, backend.ending->foresight->seconds.value);
    EXPECT_GE(backend.ending->foresight->seconds.high, backend.ending->foresight->seconds.value);
}

TEST(Endings, ForeseeNothingWithoutALimit) {
    const Diagnosis diagnosis =
        diagnose(growing_until(std::string(kKilledForMemory), std::nullopt));
    ASSERT_TRUE(diagnosis.backends.at(0).ending);
    EXPECT_FALSE(diagnosis.backends.at(0).ending->foresight);
}

TEST(Endings, AreNotOfBackendsThatEndedOtherwise) {
    EXPECT_FALSE(diagnose(growing_until("backend gone", kNothingLeft)).backends.at(0).ending);
}

}  // namespace
}  // namespace palloscope
