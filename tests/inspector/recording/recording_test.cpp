#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/recording/reader.hpp"
#include "inspector/recording/writer.hpp"
#include "inspector/statements/form.hpp"
#include "tests/inspector/model/sample_explanation.hpp"
#include "tests/inspector/recording/recording_fixture.hpp"

namespace palloscope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

class Recording : public RecordingTest {
  protected:
    [[nodiscard]] std::vector<Snapshot> read_back() const {
        std::vector<Snapshot> snapshots;
        const Result<std::vector<std::string>> notes =
            for_each_snapshot(path(), [&](const Snapshot& snapshot) -> Result<> {
                snapshots.push_back(snapshot);
                return {};
            });
        EXPECT_TRUE(notes) << notes.error().message;
        return snapshots;
    }
};

Execution execution(int pid, std::int64_t seq, std::string_view sql) {
    return {.seq = seq,
            .backend_pid = pid,
            .session = "worker-0",
            .step = "load-policy/create-schema",
            .form = statement_form(sql),
            .started_at_ns = kStart + seq * kSecond,
            .ended_at_ns = kStart + seq * kSecond + 1'000,
            .rows = 3,
            .error = std::nullopt};
}

TEST_F(Recording, GivesBackTheSnapshotsThatWereAppended) {
    std::vector<Snapshot> snapshots;
    for (int i = 0; i < 5; ++i) {
        snapshots.push_back(snapshot_with(42, i, 10 + 3 * i));
        snapshots.push_back(snapshot_with(43, i, 20 - 4 * i));
    }
    snapshots[4].process.state = "active";
    snapshots[4].process.query = "SELECT $1";
    snapshots[6].process.application_name = "renamed";
    snapshots[8].process.database.reset();
    snapshots[9].method = Method::kRead;
    snapshots[9].server_version_num = 160002;
    {
        RecordingWriter recording = writer();
        for (const Snapshot& snapshot : snapshots) {
            ASSERT_TRUE(recording.append(snapshot));
        }
        EXPECT_EQ(recording.snapshots(), 10);
    }
    EXPECT_EQ(read_back(), snapshots);
}

