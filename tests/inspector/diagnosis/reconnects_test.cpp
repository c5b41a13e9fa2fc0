#include "inspector/diagnosis/reconnects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/inspector/diagnosis/synthetic_history.hpp"

namespace palloscope {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr int kSeconds = 60;
constexpr double kBytesPerSecond = 1e6;
constexpr MemoryAllowance kAllowance{.limit_bytes = 3'000'000'000, .left_bytes = 1'000'000'000};

// One session after another, each a backend that grows for a minute.
class Reconnects : public testing::Test {
  protected:
    BackendHistory& add(int pid, double begin_seconds, double bytes_per_second = kBytesPerSecond) {
        SyntheticBackend backend;
        Dice dice(7);
        for (int second = 0; second <= kSeconds; ++second) {
            backend.run(begin_seconds + second + 0.5,
                        "select $1",
                        kOther,
                        bytes_per_second * (0.9 + 0.2 * dice.uniform()));
            backend.snapshot(begin_seconds + second + 1);
        }
        if (history_.backends.empty()) {
            history_ = backend.history();
        } else {
            history_.backends.push_back(backend.history().backends.at(0));
        }
        BackendHistory& added = history_.backends.back();
        added.process = {.pid = pid,
                         .backend_type = "client backend",
                         .database = "conjur",
                         .user = "conjur",
                         .application_name = "puma: cluster worker 0"};
        added.end = kBackendGone;
        added.allowance = kAllowance;
        return added;
    }

    [[nodiscard]] std::vector<std::string> notes(std::size_t backend) const {
        return diagnose(history_).backends.at(backend).notes;
    }

    History history_;
};

TEST_F(Reconnects, AreToldWhereOneBackendTookThePlaceOfAnother) {
    add(101, 0);
    add(102, kSeconds + 2);
    EXPECT_THAT(notes(0), Not(Contains(HasSubstr("connected again"))));
    EXPECT_THAT(notes(1),
                Contains(AllOf(HasSubstr("looks like the same session"),
                               HasSubstr("backend 101"),
                               HasSubstr("given back"))));
}

TEST_F(Reconnects, AreCertainWhereTheSessionIsNamed) {
    add(101, 0).session = "puma-1";
    // Another one at the same time, of the same user, database and application_name.
    add(103, 10).session = "puma-2";
    add(102, 10 * kSeconds).session = "puma-1";
    EXPECT_THAT(notes(2),
                Contains(AllOf(HasSubstr("goes on with the session puma-1 of backend 101"),
                               HasSubstr("given back"))));
    EXPECT_THAT(notes(1), Not(Contains(HasSubstr("session"))));
}

TEST_F(Reconnects, AreNotGuessedAmongConnectionsOfOneName) {
    add(101, 0);
    add(103, 10);
    add(102, kSeconds + 12);
    EXPECT_THAT(notes(2), Not(Contains(HasSubstr("same session"))));
}

TEST_F(Reconnects, AreNoJobsThatAreStartedNowAndThen) {
    add(101, 0);
    add(102, 10 * kSeconds);
    EXPECT_THAT(notes(1), Not(Contains(HasSubstr("same session"))));
}

TEST_F(Reconnects, MatterOnlyAfterALeak) {
    add(101, 0, /*bytes_per_second=*/0);
    add(102, kSeconds + 2);
    EXPECT_THAT(notes(1), Not(Contains(HasSubstr("same session"))));
}

TEST_F(Reconnects, LeaveAForecastToTheBackendThatGoesOn) {
    add(101, 0);
    add(102, kSeconds + 2).end = "duration";
    const Diagnosis diagnosis = diagnose(history_);
    EXPECT_FALSE(diagnosis.backends.at(0).forecast) << "it has ended";
    ASSERT_TRUE(diagnosis.backends.at(1).forecast);
    EXPECT_EQ(diagnosis.backends.at(1).forecast->backends, 1U);
}

}  // namespace
}  // namespace palloscope
