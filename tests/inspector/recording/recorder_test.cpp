#include "inspector/recording/recorder.hpp"

#include <algorithm>
#include <map>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/recording/pause_statistics.hpp"
#include "tests/inspector/model/sample_explanation.hpp"
#include "tests/inspector/recording/recorder_fixture.hpp"

namespace palloscope {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

TEST_F(RecorderTest, TakesASnapshotOfEveryBackendEachInterval) {
    int progress = 0;
    RecorderCalls all = calls({42, 43});
    all.progress = [&](const RecordingProgress& now) {
        EXPECT_EQ(now.backends, 2U);
        ++progress;
    };
    const Result<RecordingSummary> summary =
        record({.interval = milliseconds{50}, .duration = milliseconds{475}}, all);
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(summary->end, "duration");
    // A loaded machine may be late; it must be said then.
    EXPECT_EQ(summary->snapshots + summary->missed, 20);
    EXPECT_GT(progress, 1);
    EXPECT_GT(summary->bytes, 10'000);
    ASSERT_THAT(summary->backends, SizeIs(2));
    EXPECT_EQ(summary->backends[0].end, "duration");
    EXPECT_EQ(summary->backends[0].min_pause_us, 401.5);

    const History recorded = history();
    ASSERT_THAT(recorded.backends, SizeIs(2));
    for (const BackendHistory& backend : recorded.backends) {
        EXPECT_EQ(backend.end, "duration");
        const std::vector<SnapshotSummary>& snapshots = backend.snapshots;
        ASSERT_GE(snapshots.size(), 2U);
        const std::int64_t rounds =
            (snapshots.back().taken_at_ns - snapshots.front().taken_at_ns + 25'000'000) /
            50'000'000;
        EXPECT_LE(static_cast<std::int64_t>(snapshots.size()), rounds + 1) << "it drifts";
    }
}

TEST_F(RecorderTest, ReadsWhicheverBackendsComeToRestInARoundAndTakesTheOthersOtherwise) {
    RecorderCalls resting = calls({42, 43, 44});
    std::map<int, int> looks;
    std::vector<int> otherwise;
    resting.at_rest = {.read = [&, take = resting.take](int pid) -> Result<Snapshot> {
                           ++looks[pid];
                           // One rests at once, one after a while, one never.
                           if (pid == 44 || (pid == 43 && looks[pid] < 3)) {
                               return failure(Error::Kind::kTimeout, "it kept running");
                           }
                           return take(pid);
                       },
                       .within = milliseconds{500},
                       .otherwise =
                           [&, take = resting.take](int pid) {
                               otherwise.push_back(pid);
                               return take(pid);
                           }};
    resting.take = [](int) -> Result<Snapshot> {
        return failure(Error::Kind::kFailed, "it waits for each by itself");
    };
    const Result<RecordingSummary> summary =
        record({.interval = seconds{10}, .duration = milliseconds{100}}, resting);
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(summary->missed, 0);
    for (const RecordedBackendSummary& backend : summary->backends) {
        EXPECT_EQ(backend.snapshots, 1) << backend.pid;
    }
    EXPECT_EQ(looks[42], 1);
    EXPECT_EQ(looks[43], 3);
    EXPECT_GE(looks[44], 3);
    EXPECT_THAT(otherwise, ElementsAre(44));
}

TEST_F(RecorderTest, WaitsForRestForHalfAnIntervalAtMost) {
    RecorderCalls busy = calls({42});
    const auto never = [](int) -> Result<Snapshot> {
        return failure(Error::Kind::kTimeout, "it kept running");
    };
    busy.at_rest = {
        .read = never, .within = seconds{10}, .otherwise = [&, take = busy.take](int pid) {
            return taken_[pid] == 0 ? take(pid) : never(pid);
        }};
    const Result<RecordingSummary> summary =
        record({.interval = milliseconds{100}, .duration = milliseconds{450}}, busy);
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(summary->snapshots + summary->missed, 5);
    EXPECT_GE(summary->missed, 1);
    EXPECT_EQ(summary->backends.at(0).last_miss, "it kept running");
}

// Whose reason it is found by the other way.
TEST_F(RecorderTest, WaitsForNoRestOfBackendsThatHaveGoneOrAreToBeExplained) {
    RecorderCalls gone = calls({42, 43});
    std::vector<int> read;
    gone.at_rest = {.read = [&](int pid) -> Result<Snapshot> {
                        read.push_back(pid);
                        return failure(Error::Kind::kGone, "process 43 is gone");
                    },
                    .within = seconds{10},
                    .otherwise = [](int) -> Result<Snapshot> {
                        return failure(Error::Kind::kGone, "process 43 is gone");
                    }};
    gone.explain = [take = gone.take](int pid) -> Result<Explanation> {
        Explanation explanation = sample_explanation();
        explanation.snapshot = *take(pid);
        return explanation;
    };
    const Result<RecordingSummary> summary = record(
        {.interval = seconds{20}, .duration = milliseconds{100}, .explain_every = seconds{1}},
        gone);
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_THAT(read, ElementsAre(43));
    ASSERT_THAT(summary->backends, SizeIs(1));
    EXPECT_EQ(summary->backends[0].pid, 42);
    EXPECT_EQ(summary->backends[0].explanations, 1);
}

TEST_F(RecorderTest, ExplainsEachBackendAtTheStartAndEverySoOftenOneARound) {
    RecorderCalls explained = calls({42, 43});
    explained.explain = [take = explained.take](int pid) -> Result<Explanation> {
        Explanation explanation = sample_explanation();
        explanation.snapshot = *take(pid);
        return explanation;
    };
    const Result<RecordingSummary> summary = record({.interval = milliseconds{50},
                                                     .duration = milliseconds{975},
                                                     .explain_every = milliseconds{325}},
                                                    explained);
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(summary->snapshots + summary->missed, 40);
    ASSERT_THAT(summary->backends, SizeIs(2));
    for (const RecordedBackendSummary& backend : summary->backends) {
        // A loaded machine may be late.
        EXPECT_GE(backend.explanations, 2);
        EXPECT_LE(backend.explanations, 3);
    }
    const History recorded = history();
    const std::vector<Explanation>& first = recorded.backends.at(0).explanations;
    const std::vector<Explanation>& second = recorded.backends.at(1).explanations;
    ASSERT_THAT(first, SizeIs(2));
    ASSERT_THAT(second, SizeIs(2));
    EXPECT_EQ(first[0].snapshot.taken_at_ns, recorded.backends[0].snapshots[0].taken_at_ns);
    EXPECT_EQ(second[0].snapshot.taken_at_ns, recorded.backends[1].snapshots[1].taken_at_ns);
    EXPECT_GT(first[1].snapshot.taken_at_ns - first[0].snapshot.taken_at_ns, 300'000'000);
}

TEST_F(RecorderTest, TakesTheSnapshotWhereNoExplanationIsToBeHad) {
    RecorderCalls unexplained = calls({42});
    unexplained.explain = [](int) -> Result<Explanation> {
        return failure(Error::Kind::kTimeout, "no consistent moment came");
    };
    const Result<RecordingSummary> summary = record({.interval = milliseconds{50},
                                                     .duration = milliseconds{225},
                                                     .explain_every = milliseconds{1}},
                                                    unexplained);
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->snapshots + summary->missed, 5);
    EXPECT_GE(summary->snapshots, 1);
    EXPECT_EQ(summary->backends.at(0).explanations, 0);
    EXPECT_THAT(summary->notes,
                ElementsAre("backend 42 was not explained every time: no consistent moment came"));
}

TEST_F(RecorderTest, CountsAndTellsTheRoundsThatItWasTooLateFor) {
    RecorderCalls slow = calls({42});
    slow.take = [take = slow.take](int pid) {
        std::this_thread::sleep_for(milliseconds{25});
        return take(pid);
    };
    const Result<RecordingSummary> summary =
        record({.interval = milliseconds{10}, .duration = milliseconds{200}}, slow);
    ASSERT_TRUE(summary);
    EXPECT_LE(summary->snapshots, 8);
    EXPECT_EQ(summary->snapshots + summary->missed, 20);
    EXPECT_GE(summary->missed, 10);
    EXPECT_EQ(history().backends.at(0).missed, summary->missed);
    EXPECT_THAT(history().notes, ElementsAre(HasSubstr("the snapshots before were not done")));
}

TEST_F(RecorderTest, CallsWhatIsToBeDoneBetweenRoundsThatAreFarApart) {
    int times = 0;
    RecorderCalls one = calls({42});
    one.between = [&] { ++times; };
    const Result<RecordingSummary> summary =
        record({.interval = seconds{30}, .duration = milliseconds{1500}}, one);
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(summary->snapshots, 1);
    EXPECT_GE(times, 5);
}

TEST_F(RecorderTest, StopsWhenItIsInterrupted) {
    RecorderCalls until_third = calls({42});
    until_third.take = [this, take = until_third.take](int pid) {
        stop_ = taken_[pid] == 2;
        return take(pid);
    };
    const Result<RecordingSummary> summary = record({.interval = milliseconds{1}}, until_third);
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->end, "interrupted");
    EXPECT_EQ(summary->snapshots, 3);
    EXPECT_EQ(history().backends.at(0).end, "interrupted");
}