// Contexts come, go, come again, change places and are many of a kind.
Snapshot random_snapshot(std::mt19937& random, int number) {
    Snapshot snapshot = snapshot_with(42, number, 0);
    std::vector<MemoryContext>& contexts = snapshot.tree.contexts;
    contexts.pop_back();
    const auto below = [&](int bound) {
        return static_cast<int>(random() % static_cast<unsigned>(bound));
    };
    for (int i = below(30); i > 0; --i) {
        // Depth first: the parent is the context before or one of its ancestors.
        std::size_t parent = contexts.size() - 1;
        for (int up = below(4); up > 0 && contexts[parent].parent; --up) {
            parent = *contexts[parent].parent;
        }
        MemoryContext context{.name = std::string(1, static_cast<char>('a' + below(3))),
                              .type = below(5) == 0 ? ContextType::kSlab : ContextType::kAllocSet,
                              .parent = parent,
                              .level = contexts[parent].level + 1,
                              .figures = figures(1'000 * below(3) + 8)};
        if (below(2) == 0) {
            context.ident = below(2) == 0 ? "x" : "";
        }
        contexts.push_back(context);
    }
    return snapshot;
}

TEST_F(Recording, GivesBackTreesThatChangeInEveryWay) {
    std::mt19937 random(20261123);
    std::vector<Snapshot> snapshots;
    {
        RecordingWriter recording = writer();
        for (int i = 0; i < 500; ++i) {
            snapshots.push_back(random_snapshot(random, i));
            ASSERT_TRUE(recording.append(snapshots.back()));
        }
    }
    EXPECT_EQ(read_back(), snapshots);
}

TEST_F(Recording, FoldsContextsByPathIntoAHistory) {
    {
        RecordingWriter recording = writer("journal:j.jsonl");
        ASSERT_TRUE(recording.append(snapshot_with(42, 0, 3)));
        ASSERT_TRUE(recording.append(snapshot_with(43, 0, 1)));
        ASSERT_TRUE(recording.append(snapshot_with(42, 1, 5)));
        ASSERT_TRUE(recording.append(snapshot_with(42, 2, 0)));
        const std::vector<Execution> executions{execution(42, 2, "SELECT 'late'"),
                                                execution(42, 1, "DROP SCHEMA s1"),
                                                execution(43, 1, "SELECT 'x'")};
        ASSERT_TRUE(recording.append(executions));
        ASSERT_TRUE(recording.missed(std::array{42}, "no safe point"));
        ASSERT_TRUE(recording.missed(std::array{42}, "no safe point"));
        ASSERT_TRUE(recording.missed(std::array{42}, "too late"));
        ASSERT_TRUE(recording.missed(std::array{43}, "too late"));
        ASSERT_TRUE(recording.note("a note"));
        ASSERT_TRUE(recording.end(42, "duration"));
    }
    const Result<History> history = read_history(path());
    ASSERT_TRUE(history) << history.error().message;
    EXPECT_EQ(history->statement_source, "journal:j.jsonl");
    EXPECT_THAT(history->notes,
                ElementsAre("backend 42: 2 snapshots were due but not taken: no safe point",
                            "backends 42, 43: 2 snapshots were due but not taken: too late",
                            "a note"));
    ASSERT_EQ(history->backends.size(), 2U);

    const BackendHistory& backend = history->backends[0];
    EXPECT_EQ(backend.process.pid, 42);
    EXPECT_EQ(backend.process.rss_anon_bytes, 26'740'002);
    EXPECT_EQ(backend.server_version_num, 150018);
    EXPECT_EQ(backend.missed, 3);
    EXPECT_EQ(backend.end, "duration");
    ASSERT_EQ(backend.snapshots.size(), 3U);
    EXPECT_EQ(backend.snapshots[1].taken_at_ns, kStart + kSecond);
    EXPECT_EQ(backend.snapshots[1].total, snapshot_with(42, 1, 5).tree.grand_total());
    EXPECT_EQ(backend.snapshots[1].state, "idle");
    ASSERT_EQ(backend.contexts.size(), 4U);
    const auto series = std::ranges::find(
        backend.contexts, "TopMemoryContext/CacheMemoryContext/index info", &ContextSeries::path);
    ASSERT_NE(series, backend.contexts.end());
    EXPECT_THAT(series->count, ElementsAre(3, 5, 0));
    EXPECT_EQ(series->figures[1].used_bytes, 5 * (2'048 - 500));
    EXPECT_EQ(series->figures[2], ContextFigures{});

    ASSERT_EQ(backend.executions.size(), 2U);
    EXPECT_EQ(backend.executions[0].seq, 1);
    EXPECT_EQ(history->forms.at(backend.executions[0].form).text, "DROP SCHEMA s1");
    EXPECT_EQ(history->forms.at(backend.executions[0].form).family, "DROP SCHEMA s*");
    EXPECT_EQ(history->forms.at(backend.executions[1].form),
              history->forms.at(history->backends[1].executions.at(0).form));
    EXPECT_EQ(history->backends[1].end, std::nullopt);
}

// As many as savepoints that are not released.
TEST_F(Recording, FoldsContextsBelowOneOfTheirNameIntoThat) {
    constexpr std::size_t kDepth = 20'000;
    Snapshot nested = snapshot_with(42, 1, 0);
    for (std::size_t i = 0; i < kDepth; ++i) {
        nested.tree.contexts.push_back({.name = "CurTransactionContext",
                                        .parent = i == 0 ? 0 : nested.tree.contexts.size() - 1,
                                        .level = static_cast<int>(i) + 2,
                                        .figures = figures(100, 10)});
    }
    RecordingWriter recording = writer();
    ASSERT_TRUE(recording.append(nested));
    const Result<History> history = read_history(path());
    ASSERT_TRUE(history) << history.error().message;
    const std::vector<ContextSeries>& contexts = history->backends.at(0).contexts;
    EXPECT_EQ(contexts.back().path, "TopMemoryContext/CurTransactionContext");
    EXPECT_EQ(contexts.back().count.at(0), static_cast<std::int32_t>(kDepth));
    EXPECT_EQ(contexts.back().figures.at(0).total_bytes, std::int64_t{100} * kDepth);
}

TEST_F(Recording, FoldsContextsThatOldServersNameByTheirIndex) {
    Snapshot old = snapshot_with(42, 0, 0);
    old.server_version_num = 100023;
    for (const char* const name : {"pg_class_oid_index", "CachedPlan", "t1_pkey"}) {
        old.tree.contexts.insert(old.tree.contexts.begin() + 2,
                                 {.name = name, .parent = 1, .level = 3, .figures = figures(8)});
    }
    { ASSERT_TRUE(writer().append(old)); }
    const Result<History> history = read_history(path());
    ASSERT_TRUE(history);
    std::map<std::string, int> counts;
    for (const ContextSeries& series : history->backends.at(0).contexts) {
        counts[series.path] = series.count.at(0);
    }
    EXPECT_EQ(counts["TopMemoryContext/CacheMemoryContext/index info"], 2);
    EXPECT_EQ(counts["TopMemoryContext/CacheMemoryContext/CachedPlan"], 1);
    EXPECT_THAT(counts, testing::SizeIs(5));
    EXPECT_THAT(read_back(), ElementsAre(old));
}

// The plans of two texts, one of which is given up again, and a portal.
TEST_F(Recording, FoldsWhatStatementsLeftByTheirTexts) {
    {
        RecordingWriter recording = writer();
        for (int i = 0; i < 4; ++i) {
            Snapshot snapshot = snapshot_with(/*pid=*/100, i, /*relations=*/1);
            const auto add = [&](const char* name, const std::string& ident) {
                snapshot.tree.contexts.push_back({.name = name,
                                                  .ident = ident,
                                                  .parent = 1,
                                                  .level = 3,
                                                  .figures = figures(1024)});
            };
            for (int plan = 0; plan < i; ++plan) {
                add("CachedPlanSource",
                    fmt::format("PREPARE p_{} AS SELECT 'secret', nam...", plan));
            }
            if (i == 1 || i == 2) {
                add("CachedPlanSource", "SELECT 42");
                add("PortalContext", fmt::format("page_{}", i));
            }
            ASSERT_TRUE(recording.append(snapshot));
        }
    }
    const Result<History> history = read_history(path());
    ASSERT_TRUE(history) << history.error().message;
    std::map<std::string, std::vector<std::pair<std::size_t, int>>> changes;
    for (const KeptByStatements& kept : history->backends.at(0).kept) {
        for (const auto& change : kept.changes) {
            changes[kept.path + ": " + kept.family].emplace_back(change.snapshot, change.by);
        }
    }
    const std::string cache = "TopMemoryContext/CacheMemoryContext/";
    using Changes = std::vector<std::pair<std::size_t, int>>;
    EXPECT_THAT(
        changes,
        UnorderedElementsAre(Pair(cache + "CachedPlanSource: PREPARE p_* AS SELECT $1, nam...",
                                  Changes{{1, 1}, {2, 1}, {3, 1}}),
                             Pair(cache + "CachedPlanSource: SELECT $1", Changes{{1, 1}, {3, -1}}),
                             // Another one came in its place.
                             Pair(cache + "PortalContext: page_*", Changes{{1, 1}, {3, -1}})));
}

// A plan that is made in the second snapshot, and whose query tree grows in the third.
TEST_F(Recording, FoldsTheBytesOfWhatStatementsLeftAndOfAllBelow) {
    {
        RecordingWriter recording = writer();
        for (int i = 0; i < 3; ++i) {
            Snapshot snapshot = snapshot_with(/*pid=*/100, i, /*relations=*/1);
            if (i > 0) {
                std::vector<MemoryContext>& contexts = snapshot.tree.contexts;
                contexts.push_back({.name = "CachedPlanSource",
                                    .ident = "SELECT 42",
                                    .parent = 1,
                                    .level = 3,
                                    .figures = figures(1024)});
                contexts.push_back({.name = "CachedPlanQuery",
                                    .parent = contexts.size() - 1,
                                    .level = 4,
                                    .figures = figures(i * 2048)});
            }
            ASSERT_TRUE(recording.append(snapshot));
        }
    }
    const Result<History> history = read_history(path());
    ASSERT_TRUE(history) << history.error().message;
    const std::vector<KeptByStatements>& kept = history->backends.at(0).kept;
    ASSERT_EQ(kept.size(), 1U);
    ASSERT_EQ(kept[0].changes.size(), 2U);
    EXPECT_EQ(kept[0].changes[0].by, 1);
    EXPECT_EQ(kept[0].changes[0].used_bytes, figures(1024).used_bytes + figures(2048).used_bytes);
    EXPECT_EQ(kept[0].changes[1].by, 0);
    EXPECT_EQ(kept[0].changes[1].used_bytes, figures(4096).used_bytes - figures(2048).used_bytes);
}

TEST_F(Recording, BeginsANewBackendWhenAPidComesAgain) {
    {
        RecordingWriter recording = writer();
        ASSERT_TRUE(recording.append(snapshot_with(42, 0, 3)));
        ASSERT_TRUE(recording.end(42, "backend gone"));
        ASSERT_TRUE(recording.append(snapshot_with(42, 1, 3)));
    }
    const Result<History> history = read_history(path());
    ASSERT_TRUE(history);
    ASSERT_EQ(history->backends.size(), 2U);
    EXPECT_EQ(history->backends[0].end, "backend gone");
    EXPECT_EQ(history->backends[1].end, std::nullopt);
    EXPECT_EQ(read_back().size(), 2U);
}

TEST_F(Recording, NotesAClockThatWasSetBack) {
    {
        RecordingWriter recording = writer();
        ASSERT_TRUE(recording.append(snapshot_with(42, 5, 1)));
        ASSERT_TRUE(recording.append(snapshot_with(42, 1, 1)));
    }
    EXPECT_THAT(read_history(path())->notes, ElementsAre(HasSubstr("clock was set back")));
}

TEST_F(Recording, TakesOutAClockThatWasSetForward) {
    constexpr std::int64_t kHour = 3600 * kSecond;
    {
        RecordingWriter recording = writer("journal:test");
        ASSERT_TRUE(recording.append(snapshot_with(42, 0, 1)));
        Execution before;
        before.backend_pid = 42;
        before.started_at_ns = kStart + kSecond / 4;
        before.ended_at_ns = kStart + kSecond / 2;
        Execution after = before;
        // Told before the recorder saw that the clock was set.
        after.started_at_ns = after.ended_at_ns = kStart + kHour + 3 * kSecond / 4;
        ASSERT_TRUE(recording.append(std::vector{before, after}));
        ASSERT_TRUE(recording.clock_step({.at_ns = kStart + kHour + kSecond, .by_ns = kHour}));
        Snapshot second = snapshot_with(42, 1, 1);
        second.taken_at_ns += kHour;
        ASSERT_TRUE(recording.append(second));
    }
    const Result<History> history = read_history(path());
    ASSERT_TRUE(history) << history.error().message;
    const BackendHistory& backend = history->backends.at(0);
    ASSERT_EQ(backend.snapshots.size(), 2U);
    EXPECT_EQ(backend.snapshots[0].taken_at_ns, kStart + kHour);
    EXPECT_EQ(backend.snapshots[1].taken_at_ns, kStart + kHour + kSecond);
    ASSERT_EQ(backend.executions.size(), 2U);
    EXPECT_EQ(backend.executions[0].started_at_ns, kStart + kHour + kSecond / 4);
    EXPECT_EQ(backend.executions[0].ended_at_ns, kStart + kHour + kSecond / 2);
    EXPECT_EQ(backend.executions[1].ended_at_ns, kStart + kHour + 3 * kSecond / 4);
    EXPECT_THAT(history->notes, ElementsAre(HasSubstr("clock was set forward by 1.0 h")));
}

TEST_F(Recording, EndsNoBackendOfWhichNothingIsKnown) {
    {
        RecordingWriter recording = writer();
        ASSERT_TRUE(recording.end(42, "backend gone"));
        ASSERT_TRUE(recording.append(snapshot_with(43, 0, 1)));
    }
    EXPECT_EQ(read_history(path())->backends.size(), 1U);
}

TEST_F(Recording, FindsTheSnapshotAtATime) {
    {
        RecordingWriter recording = writer();
        for (int i = 0; i < 4; ++i) {
            ASSERT_TRUE(recording.append(snapshot_with(42, 2 * i, i)));
        }
    }
    EXPECT_EQ(snapshot_at(path(), std::nullopt, std::nullopt), snapshot_with(42, 6, 3));
    EXPECT_EQ(snapshot_at(path(), 42, kStart + 2 * kSecond), snapshot_with(42, 2, 1));
    EXPECT_EQ(snapshot_at(path(), 42, kStart + 5 * kSecond), snapshot_with(42, 4, 2));
    const Result<Snapshot> too_early = snapshot_at(path(), 42, kStart - 1);
    ASSERT_FALSE(too_early);
    EXPECT_THAT(too_early.error().hint, HasSubstr("2026-11-23T09:00:00.000000Z"));
    EXPECT_EQ(snapshot_at(path(), 7, std::nullopt).error().kind, Error::Kind::kUsage);
}

TEST_F(Recording, AsksWhichBackendIsMeantWhereThereAreSeveral) {
    {
        RecordingWriter recording = writer();
        ASSERT_TRUE(recording.append(snapshot_with(42, 0, 1)));
        ASSERT_TRUE(recording.append(snapshot_with(43, 0, 2)));
    }
    EXPECT_EQ(snapshot_at(path(), 42, std::nullopt), snapshot_with(42, 0, 1));
    const Result<Snapshot> unclear = snapshot_at(path(), std::nullopt, std::nullopt);
    ASSERT_FALSE(unclear);
    EXPECT_EQ(unclear.error().kind, Error::Kind::kUsage);
    EXPECT_THAT(unclear.error().hint, HasSubstr("42, 43"));
}

// As of snapshot_with(pid, number, 3); `functions` tells it from others.
Explanation explanation_with(int pid, int number, std::int64_t functions) {
    Explanation explanation = sample_explanation();
    explanation.snapshot = snapshot_with(pid, number, 3);
    explanation.functions.front().bytes = functions;
    return explanation;
}

TEST_F(Recording, GivesBackExplanationsWithTheirSnapshots) {
    {
        RecordingWriter recording = writer();
        for (int i = 0; i < 4; ++i) {
            ASSERT_TRUE(recording.append(explanation_with(42, 2 * i, i)));
            ASSERT_TRUE(recording.append(snapshot_with(42, 2 * i + 1, i)));
        }
        ASSERT_TRUE(recording.append(snapshot_with(43, 0, 3)));
        ASSERT_TRUE(recording.append(explanation_with(44, 0, 4)));
    }
    EXPECT_EQ(read_back().size(), 10U);
    const auto at = explanation_at(path(), 42, kStart + 5 * kSecond);
    ASSERT_TRUE(at) << at.error().message;
    EXPECT_EQ(at->snapshot, snapshot_with(42, 4, 3));
    EXPECT_EQ(at->functions.front().bytes, 2);
    EXPECT_EQ(at->prepared_statements, sample_explanation().prepared_statements);
    EXPECT_EQ(explanation_at(path(), 44, std::nullopt)->functions.front().bytes, 4);
    EXPECT_THAT(explanation_at(path(), 43, std::nullopt).error().message,
                HasSubstr("no explanation of a backend with PID 43"));
    EXPECT_THAT(explanation_at(path(), std::nullopt, std::nullopt).error().hint,
                HasSubstr("42, 44"));

    const Result<History> history = read_history(path());
    ASSERT_TRUE(history);
    const std::vector<Explanation>& ends = history->backends.at(0).explanations;
    ASSERT_EQ(ends.size(), 2U);
    EXPECT_EQ(ends[0].functions.front().bytes, 0);
    EXPECT_EQ(ends[1].functions.front().bytes, 3);
    EXPECT_EQ(ends[1].snapshot.taken_at_ns, kStart + 6 * kSecond);
    EXPECT_THAT(history->backends.at(1).explanations, IsEmpty());
    EXPECT_EQ(history->backends.at(2).explanations.size(), 1U);
}

TEST_F(Recording, SaysHowExplanationsAreRecordedWhereItHasNone) {
    { ASSERT_TRUE(writer().append(snapshot_with(42, 0, 1))); }
    const auto none = explanation_at(path(), std::nullopt, std::nullopt);
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error().hint, HasSubstr("--explain-every"));
}

TEST_F(Recording, GivesBackTheLastAllowanceOfEachBackend) {
    {
        RecordingWriter recording = writer();
        ASSERT_TRUE(recording.append(snapshot_with(42, 0, 1)));
        ASSERT_TRUE(recording.append(snapshot_with(43, 0, 1)));
        ASSERT_TRUE(recording.allowance(43, {.limit_bytes = 3000, .left_bytes = 200}));
        ASSERT_TRUE(
            recording.allowance(43, {.limit_bytes = 3000, .left_bytes = 100, .group_id = 17}));
    }
    const Result<History> history = read_history(path());
    ASSERT_TRUE(history) << history.error().message;
    EXPECT_EQ(history->backends.at(0).allowance, std::nullopt);
    EXPECT_EQ(history->backends.at(1).allowance,
              (MemoryAllowance{.limit_bytes = 3000, .left_bytes = 100, .group_id = 17}));
}

TEST_F(Recording, GivesBackTheLastShareOfStatementsSeen) {
    {
        RecordingWriter recording = writer("activity");
        ASSERT_TRUE(recording.append(snapshot_with(42, 0, 3)));
        ASSERT_TRUE(recording.append(snapshot_with(43, 0, 3)));
        ASSERT_TRUE(recording.seen_share(42, 0.5));
        ASSERT_TRUE(recording.seen_share(42, 0.75));
    }
    const Result<History> history = read_history(path());
    ASSERT_TRUE(history) << history.error().message;
    EXPECT_EQ(history->backends.at(0).seen_share, 0.75);
    EXPECT_EQ(history->backends.at(1).seen_share, std::nullopt);
}

TEST_F(Recording, NamesTheSessionOfABackendThatServedOneAlone) {
    {
        RecordingWriter recording = writer();
        ASSERT_TRUE(recording.append(snapshot_with(42, 0, 1)));
        ASSERT_TRUE(recording.append(snapshot_with(43, 0, 1)));
        ASSERT_TRUE(recording.append(snapshot_with(44, 0, 1)));
        Execution of_another = execution(43, 3, "SELECT 1");
        of_another.session = "worker-1";
        ASSERT_TRUE(recording.append(
            std::vector{execution(42, 1, "SELECT 1"), execution(43, 2, "SELECT 1"), of_another}));
    }
    const Result<History> history = read_history(path());
    ASSERT_TRUE(history) << history.error().message;
    EXPECT_EQ(history->backends.at(0).session, "worker-0");
    EXPECT_EQ(history->backends.at(1).session, "") << "a pooler's: two took turns";
    EXPECT_EQ(history->backends.at(2).session, "");
}

TEST_F(Recording, TellsStatementsThatFailedForWantOfAName) {
    {
        RecordingWriter recording = writer();
        ASSERT_TRUE(recording.append(snapshot_with(42, 0, 1)));
        std::vector<Execution> executions;
        for (const char* const error : {"42P01", "42883", "3F000", "42704", "22012", "?????"}) {
            executions.push_back(execution(42, 1, "SELECT 1"));
            executions.back().error = error;
        }
        executions.push_back(execution(42, 2, "SELECT 1"));
        ASSERT_TRUE(recording.append(executions));
    }
    const Result<History> history = read_history(path());
    ASSERT_TRUE(history) << history.error().message;
    std::vector<std::string> seen;
    for (const ExecutionRecord& record : history->backends.at(0).executions) {
        seen.push_back(record.in_vain ? "in vain" : record.failed ? "failed" : "done");
    }
    EXPECT_THAT(
        seen, ElementsAre("in vain", "in vain", "in vain", "in vain", "failed", "failed", "done"));
}

TEST_F(Recording, GivesBackWhatTheServerSaidLast) {
    const ServerFact jit{.kind = "setting", .name = "jit", .value = "off"};
    {
        RecordingWriter recording = writer();
        ASSERT_TRUE(recording.append(snapshot_with(42, 0, 1)));
        ASSERT_TRUE(recording.append(snapshot_with(43, 0, 1)));
        const std::vector<ServerFact> before{{"setting", "jit", "on"}, {"session", "user", "app"}};
        ASSERT_TRUE(recording.server_facts(43, before));
        ASSERT_TRUE(recording.server_facts(43, {&jit, 1}));
    }
    const Result<History> history = read_history(path());
    ASSERT_TRUE(history) << history.error().message;
    EXPECT_THAT(history->backends.at(0).server_facts, testing::IsEmpty());
    EXPECT_THAT(history->backends.at(1).server_facts, testing::ElementsAre(jit));
}

TEST_F(Recording, GivesBackHowExecutionsWereSeen) {
    {
        RecordingWriter recording = writer("activity");
        ASSERT_TRUE(recording.append(snapshot_with(42, 0, 1)));
        Execution seen = execution(42, 1, "SELECT 1");
        seen.sighting = Sighting{.after_ns = 300'000, .gap_ns = 1'000'000};
        seen.transaction_began_at_ns = kStart;
        ASSERT_TRUE(recording.append(std::vector{seen, execution(42, 2, "SELECT 1")}));
    }
    const Result<History> history = read_history(path());
    ASSERT_TRUE(history) << history.error().message;
    const std::vector<ExecutionRecord>& executions = history->backends.at(0).executions;
    ASSERT_EQ(executions.size(), 2U);
    EXPECT_EQ(executions[0].sighting, (Sighting{.after_ns = 300'000, .gap_ns = 1'000'000}));
    EXPECT_EQ(executions[0].transaction_began_at_ns, kStart);
    EXPECT_EQ(executions[1].sighting, std::nullopt);
    EXPECT_EQ(executions[1].transaction_began_at_ns, std::nullopt);
}

TEST_F(Recording, StopsAtTheVisitorsFirstError) {
    {
        RecordingWriter recording = writer();
        ASSERT_TRUE(recording.append(snapshot_with(42, 0, 1)));
        ASSERT_TRUE(recording.append(snapshot_with(42, 1, 1)));
    }
    int visited = 0;
    const auto notes = for_each_snapshot(path(), [&](const Snapshot&) -> Result<> {
        ++visited;
        return failure(Error::Kind::kFailed, "full");
    });
    EXPECT_EQ(visited, 1);
    ASSERT_FALSE(notes);
    EXPECT_EQ(notes.error().message, "full");
}

TEST_F(Recording, IsReadableByItsOwnerAlone) {
    RecordingWriter recording = writer();
    ASSERT_TRUE(recording.append(snapshot_with(42, 0, 3)));
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
        struct stat status {};

        ASSERT_EQ(stat(entry.path().c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 07777U, 0600U) << entry.path();
        ++files;
    }
    EXPECT_EQ(files, 3) << "the recording, its -wal and its -shm";
}

TEST_F(Recording, IsOneFileWhenItHasEnded) {
    { ASSERT_TRUE(writer().append(snapshot_with(42, 0, 3))); }
    const std::filesystem::directory_iterator files(folder_);
    EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(Recording, SharesATransactionUntilItIsCommitted) {
    RecordingWriter recording = writer();
    ASSERT_TRUE(recording.append(snapshot_with(42, 0, 3)));
    recording.begin();
    ASSERT_TRUE(recording.append(snapshot_with(42, 1, 3)));
    ASSERT_TRUE(recording.append(snapshot_with(43, 2, 3)));
    EXPECT_EQ(recording.snapshots(), 3);
    EXPECT_EQ(read_back().size(), 1U);
    ASSERT_TRUE(recording.commit());
    EXPECT_EQ(read_back().size(), 3U);
    ASSERT_TRUE(recording.append(snapshot_with(42, 3, 3)));
    EXPECT_EQ(read_back().size(), 4U);
}

TEST_F(Recording, CommitsWhatIsOldWithoutBeingAsked) {
    RecordingWriter recording = writer();
    recording.begin();
    ASSERT_TRUE(recording.append(snapshot_with(42, 0, 3)));
    std::this_thread::sleep_for(std::chrono::milliseconds{101});
    ASSERT_TRUE(recording.append(snapshot_with(42, 1, 3)));
    EXPECT_EQ(read_back().size(), 2U);
    ASSERT_TRUE(recording.append(snapshot_with(42, 2, 3)));
    EXPECT_EQ(read_back().size(), 2U) << "the next transaction is shared, too";
}

TEST_F(Recording, LosesNothingWhereItEndsInTheMiddle) {
    {
        RecordingWriter recording = writer();
        recording.begin();
        ASSERT_TRUE(recording.append(snapshot_with(42, 0, 3)));
    }
    EXPECT_EQ(read_back().size(), 1U);
}

TEST_F(Recording, IsNotOverwrittenUnlessAsked) {
    { ASSERT_TRUE(writer().append(snapshot_with(42, 0, 3))); }
    const Result<RecordingWriter> refused =
        RecordingWriter::create(path(), ExistingFile::kRefuse, "none");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, Error::Kind::kUsage);
    EXPECT_THAT(refused.error().message, HasSubstr("exists already"));
    EXPECT_EQ(require_new_recording(path()).error(), refused.error());
    EXPECT_TRUE(require_new_recording(path("another")));
    EXPECT_EQ(read_back().size(), 1U);

    ASSERT_TRUE(RecordingWriter::create(path(), ExistingFile::kReplace, "none"));
    EXPECT_THAT(read_back(), IsEmpty());
    EXPECT_FALSE(RecordingWriter::create(folder_.string(), ExistingFile::kReplace, "none"));
    EXPECT_FALSE(RecordingWriter::create(path("no/such/folder"), ExistingFile::kRefuse, "none"));
}

TEST_F(Recording, RefusesATreeWithAChildBeforeItsParent) {
    RecordingWriter recording = writer();
    Snapshot malformed = snapshot_with(42, 0, 1);
    malformed.tree.contexts[1].parent = 2;
    EXPECT_FALSE(recording.append(malformed));
    EXPECT_TRUE(recording.append(snapshot_with(42, 0, 1)));
}

TEST_F(Recording, HoldsNoLiteralsWhateverItIsGiven) {
    {
        RecordingWriter recording = writer();
        Snapshot snapshot = snapshot_with(42, 0, 1);
        snapshot.process.query = "SELECT 'planted-secret-1'";
        snapshot.tree.contexts.push_back({.name = "CachedPlan",
                                          .ident = "SELECT 'planted-secret-2', a FROM t",
                                          .parent = 0,
                                          .level = 2,
                                          .figures = figures(8)});
        snapshot.tree.contexts.push_back({.name = "RegexpMemoryContext",
                                          .ident = "planted-secret-3.*",
                                          .parent = 0,
                                          .level = 2,
                                          .figures = figures(8)});
        ASSERT_TRUE(recording.append(snapshot));
        Execution unmasked = execution(42, 1, "SELECT 1");
        unmasked.form = {.text = "ALTER ROLE u PASSWORD 'planted-secret-4'",
                         .fingerprint = "of no form",
                         .family = "planted-secret-4"};
        ASSERT_TRUE(recording.append(std::vector{unmasked}));
        Explanation explanation = explanation_with(42, 1, 1);
        explanation.snapshot.process.query = "SELECT 'planted-secret-5'";
        explanation.prepared_statements.front().query = "SELECT 'planted-secret-6'";
        explanation.kept_plans.front().query = "kind = 'planted-secret-7'";
        ASSERT_TRUE(recording.append(explanation));
        EXPECT_THAT(bytes_on_disk(), Not(HasSubstr("planted-secret")));
        EXPECT_THAT(bytes_on_disk(), HasSubstr("ALTER ROLE u PASSWORD $1"));
    }
    EXPECT_THAT(bytes_on_disk(), Not(HasSubstr("planted-secret")));
    EXPECT_EQ(read_back().at(0).tree.contexts.at(4).ident, "SELECT $1, a FROM t");
    // What is deflated cannot be searched.
    const auto explanation = explanation_at(path(), 42, std::nullopt);
    ASSERT_TRUE(explanation);
    EXPECT_EQ(explanation->snapshot.process.query, "SELECT $1");
    EXPECT_EQ(explanation->prepared_statements.front().query, "SELECT $1");
    EXPECT_EQ(explanation->kept_plans.front().query, "kind = $1");
}

TEST_F(Recording, KeepsBytesOfAnyEncoding) {
    Snapshot snapshot = snapshot_with(42, 0, 1);
    snapshot.process.user = "caf\xe9";
    snapshot.process.application_name = "a'b\"c\n%s";
    snapshot.tree.contexts[2].ident = "ind\xe9x: 'x' \x01";
    { ASSERT_TRUE(writer().append(snapshot)); }
    EXPECT_THAT(read_back(), ElementsAre(snapshot));
}

}  // namespace
}  // namespace palloscope
