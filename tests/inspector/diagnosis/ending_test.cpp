#include "inspector/diagnosis/ending.hpp"

#include <string>

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

// Where memory is scarce statements go on now and then, and the work that leaks hardly does.
History growing_until_memory_is_scarce(const std::string& end) {
    SyntheticBackend backend;
    Dice dice(8);
    constexpr int kScarceFrom = 50;
    for (int second = 0; second <= kSeconds; ++second) {
        const bool scarce = second >= kScarceFrom;
        if (!scarce || dice.uniform() < 0.05) {
            backend.run(second + 0.5,
                        "select leak($1)",
                        kOther,
                        kBytesPerSecond * (0.9 + 0.2 * dice.uniform()));
        }
        backend.run(second + 0.6, "select $1");
        backend.snapshot(second + 1);
    }
    for (int extra = 0; extra < 40; ++extra) {
        backend.run(kSeconds + 1.0, "select leak($1)");
    }
    History history = backend.history();
    history.backends.at(0).end = end;
    history.backends.at(0).allowance = kNothingLeft;
    return history;
}

TEST(Endings, AreExplainedByWhatLeakedBeforeMemoryWasScarce) {
    const BackendDiagnosis of_killed =
        diagnose(growing_until_memory_is_scarce(std::string(kKilledForMemory))).backends.at(0);
    ASSERT_TRUE(of_killed.ending && of_killed.ending->foresight);
    ASSERT_EQ(of_killed.causes.size(), 1U);
    EXPECT_EQ(of_killed.causes[0].statements.at(0).query, "select leak($1)");
    EXPECT_LT(of_killed.growth.seconds, 0.8 * kSeconds);
    EXPECT_GT(of_killed.growth.bytes_per_second.low, kBytesPerSecond / 4);
    ASSERT_FALSE(of_killed.notes.empty());
    EXPECT_NE(of_killed.notes.back().find("where memory runs out"), std::string::npos);

    const BackendDiagnosis of_other =
        diagnose(growing_until_memory_is_scarce(std::string(kBackendGone))).backends.at(0);
    EXPECT_TRUE(of_other.causes.empty()) << "which the history must not prove by itself";
}

TEST(Endings, AreExplainedToThoseUnderTheSameLimit) {
    History history = growing_until_memory_is_scarce(std::string(kBackendGone));
    history.backends.push_back(history.backends.at(0));
    history.backends[1].end = kKilledForMemory;
    const BackendDiagnosis of_other = diagnose(history).backends.at(0);
    EXPECT_FALSE(of_other.ending) << "which was not killed";
    ASSERT_EQ(of_other.causes.size(), 1U);
    EXPECT_EQ(of_other.causes[0].statements.at(0).query, "select leak($1)");

    history.backends[1].allowance->group_id = 7;
    EXPECT_TRUE(diagnose(history).backends.at(0).causes.empty()) << "whose limit is another";
}

// Its caches filled long before another took up all the memory.
TEST(Endings, DoNotMakeALeakOfCachesThatFilledWhileMemoryWasLeft) {
    SyntheticBackend filled;
    Dice dice(10);
    for (int second = 0; second <= kSeconds; ++second) {
        if (second < 20) {
            filled.run(second + 0.5, "select cache($1)", kOther, 20'000 * dice.uniform());
        }
        filled.run(second + 0.6, "select $1");
        filled.snapshot(second + 1);
    }
    History history = growing_until(std::string(kKilledForMemory), kNothingLeft);
    for (ExecutionRecord& execution : filled.backend().executions) {
        execution.form = 0;
    }
    history.backends.push_back(filled.backend());
    history.backends[1].end = kBackendGone;
    history.backends[1].allowance = kNothingLeft;
    EXPECT_TRUE(diagnose(history).backends.at(1).causes.empty());
}

// As where the kernel reads a program's own pages again and again before it kills.
TEST(Endings, AreForeseenThoughAllStoodStillForLong) {
    constexpr int kScarceFrom = 25;
    SyntheticBackend backend;
    Dice dice(9);
    for (int second = 0; second <= 10 * kSeconds; ++second) {
        if (second < kScarceFrom || dice.uniform() < 0.001) {
            backend.run(second + 0.5,
                        "select leak($1)",
                        kOther,
                        kBytesPerSecond * (0.9 + 0.2 * dice.uniform()));
        }
        backend.snapshot(second + 1, dice.uniform() < 0.5 ? "idle" : "active");
    }
    History history = backend.history();
    history.backends.at(0).end = kKilledForMemory;
    history.backends.at(0).allowance = kNothingLeft;
    const BackendDiagnosis killed = diagnose(history).backends.at(0);
    ASSERT_TRUE(killed.ending && killed.ending->foresight);
    const double passed = 10 * kSeconds - static_cast<double>(killed.ending->last_snapshot_ns -
                                                              killed.ending->foresight->at_ns) /
                                              1e9;
    EXPECT_LT(passed, kScarceFrom);
    EXPECT_NEAR(killed.ending->foresight->seconds.value, kScarceFrom - passed, 4);
    ASSERT_EQ(killed.causes.size(), 1U);
    EXPECT_EQ(killed.causes[0].statements.at(0).query, "select leak($1)");
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
