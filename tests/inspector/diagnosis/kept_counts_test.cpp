#include "inspector/diagnosis/kept_counts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace palloscope {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kPlans = "TopMemoryContext/CacheMemoryContext/CachedPlanSource";
constexpr const char* kPortals = "TopMemoryContext/TopPortalContext/PortalContext";
constexpr const char* kFunctions = "TopMemoryContext/PL/pgSQL function";

std::vector<KeptCount> counts_of(std::vector<KeptByStatements::Change> changes) {
    BackendHistory backend;
    backend.kept.push_back({.path = kPlans, .family = "SELECT $1", .changes = std::move(changes)});
    return kept_counts(backend, {.indices = {1, 2, 4, 6}});
}

ContextSeries contexts_of(const std::string& path, std::vector<std::int32_t> count) {
    return {.path = path,
            .figures = std::vector<ContextFigures>(count.size()),
            .count = std::move(count)};
}

TEST(KeptCounts, AreOfTheChosenSnapshotsSinceTheFirst) {
    const auto counts = counts_of({{0, 5}, {2, 2}, {3, 1}, {4, 1}, {5, 3}, {7, 9}});
    ASSERT_EQ(counts.size(), 1U);
    EXPECT_EQ(counts[0].path, kPlans);
    EXPECT_EQ(counts[0].family, "SELECT $1");
    EXPECT_THAT(counts[0].more, ElementsAre(0, 2, 4, 7));
}

TEST(KeptCounts, HaveTheBytesOfTheSameSnapshots) {
    const auto counts = counts_of({{.snapshot = 0, .by = 5, .used_bytes = 5000},
                                   {.snapshot = 2, .by = 2, .used_bytes = 2000},
                                   {.snapshot = 3, .by = 0, .used_bytes = 300},
                                   {.snapshot = 6, .by = 1, .used_bytes = -100}});
    ASSERT_EQ(counts.size(), 1U);
    EXPECT_THAT(counts[0].more, ElementsAre(0, 2, 2, 3));
    EXPECT_THAT(counts[0].bytes, ElementsAre(0, 2000, 2300, 2200));
}

TEST(KeptCounts, AreNotOfWhatIsGivenUpAgain) {
    EXPECT_THAT(counts_of({{0, 5}}), IsEmpty());
    EXPECT_THAT(counts_of({{2, 10}, {4, -1}, {6, 4}}), IsEmpty());
    // One of many: a number of calls does not fall.
    const auto counts = counts_of({{2, 100}, {4, -1}, {6, 4}});
    ASSERT_EQ(counts.size(), 1U);
    EXPECT_THAT(counts[0].more, ElementsAre(0, 100, 100, 103));
}

TEST(KeptCounts, AreOfSubtransactionsThatStayOpen) {
    BackendHistory backend;
    const std::string block = "TopMemoryContext/TopTransactionContext";
    backend.contexts = {
        contexts_of(block, {1, 1, 1}),
        contexts_of(block + "/CurTransactionContext", {1, 1, 1}),
        contexts_of(block + "/CurTransactionContext/CurTransactionContext", {0, 20, 50})};
    const SnapshotChoice choice{.indices = {0, 1, 2}};
    const auto counts = kept_counts(backend, choice);
    ASSERT_EQ(counts.size(), 1U);
    EXPECT_THAT(counts[0].more, ElementsAre(0, 20, 50));
    EXPECT_THAT(counts[0].bytes, IsEmpty());
    EXPECT_TRUE(can_have_left("SAVEPOINT a", counts[0]));
    EXPECT_FALSE(can_have_left("RELEASE SAVEPOINT a", counts[0]));
    // Those of PL/pgSQL's exception blocks end again.
    backend.contexts[2].count = {0, 20, 1};
    EXPECT_THAT(kept_counts(backend, choice), IsEmpty());
}