TEST_F(RecorderTest, EndsWhenAllTargetsAreGone) {
    RecorderCalls gone = calls({42, 43});
    int searches = 0;
    gone.find_targets = [&]() -> Result<std::vector<int>> {
        return ++searches == 1 ? std::vector<int>{42, 43} : std::vector<int>{};
    };
    gone.take = [this, take = gone.take](int pid) -> Result<Snapshot> {
        if (taken_[pid] == pid - 40) {
            return failure(Error::Kind::kGone, "gone");
        }
        return take(pid);
    };
    const Result<RecordingSummary> summary = record({.interval = milliseconds{1}}, gone);
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->end, "all targets gone");
    EXPECT_EQ(summary->snapshots, 5);
    EXPECT_EQ(history().backends.at(0).end, "backend gone");
    EXPECT_EQ(history().backends.at(1).end, "backend gone");
}

TEST_F(RecorderTest, RecordsBackendsThatStartLater) {
    RecorderCalls later = calls({42});
    int searches = 0;
    later.find_targets = [&]() -> Result<std::vector<int>> {
        return ++searches == 1 ? std::vector<int>{42} : std::vector<int>{42, 43};
    };
    later.take = [this, take = later.take](int pid) -> Result<Snapshot> {
        stop_ = pid == 43;
        // Gone before its successor is found: its end is not that of the recording.
        if (pid == 42 && taken_[pid] == 1) {
            return failure(Error::Kind::kGone, "gone");
        }
        return take(pid);
    };
    const Result<RecordingSummary> summary = record({.interval = milliseconds{5}}, later);
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->end, "interrupted");
    EXPECT_EQ(taken_[43], 1);
}

