#include "inspector/diagnosis/statement_columns.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace palloscope {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::IsEmpty;

StatementForm form(const std::string& text, const std::string& family = "") {
    return {
        .text = text, .fingerprint = "00000000000000aa", .family = family.empty() ? text : family};
}

TEST(StatementColumns, CountsAnExecutionAtTheFirstSnapshotNotBeforeItsEnd) {
    std::vector<ExecutionRecord> executions;
    for (const std::int64_t end : {5, 10, 11, 20, 20, 21, 35}) {
        executions.push_back({.form = 0, .ended_at_ns = end});
    }
    const std::vector<std::int64_t> moments{10, 20, 30};
    const StatementCounts counts = count_statements({form("select $1")}, executions, moments);
    ASSERT_EQ(counts.columns.size(), 1U);
    // What ended by the first snapshot or after the last is in no interval.
    EXPECT_THAT(counts.columns[0].calls, ElementsAre(0, 3, 4));
    EXPECT_EQ(counts.columns[0].fingerprint, "00000000000000aa");
}

TEST(StatementColumns, SaysByHowMuchItsCallsMayErr) {
    std::vector<ExecutionRecord> executions;
    for (int i = 0; i < 20; ++i) {
        executions.push_back({.form = 0, .ended_at_ns = 15});
        // Seen up to a tenth of the gap after its beginning: it is shorter, and many were missed.
        executions.push_back({.form = 1,
                              .ended_at_ns = 15,
                              .sighting = Sighting{.after_ns = 5 + i / 4, .gap_ns = 100}});
    }
    const StatementCounts counts = count_statements(
        {form("counted"), form("seen")}, executions, std::vector<std::int64_t>{10, 20});
    ASSERT_EQ(counts.columns.size(), 2U);
    EXPECT_EQ(counts.columns[0].query, "counted");
    EXPECT_FALSE(counts.columns[0].estimated());
    EXPECT_GT(counts.columns[1].total(), 100);
    EXPECT_TRUE(counts.columns[1].estimated());
    // 20 % of the method, and what chance makes of nine.
    EXPECT_NEAR(counts.columns[1].error, 0.39, 0.02);
}

// Executions of 243 transaction blocks, of whose five statements looks see two thirds. The
// sightings alone say four fifths.
std::vector<ExecutionRecord> seen_in_blocks(std::optional<std::int64_t> only_in_block = {}) {
    std::vector<ExecutionRecord> executions;
    for (int block = 0; block < 243; ++block) {
        int digits = block;
        for (std::size_t form = 0; form < 5; ++form, digits /= 3) {
            if (digits % 3 != 0) {
                executions.push_back(
                    {.form = form,
                     .ended_at_ns = 15,
                     .sighting = Sighting{.after_ns = 20 + block % 41, .gap_ns = 100},
                     .transaction_began_at_ns = only_in_block.value_or(block)});
            }
        }
    }
    return executions;
}

class StatementsInBlocks : public testing::Test {
  protected:
    // Calls of each form, in their order.
    [[nodiscard]] static std::vector<double> calls(const std::vector<ExecutionRecord>& executions,
                                                   const std::optional<SeenByLooks>& looks) {
        std::vector<StatementForm> forms;
        for (const char* text : {"a", "b", "c", "d", "e", "f"}) {
            forms.push_back(form(text));
        }
        const StatementCounts counts =
            count_statements(forms, executions, std::vector<std::int64_t>{10, 20}, looks);
        std::vector<double> calls;
        for (const std::size_t column : counts.column_of_form) {
            calls.push_back(column == StatementCounts::kNoColumn ? 0
                                                                 : counts.columns[column].total());
        }
        return calls;
    }
};

TEST_F(StatementsInBlocks, AreCountedByTheBlocksWhereTheyRunOnceInEach) {
    const std::vector<double> found = calls(seen_in_blocks(), SeenByLooks{});
    for (const double number : std::span(found).first(found.size() - 1)) {
        EXPECT_NEAR(number, 243, 10);
    }
    EXPECT_EQ(found.back(), 0);
    // All in one block: none runs once in it.
    EXPECT_LT(calls(seen_in_blocks(7), SeenByLooks{})[0], 215);
    // Told by a source that misses nothing of them.
    EXPECT_LT(calls(seen_in_blocks(), std::nullopt)[0], 215);
}