// PostgreSQL 10.
TEST(KeptCounts, AreOfCursorsThatStayHeldWhereTheyHaveNoNames) {
    BackendHistory backend{.server_version_num = 100023};
    backend.contexts = {
        contexts_of("TopMemoryContext/PortalMemory/PortalHoldContext", {1, 21, 51})};
    const SnapshotChoice choice{.indices = {0, 1, 2}};
    const auto counts = kept_counts(backend, choice);
    ASSERT_EQ(counts.size(), 1U);
    EXPECT_THAT(counts[0].more, ElementsAre(0, 20, 50));
    EXPECT_TRUE(can_have_left("declare page_* cursor with hold for select $1", counts[0]));
    EXPECT_FALSE(can_have_left("DECLARE list CURSOR FOR SELECT $1", counts[0]));
    backend.server_version_num = 110000;
    EXPECT_THAT(kept_counts(backend, choice), IsEmpty());
}

bool plan_of(const std::string& family, const std::string& kept) {
    return can_have_left(family, {.path = kPlans, .family = kept, .more = {}, .bytes = {}});
}

TEST(KeptCounts, KnowAStatementByTheTextOfItsPlan) {
    EXPECT_TRUE(plan_of("SELECT $1", "SELECT $1"));
    EXPECT_FALSE(plan_of("SELECT $1, $2", "SELECT $1"));
    const std::string query = "PREPARE report_* AS SELECT name, total FROM orders WHERE id = $1";
    EXPECT_TRUE(plan_of(query, "PREPARE report_* AS SELECT name, total FROM ord..."));
    EXPECT_FALSE(plan_of(query, "PREPARE report_* AS SELECT name, sum(total) FR..."));
    // Of too many it may be the beginning.
    EXPECT_FALSE(plan_of(query, "PREPARE report_*..."));
}

// Only a list of one element is shown in full.
TEST(KeptCounts, KnowAStatementByATextThatIsCutInAList) {
    const std::string kept = "SELECT order_id FROM orders WHERE customer_id IN ($1, $2, $3, $...";
    EXPECT_TRUE(plan_of("SELECT order_id FROM orders WHERE customer_id IN ($1, ...)", kept));
    EXPECT_FALSE(plan_of("SELECT order_id FROM orders WHERE customer_id IN ($1)", kept));
    EXPECT_FALSE(plan_of("SELECT order_id FROM orders WHERE customer_id IN (SELECT $1)", kept));
}

TEST(KeptCounts, KnowACursorByItsName) {
    const KeptCount kept{.path = kPortals, .family = "page_*", .more = {}, .bytes = {}};
    EXPECT_TRUE(can_have_left("DECLARE page_* CURSOR WITH HOLD FOR SELECT $1", kept));
    EXPECT_FALSE(can_have_left("DECLARE page_*_of_orders CURSOR FOR SELECT $1", kept));
    EXPECT_FALSE(can_have_left("FETCH $1 FROM page_*", kept));
}

TEST(KeptCounts, KnowAFunctionUnderEverNewNamesByItsCallOrItsMaking) {
    const KeptCount kept{
        .path = kFunctions, .family = "rules.check_*(integer)", .more = {}, .bytes = {}};
    EXPECT_TRUE(can_have_left("SELECT check_*($1)", kept));
    EXPECT_TRUE(can_have_left("SELECT a, rules.check_*(b) FROM t", kept));
    EXPECT_TRUE(can_have_left("CREATE FUNCTION rules.check_*(integer) RETURNS text AS $1", kept));
    EXPECT_FALSE(can_have_left("DROP FUNCTION rules.check_*(integer)", kept));
    EXPECT_FALSE(can_have_left("SELECT recheck_*($1)", kept));
    // Whoever calls it in the session that made it finds it compiled.
    EXPECT_TRUE(must_have_left("CREATE FUNCTION rules.check_*(integer) RETURNS text AS $1", kept));
    EXPECT_FALSE(must_have_left("SELECT check_*($1)", kept));
    // One that is compiled again and again, as a trigger's, is called by no text.
    EXPECT_FALSE(can_have_left("SELECT stamp()",
                               {.path = kFunctions, .family = "stamp()", .more = {}, .bytes = {}}));
}

}  // namespace
}  // namespace palloscope