TEST_F(RecorderTest, CountsSnapshotsThatCouldNotBeTakenAsMissed) {
    RecorderCalls busy = calls({42});
    busy.take = [this, take = busy.take](int pid) -> Result<Snapshot> {
        Result<Snapshot> snapshot = take(pid);
        stop_ = taken_[pid] == 10;
        if (taken_[pid] % 2 == 0) {
            return failure(Error::Kind::kTimeout, "backend 42 came to no safe point within 1 s");
        }
        return snapshot;
    };
    const Result<RecordingSummary> summary = record({.interval = milliseconds{20}}, busy);
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->snapshots, 5);
    EXPECT_GE(summary->missed, 5);
    EXPECT_THAT(history().notes, testing::Contains(HasSubstr("no safe point within 1 s")));
}

TEST_F(RecorderTest, GoesOnWhereADebuggerHeldTheBackendForAWhile) {
    RecorderCalls held = calls({42});
    held.take = [this, take = held.take](int pid) -> Result<Snapshot> {
        Result<Snapshot> snapshot = take(pid);
        stop_ = taken_[pid] == 6;
        if (taken_[pid] <= 3) {
            return failure(Error::Kind::kTraced, "process 42 is already traced by process 7 (gdb)");
        }
        return snapshot;
    };
    const Result<RecordingSummary> summary = record({.interval = milliseconds{20}}, held);
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->snapshots, 3);
    EXPECT_THAT(history().notes, testing::Contains(HasSubstr("traced by process 7 (gdb)")));
}

TEST_F(RecorderTest, LeavesBackendsAloneThatMayNotBeRead) {
    RecorderCalls denied = calls({42, 43});
    denied.take = [this, take = denied.take](int pid) -> Result<Snapshot> {
        stop_ = taken_[43] == 3;
        if (pid == 42) {
            ++taken_[pid];
            return failure(Error::Kind::kPermission, "not permitted", "use root");
        }
        return take(pid);
    };
    const Result<RecordingSummary> summary = record({.interval = milliseconds{1}}, denied);
    ASSERT_TRUE(summary);
    EXPECT_EQ(taken_[42], 1);
    EXPECT_THAT(summary->notes, ElementsAre(HasSubstr("backend 42 is not recorded")));
    EXPECT_THAT(history().backends, SizeIs(1));
}