TEST_F(StatementsInBlocks, AreNotTakenToRunInAllOfThem) {
    std::vector<ExecutionRecord> executions = seen_in_blocks();
    // In each fourth block, and never missed.
    for (int block = 0; block < 243; block += 4) {
        executions.push_back({.form = 5,
                              .ended_at_ns = 15,
                              .sighting = Sighting{.after_ns = 100, .gap_ns = 100},
                              .transaction_began_at_ns = block});
    }
    const std::vector<double> found = calls(executions, SeenByLooks{});
    EXPECT_NEAR(found[0], 243, 10);
    EXPECT_EQ(found[5], 61);
}

TEST_F(StatementsInBlocks, TellHowManyOfTheOthersAreMissed) {
    std::vector<ExecutionRecord> executions = seen_in_blocks();
    for (int i = 0; i < 100; ++i) {
        executions.push_back({.form = 5,
                              .ended_at_ns = 15,
                              .sighting = Sighting{.after_ns = 20 + i % 41, .gap_ns = 100}});
    }
    std::vector<ExecutionRecord> without = executions;
    for (ExecutionRecord& execution : without) {
        execution.transaction_began_at_ns.reset();
    }
    const double by_sightings = calls(without, SeenByLooks{})[5];
    EXPECT_GT(by_sightings, 110);
    // Some 81 of each are missed, of which the sightings tell 35.
    EXPECT_NEAR((calls(executions, SeenByLooks{})[5] - 100) / (by_sightings - 100), 2.3, 0.4);
}

// Twenty executions of `form("seen")`, of some 180, and what they left by the second moment.
StatementColumn counted_by(double left, std::string family = "seen") {
    std::vector<ExecutionRecord> executions;
    for (int i = 0; i < 20; ++i) {
        executions.push_back({.form = 0,
                              .ended_at_ns = 15,
                              .sighting = Sighting{.after_ns = 5 + i / 4, .gap_ns = 100}});
    }
    const std::vector<KeptCount> kept{
        {.path = "Top/PortalContext", .family = "unknown", .more = {0, 500}, .bytes = {0, 5e5}},
        {.path = "Top/CachedPlanSource",
         .family = std::move(family),
         .more = {0, left},
         .bytes = {0, 100 * left}}};
    const StatementCounts counts = count_statements({form("seen"), form("another")},
                                                    executions,
                                                    std::vector<std::int64_t>{10, 20},
                                                    SeenByLooks{},
                                                    kept);
    return *std::ranges::find(counts.columns, "seen", &StatementColumn::query);
}

