#include "inspector/diagnosis/statement_groups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/inspector/diagnosis/synthetic_history.hpp"

namespace palloscope {
namespace {

using testing::SizeIs;
using testing::UnorderedElementsAre;

// A column from the calls in each interval.
StatementColumn column(const std::vector<int>& calls) {
    StatementColumn result{.query = "q", .calls = {0}};
    for (const int count : calls) {
        result.calls.push_back(result.calls.back() + count);
    }
    return result;
}

std::vector<int> poisson_calls(std::uint64_t seed, int intervals, double mean) {
    Dice dice(seed);
    std::vector<int> calls;
    for (int i = 0; i < intervals; ++i) {
        calls.push_back(dice.poisson(mean));
    }
    return calls;
}

TEST(StatementGroups, JoinsStatementsOfOneLoadWhateverTheirCallsInIt) {
    const std::vector<int> loads = poisson_calls(1, 60, 5);
    std::vector<int> fivefold = loads;
    for (int& calls : fivefold) {
        calls *= 5;
    }
    const std::vector<StatementColumn> columns{column(fivefold), column(loads), column(loads)};
    const std::vector<StatementGroup> groups = statement_groups(columns);
    ASSERT_THAT(groups, SizeIs(1));
    EXPECT_THAT(groups[0].members, UnorderedElementsAre(0, 1, 2));
    // Rounds are loads, not statements.
    EXPECT_EQ(groups[0].total(), columns[1].total());
}

TEST(StatementGroups, PartsAStatementThatIsKnownByWhatItLeft) {
    const std::vector<int> loads = poisson_calls(1, 60, 5);
    std::vector<StatementColumn> columns{column(loads), column(loads), column(loads)};
    columns[1].left_in = "Top/CachedPlanSource";
    const std::vector<StatementGroup> groups = statement_groups(columns);
    ASSERT_THAT(groups, SizeIs(2));
    EXPECT_THAT(groups[0].members, UnorderedElementsAre(0, 2));
}

TEST(StatementGroups, ErrAsTheirTypicalMembersDo) {
    const std::vector<int> loads = poisson_calls(1, 60, 5);
    std::vector<StatementColumn> columns{column(loads), column(loads), column(loads)};
    EXPECT_EQ(statement_groups(columns).at(0).error, 0);
    columns[0].error = 0.3;
    columns[1].error = 0.3;
    columns[2].error = 0.3;
    EXPECT_NEAR(statement_groups(columns).at(0).error, 0.3, 1e-9);
}

TEST(StatementGroups, JoinsWhatASnapshotCutsAmidTheLoad) {
    // The second statement of a load falls into the next interval now and then.
    Dice dice(7);
    std::vector<int> first;
    std::vector<int> second;
    int carried = 0;
    for (const int loads : poisson_calls(2, 60, 5)) {
        const int cut = loads > 0 && dice.uniform() < 0.4 ? 1 : 0;
        first.push_back(loads);
        second.push_back(loads - cut + carried);
        carried = cut;
    }
    EXPECT_THAT(statement_groups(std::vector{column(first), column(second)}), SizeIs(1));
}

TEST(StatementGroups, JoinsLoadsOfWhichAFewFail) {
    Dice dice(8);
    const std::vector<int> begun = poisson_calls(3, 60, 15);
    std::vector<int> ended = begun;
    for (int& loads : ended) {
        loads -= dice.poisson(0.01 * loads);
    }
    EXPECT_THAT(statement_groups(std::vector{column(begun), column(ended)}), SizeIs(1));
}

// Of these calls one in `missed` was seen, and counts for so many.
StatementColumn seen_by_chance(Dice& dice, const std::vector<int>& calls, double missed) {
    StatementColumn result{.query = "q", .calls = {0}};
    double seen = 0;
    for (const int count : calls) {
        double in_interval = 0;
        for (int call = 0; call < count; ++call) {
            in_interval += dice.uniform() < 1 / missed ? 1 : 0;
        }
        seen += in_interval;
        result.calls.push_back(result.calls.back() + missed * in_interval);
    }
    result.error = 0.2;
    result.noise = missed * (missed - 1) * seen / static_cast<double>(calls.size());
    return result;
}

TEST(StatementGroups, JoinsStatementsThatDifferByChanceAlone) {
    int joined = 0;
    int joined_of_others = 0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        Dice dice(seed);
        const std::vector<int> loads = poisson_calls(100 + seed, 80, 6);
        const std::vector<int> others = poisson_calls(300 + seed, 80, 6);
        const StatementColumn known = column(loads);
        const StatementColumn seen = seen_by_chance(dice, loads, 2);
        const std::vector<StatementGroup> together = statement_groups(std::vector{seen, known});
        joined += together.size() == 1 ? 1 : 0;
        if (together.size() == 1) {
            // What is known counts.
            EXPECT_NEAR(together[0].total(), known.total(), 0.02 * known.total());
        }
        joined_of_others += statement_groups(std::vector{seen, column(others)}).size() == 1 ? 1 : 0;
    }
    EXPECT_GE(joined, 90);
    EXPECT_LE(joined_of_others, 5);
}

// Nothing is proved by them.
TEST(StatementGroups, PartsStatementsOfWhichFewWereSeen) {
    Dice dice(9);
    const std::vector<int> loads = poisson_calls(10, 80, 6);
    EXPECT_THAT(statement_groups(std::vector{seen_by_chance(dice, loads, 8), column(loads)}),
                SizeIs(2));
}

TEST(StatementGroups, PartsStatementsThatVaryApart) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const std::vector<StatementColumn> columns{column(poisson_calls(2 * seed, 60, 5)),
                                                   column(poisson_calls(2 * seed + 1, 60, 20))};
        EXPECT_THAT(statement_groups(columns), SizeIs(2)) << "seed " << seed;
    }
}

TEST(StatementGroups, PartsStatementsThatDriftTogetherByChanceButDifferInEachInterval) {
    // Scenario listen of the workload: up to six LISTENs a loop, and a NOTIFY every other time. One
    // recording in a hundred never drifts apart.
    Dice dice(10);
    int joined = 0;
    for (int recording = 0; recording < 2000; ++recording) {
        std::vector<int> listens(120);
        std::vector<int> notifies(120);
        for (int loop = 0; loop < 750; ++loop) {
            const std::size_t interval = static_cast<std::size_t>(loop) * 120 / 750;
            listens[interval] += static_cast<int>(dice.uniform() * 7);
            notifies[interval] += dice.uniform() < 0.5 ? 1 : 0;
        }
        const std::vector<StatementColumn> columns{column(listens), column(notifies)};
        joined += statement_groups(columns).size() == 1 ? 1 : 0;
    }
    EXPECT_EQ(joined, 0);
}

TEST(StatementGroups, PartsARareStatementFromAFrequentOneAtTheSamePace) {
    std::vector<int> rare(100, 0);
    for (std::size_t i = 10; i < rare.size(); i += 10) {
        rare[i] = 1;
    }
    const std::vector<int> frequent(100, 20);
    std::vector<int> less_rare(100, 0);
    for (std::size_t i = 1; i < less_rare.size(); i += 2) {
        less_rare[i] = 1;
    }
    for (const std::vector<int>& other : {frequent, less_rare}) {
        EXPECT_THAT(statement_groups(std::vector{column(rare), column(other)}), SizeIs(2));
    }
}

TEST(StatementGroups, OfNothingAreNone) {
    EXPECT_TRUE(statement_groups({}).empty());
}

}  // namespace
}  // namespace palloscope