TEST_F(RecorderTest, FailsWhereNothingCanBeRecorded) {
    EXPECT_EQ(record({}, calls({})).error().kind, Error::Kind::kGone);

    RecorderCalls denied = calls({42});
    const Error error{.kind = Error::Kind::kPermission, .message = "no", .hint = "use root"};
    denied.take = [&](int) -> Result<Snapshot> { return tl::unexpected(error); };
    EXPECT_EQ(record({.interval = milliseconds{1}}, denied).error(), error);
}

// As a process that is no backend, which runs on and so is found again and again.
TEST_F(RecorderTest, FailsWhereTheTargetIsNoBackend) {
    RecorderCalls stranger = calls({42});
    const Error error{.kind = Error::Kind::kGone, .message = "process 42 is no PostgreSQL process"};
    stranger.take = [&](int pid) -> Result<Snapshot> {
        ++taken_[pid];
        return tl::unexpected(error);
    };
    EXPECT_EQ(record({.interval = milliseconds{1}}, stranger).error(), error);
    EXPECT_EQ(taken_[42], 1);
}

TEST_F(RecorderTest, FailsWhereNoSnapshotCouldBeTakenAllTheTime) {
    RecorderCalls busy = calls({42});
    const Error error{.kind = Error::Kind::kTimeout, .message = "no safe point within 1 s"};
    busy.take = [&](int) -> Result<Snapshot> { return tl::unexpected(error); };
    EXPECT_EQ(record({.interval = milliseconds{10}, .duration = milliseconds{50}}, busy).error(),
              error);
    busy.take = [&](int) -> Result<Snapshot> {
        stop_ = true;
        return tl::unexpected(error);
    };
    const Result<RecordingSummary> interrupted = record({.interval = milliseconds{10}}, busy);
    ASSERT_TRUE(interrupted) << "that was the user's wish";
    EXPECT_EQ(interrupted->end, "interrupted");
}

TEST_F(RecorderTest, CountsMissesThatDifferByAnAddressTogether) {
    RecorderCalls torn = calls({42});
    torn.take = [this, take = torn.take](int pid) -> Result<Snapshot> {
        Result<Snapshot> snapshot = take(pid);
        stop_ = taken_[pid] == 5;
        if (taken_[pid] > 1) {
            return failure(
                Error::Kind::kTimeout,
                fmt::format("the context at 0x{:x} has a wrong tag", 0x55d0c8a3f1e0 + taken_[pid]));
        }
        return snapshot;
    };
    ASSERT_TRUE(record({.interval = milliseconds{30}}, torn));
    // A round that comes late adds a note of its own.
    const std::vector<std::string> notes = history().notes;
    EXPECT_THAT(notes, Contains(HasSubstr("the context at 0x… has a wrong tag")));
    EXPECT_EQ(
        std::ranges::count_if(
            notes, [](const std::string& note) { return note.find("0x") != std::string::npos; }),
        1);
}

TEST_F(RecorderTest, GoesOnToItsEndWithoutTargetsWhereOthersMayCome) {
    RecorderCalls gone = calls({42});
    int searches = 0;
    gone.find_targets = [&]() -> Result<std::vector<int>> {
        return ++searches == 2 ? std::vector<int>{} : std::vector<int>{40 + 2 * searches};
    };
    gone.take = [this, take = gone.take](int pid) -> Result<Snapshot> {
        if (pid == 42 && taken_[pid] == 1) {
            return failure(Error::Kind::kGone, "gone");
        }
        return take(pid);
    };
    const Result<RecordingSummary> summary = record(
        {.interval = milliseconds{10}, .duration = milliseconds{2500}, .outlasts_targets = true},
        gone);
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->end, "duration");
    EXPECT_GT(taken_[46], 0);
}

// As a connection that only sets up what the next one uses.
TEST_F(RecorderTest, WaitsForATargetWhereTheFirstWasGoneBeforeItsFirstSnapshot) {
    for (const bool is_still_found : {false, true}) {
        RecorderCalls gone = calls({});
        int searches = 0;
        gone.find_targets = [&]() -> Result<std::vector<int>> {
            ++searches;
            return searches == 1 && is_still_found ? std::vector{42}
                   : searches <= 2                 ? std::vector<int>{}
                                                   : std::vector{43};
        };
        gone.take = [this, take = gone.take](int pid) -> Result<Snapshot> {
            if (pid == 42) {
                return failure(Error::Kind::kGone, "gone");
            }
            stop_ = true;
            return take(pid);
        };
        stop_ = false;
        const Result<RecordingSummary> summary =
            record({.interval = milliseconds{10}, .awaits_targets = true}, gone);
        ASSERT_TRUE(summary) << summary.error().message;
        EXPECT_EQ(summary->snapshots, 1);
    }
}