TEST(StatementColumns, AreCountedByWhatTheirCallsLeft) {
    const StatementColumn column = counted_by(170);
    EXPECT_EQ(column.query, "seen");
    EXPECT_THAT(column.calls, ElementsAre(0, 170));
    EXPECT_FALSE(column.estimated());
    EXPECT_EQ(column.left_in, "Top/CachedPlanSource");
    EXPECT_THAT(column.left_bytes, ElementsAre(0, 17'000));
    // A driver's messages are seen as a statement each.
    EXPECT_EQ(counted_by(60).total(), 60);
}

// The numbers of calls are exact; what they left is taken down, where it can be theirs alone.
TEST(StatementColumns, KeepTheirCallsWhereTheseWereToldOf) {
    const std::vector<ExecutionRecord> executions(20, {.form = 0, .ended_at_ns = 15});
    const auto left = [&](double number) {
        const std::vector<KeptCount> kept{{.path = "Top/CachedPlanSource",
                                           .family = "told",
                                           .more = {0, number},
                                           .bytes = {0, 100 * number}}};
        const StatementCounts counts = count_statements(
            {form("told")}, executions, std::vector<std::int64_t>{10, 20}, std::nullopt, kept);
        EXPECT_EQ(counts.columns.at(0).total(), 20);
        return counts.columns.at(0).left_bytes;
    };
    EXPECT_THAT(left(20), ElementsAre(0, 2000));
    EXPECT_THAT(left(10), ElementsAre(0, 1000));
    EXPECT_THAT(left(5), IsEmpty());
    // The client of the last one has had no answer yet; of two, others left them, too.
    EXPECT_THAT(left(21), ElementsAre(0, 2100));
    EXPECT_THAT(left(22), IsEmpty());
}

// The last moment is an estimate only: what was known at the one before goes on with the calls.
TEST(StatementColumns, KeepTheirCallsBeyondTheMomentToWhichWhatTheyLeftIsKnown) {
    std::vector<ExecutionRecord> executions(20, {.form = 0, .ended_at_ns = 15});
    executions.resize(25, {.form = 0, .ended_at_ns = 25});
    const auto left = [&](double known) {
        const std::vector<KeptCount> kept{{.path = "Top/CachedPlanSource",
                                           .family = "told",
                                           .more = {0, known, 32},
                                           .bytes = {0, 100 * known, 3500},
                                           .known_to = 1}};
        return count_statements({form("told")},
                                executions,
                                std::vector<std::int64_t>{10, 20, 30},
                                std::nullopt,
                                kept)
            .columns.at(0)
            .left_bytes;
    };
    EXPECT_THAT(left(20), ElementsAre(0, 2000, 2500));
    EXPECT_THAT(left(30), IsEmpty());
}

TEST(StatementColumns, AreNotCountedByWhatFewOfTheirCallsOrOthersLeft) {
    EXPECT_TRUE(counted_by(8).estimated());
    EXPECT_GT(counted_by(8).total(), 100);
    EXPECT_TRUE(counted_by(170, "something else").left_in.empty());
    EXPECT_TRUE(counted_by(170, "another").estimated());
}

TEST(StatementColumns, AreOfStatementsThatWereNotSeenWhereTheyLeftSomething) {
    const std::vector<KeptCount> kept{
        {.path = "Top/PortalContext", .family = "page_*", .more = {0, 30}, .bytes = {0, 3000}}};
    const StatementCounts counts =
        count_statements({form("DECLARE page_* CURSOR FOR SELECT $1"), form("another")},
                         {},
                         std::vector<std::int64_t>{10, 20},
                         SeenByLooks{},
                         kept);
    ASSERT_EQ(counts.columns.size(), 1U);
    EXPECT_EQ(counts.columns[0].query, "DECLARE page_* CURSOR FOR SELECT $1");
    EXPECT_EQ(counts.columns[0].total(), 30);
}

// Which of the two left it, nobody knows.
TEST(StatementColumns, AreNotCountedByWhatSeveralMayHaveLeft) {
    std::vector<ExecutionRecord> executions;
    for (std::size_t i = 0; i < 20; ++i) {
        executions.push_back(
            {.form = i % 2, .ended_at_ns = 15, .sighting = Sighting{.after_ns = 5, .gap_ns = 100}});
    }
    const std::vector<KeptCount> kept{
        {.path = "Top/PortalContext", .family = "page", .more = {0, 100}, .bytes = {0, 1e4}}};
    const StatementCounts counts = count_statements(
        {form("DECLARE page CURSOR FOR SELECT $1"), form("DECLARE page CURSOR FOR TABLE t")},
        executions,
        std::vector<std::int64_t>{10, 20},
        SeenByLooks{},
        kept);
    EXPECT_TRUE(counts.columns.at(0).estimated());
    EXPECT_TRUE(counts.columns.at(1).estimated());
}

TEST(StatementColumns, GivesAFunctionToItsMakingThoughItIsCalledToo) {
    std::vector<ExecutionRecord> executions;
    for (std::size_t i = 0; i < 20; ++i) {
        executions.push_back({.form = i % 2, .ended_at_ns = 15});
    }
    const std::vector<KeptCount> kept{{.path = "Top/PL/pgSQL function",
                                       .family = "query_*()",
                                       .more = {0, 10},
                                       .bytes = {0, 1e5}}};
    const StatementCounts counts =
        count_statements({form("CREATE FUNCTION query_*() RETURNS integer LANGUAGE plpgsql AS $1"),
                          form("SELECT query_*()")},
                         executions,
                         std::vector<std::int64_t>{10, 20},
                         std::nullopt,
                         kept);
    ASSERT_EQ(counts.columns.size(), 2U);
    for (const StatementColumn& column : counts.columns) {
        EXPECT_EQ(column.left_in.empty(), column.query.starts_with("SELECT")) << column.query;
    }
}

// A function's plans have texts of its own, which nobody sees run: its caller is known by how many
// there are.
TEST(StatementColumns, CountsACallerByThePlansThatItsFunctionKeeps) {
    constexpr std::size_t kMoments = 21;
    constexpr double kPlansASecond = 10;
    std::vector<std::int64_t> moments;
    KeptCount plans{.path = "Top/CachedPlanSource", .family = "SELECT within"};
    for (std::size_t i = 0; i < kMoments; ++i) {
        moments.push_back(static_cast<std::int64_t>(i) * 1'000'000'000);
        plans.more.push_back(kPlansASecond * static_cast<double>(i));
    }
    // Of ten calls eight last so long that no look misses them, and one of the others is seen; of
    // another statement as many, but it runs in every second second only.
    std::vector<ExecutionRecord> executions;
    const auto see = [&](std::size_t form, std::int64_t second, int times) {
        for (int i = 0; i < times; ++i) {
            const std::int64_t end = second * 1'000'000'000 + 1'000'000 * (i + 1);
            executions.push_back(
                {.form = form, .started_at_ns = end - 500'000, .ended_at_ns = end});
            if (i % 9 == 8) {
                executions.back().sighting =
                    Sighting{.after_ns = 100'000 * (second % 5), .gap_ns = 1'000'000};
            }
        }
    };
    for (std::int64_t second = 0; second + 1 < static_cast<std::int64_t>(kMoments); ++second) {
        see(0, second, 9);
        see(1, second, second % 2 == 0 ? 18 : 0);
    }
    const std::vector<StatementForm> forms{form("caller"), form("another")};
    const SeenByLooks looks;
    const double estimated =
        count_statements(forms, executions, moments, looks).columns.at(1).total();
    ASSERT_GT(estimated, 180);
    ASSERT_LT(estimated, 250);
    const StatementCounts counted =
        count_statements(forms, executions, moments, looks, std::vector{plans});
    const StatementColumn& caller = counted.columns.at(counted.column_of_form.at(0));
    EXPECT_EQ(caller.calls, plans.more);
    EXPECT_FALSE(caller.estimated());
    EXPECT_TRUE(counted.columns.at(counted.column_of_form.at(1)).estimated());

    // Twice as many are of nobody here, nor are those whose text is a statement that ran.
    KeptCount others = plans;
    for (double& more : others.more) {
        more *= 2;
    }
    KeptCount prepared = plans;
    prepared.family = "another";
    for (const KeptCount& kept : {others, prepared}) {
        const StatementCounts not_so =
            count_statements(forms, executions, moments, looks, std::vector{kept});
        EXPECT_NE(not_so.columns.at(not_so.column_of_form.at(0)).calls, kept.more);
    }
}

TEST(StatementColumns, HasEstimatesComeToWhatTheReportsSay) {
    std::vector<ExecutionRecord> executions;
    for (int i = 0; i < 20; ++i) {
        executions.push_back({.form = 0, .ended_at_ns = 15});
        // By these sightings one ran as often as it was seen, the other two and a half times.
        executions.push_back(
            {.form = 1, .ended_at_ns = 15, .sighting = Sighting{.after_ns = 100, .gap_ns = 100}});
        executions.push_back(
            {.form = 2, .ended_at_ns = 15, .sighting = Sighting{.after_ns = 19, .gap_ns = 100}});
    }
    const std::vector<StatementForm> forms{form("counted"), form("long"), form("short")};
    const std::vector<std::int64_t> moments{10, 20};
    const auto totals = [&](std::optional<double> seen_share) {
        std::vector<double> calls;
        for (const auto& column :
             count_statements(
                 forms, executions, moments, SeenByLooks{.share = seen_share, .weights = {}})
                 .columns) {
            calls.push_back(column.total());
        }
        return calls;
    };
    EXPECT_THAT(totals(std::nullopt), ElementsAre(20, 20, DoubleEq(9 * 100 / 19.0)));
    // 60 were seen, so 240 ran, 220 of them to be seen by chance alone: neither that nor the
    // sightings can be far off, and an estimate that is large may be off by more.
    const std::vector<double> reconciled = totals(0.25);
    EXPECT_EQ(reconciled[0], 20);
    EXPECT_GT(reconciled[1] + reconciled[2], 110);
    EXPECT_LT(reconciled[1] + reconciled[2], 220);
    EXPECT_GT(reconciled[1], 20);
    EXPECT_GT(reconciled[2] - 9 * 100 / 19.0, 5 * (reconciled[1] - 20));
    // What the sightings and the reports both say stays.
    EXPECT_NEAR(totals(60 / (60 + 9 * 100 / 19.0 - 20))[2], 9 * 100 / 19.0, 1e-9);
    // Where none was missed, whatever the sightings say.
    EXPECT_THAT(totals(1), ElementsAre(20, 20, 20));
}

TEST(StatementColumns, HasCallsAtTheTimesThatTheyWereMissedAt) {
    std::vector<ExecutionRecord> executions;
    const auto see = [&](int count, std::int64_t ended_at_ns, std::int64_t gap_ns) {
        for (int i = 0; i < count; ++i) {
            executions.push_back(
                {.form = 0,
                 .ended_at_ns = ended_at_ns,
                 .sighting = Sighting{.after_ns = i * 37 % 100, .gap_ns = gap_ns}});
        }
    };
    // 10,000 calls that last for 100 ns each, and another 10,000.
    see(1000, 15, 1000);
    see(5000, 25, 200);
    const StatementColumn column =
        count_statements(
            {form("seen")}, executions, std::vector<std::int64_t>{10, 20, 30}, SeenByLooks{})
            .columns.at(0);
    EXPECT_NEAR(column.calls[1] / column.total(), 0.5, 0.05);
    EXPECT_GT(column.noise, 0);
}

TEST_F(StatementsInBlocks, AreAtTheTimesOfTheseBlocks) {
    // The looks see all of one third of the time, and of the rest what they see elsewhere.
    std::vector<ExecutionRecord> executions = seen_in_blocks();
    for (ExecutionRecord& execution : executions) {
        execution.ended_at_ns = 12;
    }
    for (int block = 243; block < 365; ++block) {
        for (std::size_t form = 0; form < 5; ++form) {
            executions.push_back({.form = form,
                                  .ended_at_ns = 18,
                                  .sighting = Sighting{.after_ns = 20 + block % 41, .gap_ns = 100},
                                  .transaction_began_at_ns = block});
        }
    }
    const StatementCounts counts =
        count_statements({form("a"), form("b"), form("c"), form("d"), form("e")},
                         executions,
                         std::vector<std::int64_t>{10, 15, 20},
                         SeenByLooks{});
    for (const StatementColumn& column : counts.columns) {
        EXPECT_NEAR(column.calls[1], 243, 12);
        EXPECT_NEAR(column.total(), 365, 15);
    }
}

TEST(StatementColumns, FoldsAFamilyOfMoreThanEightFormsOnly) {
    std::vector<StatementForm> forms;
    std::vector<ExecutionRecord> executions;
    const auto add = [&](int count, const std::string& before, const std::string& family) {
        for (int i = 0; i < count; ++i) {
            forms.push_back(form(fmt::format("{}{}", before, i), family));
            for (int call = 0; call < 4; ++call) {
                executions.push_back({.form = forms.size() - 1, .ended_at_ns = 5});
            }
        }
    };
    add(9, "CREATE SCHEMA s_", "CREATE SCHEMA s_*");
    add(8, "SELECT a", "SELECT a*");
    const std::vector<std::int64_t> moments{0, 10};
    const StatementCounts counts = count_statements(forms, executions, moments);
    ASSERT_EQ(counts.columns.size(), 9U);
    EXPECT_EQ(counts.columns[0].query, "CREATE SCHEMA s_*");
    EXPECT_EQ(counts.columns[0].forms, 9U);
    EXPECT_EQ(counts.columns[0].total(), 36);
    EXPECT_EQ(counts.columns[0].forms_run, 9U);
    EXPECT_EQ(counts.columns[0].seen, 36);
    EXPECT_EQ(counts.columns[0].fingerprint.size(), 16U);
    EXPECT_EQ(counts.columns[1].query, "SELECT a0");
    EXPECT_EQ(counts.column_of_form[3], 0U);

    // Another backend of the recording, which ran two of the nine.
    executions.resize(8);
    const StatementCounts of_two = count_statements(forms, executions, moments);
    ASSERT_EQ(of_two.columns.size(), 1U);
    EXPECT_EQ(of_two.columns[0].forms, 9U);
    EXPECT_EQ(of_two.columns[0].forms_run, 2U);
    EXPECT_EQ(of_two.columns[0].seen, 8);
}

TEST(StatementColumns, LeavesOutWhatRanTooRarelyAndFormsThatDoNotExist) {
    const std::vector<ExecutionRecord> executions{{.form = 0, .ended_at_ns = 5},
                                                  {.form = 0, .ended_at_ns = 6},
                                                  {.form = 0, .ended_at_ns = 7},
                                                  {.form = 17, .ended_at_ns = 8}};
    const std::vector<std::int64_t> moments{0, 10};
    const StatementCounts counts = count_statements({form("rare")}, executions, moments);
    EXPECT_TRUE(counts.columns.empty());
    EXPECT_THAT(counts.column_of_form, ElementsAre(StatementCounts::kNoColumn));
}

}  // namespace
}  // namespace palloscope