TEST_F(RecorderTest, DoesNotWaitWhereThoseThatAreThereCannotBeRead) {
    RecorderCalls denied = calls({42});
    int searches = 0;
    denied.find_targets = [&]() -> Result<std::vector<int>> {
        return ++searches == 1 ? std::vector{42} : std::vector<int>{};
    };
    const Error error{.kind = Error::Kind::kPermission, .message = "no", .hint = "use root"};
    denied.take = [&](int) -> Result<Snapshot> { return tl::unexpected(error); };
    EXPECT_EQ(record({.interval = milliseconds{10}, .awaits_targets = true}, denied).error(),
              error);
}

TEST_F(RecorderTest, ForgetsWhatIsNoLongerRecorded) {
    RecorderCalls denied = calls({42, 43});
    std::vector<int> forgotten;
    denied.forget = [&](int pid) { forgotten.push_back(pid); };
    denied.take = [this, take = denied.take](int pid) -> Result<Snapshot> {
        stop_ = taken_[43] == 2;
        return pid == 42 ? failure(Error::Kind::kUnsupported, "unknown") : take(pid);
    };
    ASSERT_TRUE(record({.interval = milliseconds{1}}, denied));
    EXPECT_THAT(forgotten, ElementsAre(42, 43));
}

TEST_F(RecorderTest, AsksAServerThatCannotBeAskedOnce) {
    RecorderCalls one = calls({42});
    int asked = 0;
    one.server_facts =
        [&](const std::vector<int>&) -> Result<std::map<int, std::vector<ServerFact>>> {
        ++asked;
        return failure(Error::Kind::kFailed, "no such host");
    };
    const Result<RecordingSummary> summary =
        record({.interval = milliseconds{10}, .duration = milliseconds{50}}, one);
    ASSERT_TRUE(summary);
    EXPECT_EQ(asked, 1) << "each time costs seconds in which no snapshot is taken";
    EXPECT_THAT(summary->notes, ElementsAre(HasSubstr("no such host")));
}

TEST_F(RecorderTest, TellsThatTheClockWasSet) {
    RecorderCalls one = calls({42});
    one.unix_time_ns = [this] { return unix_time_ns() + (taken_[42] < 2 ? 0 : 90 * kSecond); };
    one.take = [this, take = one.take](int pid) {
        stop_ = taken_[pid] == 4;
        return take(pid);
    };
    ASSERT_TRUE(record({.interval = milliseconds{5}}, one));
    EXPECT_THAT(history().notes, Contains(HasSubstr("clock was set forward by 1.5 min")));
}

TEST_F(RecorderTest, StopsWithTheWritersErrorWhenTheRecordingCannotBeWritten) {
    RecordingWriter recording = writer();
    Snapshot malformed = snapshot_with(42, 0, 1);
    malformed.tree.contexts[1].parent = 1;
    RecorderCalls broken = calls({42});
    broken.take = [&](int) -> Result<Snapshot> { return malformed; };
    Recorder recorder({}, broken, NoStatements{}, recording, stop_);
    const Result<RecordingSummary> summary = recorder.run();
    ASSERT_FALSE(summary);
    EXPECT_EQ(summary.error().kind, Error::Kind::kFailed);
}

TEST(PauseStatistics, GivesQuantilesToWithinOnePercent) {
    PauseStatistics pauses;
    EXPECT_EQ(pauses.quantile_us(0.5), 0);
    for (int i = 1'000; i >= 1; --i) {
        pauses.add(i);
    }
    EXPECT_EQ(pauses.count(), 1'000);
    EXPECT_EQ(pauses.min_us(), 1);
    EXPECT_EQ(pauses.max_us(), 1'000);
    EXPECT_NEAR(pauses.quantile_us(0.5), 500, 5.5);
    EXPECT_NEAR(pauses.quantile_us(0.99), 990, 10);
    EXPECT_NEAR(pauses.quantile_us(1), 1'000, 10);
    PauseStatistics none;
    none.add(0);
    EXPECT_EQ(none.quantile_us(0.5), 0);
}

}  // namespace
}  // namespace palloscope
