#include "inspector/model/difference.hpp"

#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace palloscope {
namespace {

// TopMemoryContext with CacheMemoryContext below it; more is added below the latter.
ContextTree base_tree() {
    return {.contexts = {
                {.name = "TopMemoryContext", .figures = {100, 1, 40, 2, 60}},
                {.name = "CacheMemoryContext",
                 .parent = 0,
                 .level = 2,
                 .figures = {500, 1, 100, 1, 400}},
            }};
}

MemoryContext cached(std::string name, std::optional<std::string> ident, std::int64_t used_bytes) {
    return {.name = std::move(name),
            .ident = std::move(ident),
            .parent = 1,
            .level = 3,
            .figures = {used_bytes + 10, 1, 10, 0, used_bytes}};
}

TEST(Difference, OfATreeAndItselfIsEmpty) {
    const Difference result = difference(base_tree(), base_tree());
    EXPECT_TRUE(result.changes.empty());
    EXPECT_EQ(result.delta, ContextFigures{});
    EXPECT_EQ(result.count_before, 2);
}

TEST(Difference, FoldsAlikeSiblingsThatAppeared) {
    ContextTree after = base_tree();
    for (int i = 0; i < 412; ++i) {
        after.contexts.push_back(cached("CachedPlan", "select " + std::to_string(i), 100));
    }
    const Difference result = difference(base_tree(), after);
    ASSERT_EQ(result.changes.size(), 1);
    const ContextChange& change = result.changes.front();
    EXPECT_EQ(change.path, "TopMemoryContext/CacheMemoryContext/CachedPlan");
    EXPECT_EQ(change.kind, ChangeKind::kAppeared);
    EXPECT_EQ(std::pair(change.count_before, change.count_after), std::pair(0L, 412L));
    EXPECT_EQ(change.delta.used_bytes, 41'200);
    EXPECT_EQ(result.delta.used_bytes, 41'200);
}

TEST(Difference, MatchesByIdentAndTellsGrowthFromComingAndGoing) {
    ContextTree before = base_tree();
    before.contexts.push_back(cached("index info", "a", 100));
    before.contexts.push_back(cached("index info", "b", 100));
    before.contexts.push_back(cached("index info", "c", 100));
    ContextTree after = base_tree();
    after.contexts.push_back(cached("index info", "d", 70));
    after.contexts.push_back(cached("index info", "b", 100));
    after.contexts.push_back(cached("index info", "a", 150));
    const Difference result = difference(before, after);
    ASSERT_EQ(result.changes.size(), 3);
    EXPECT_EQ(result.changes[0].kind, ChangeKind::kVanished);
    EXPECT_EQ(result.changes[0].ident, "c");
    EXPECT_EQ(result.changes[0].delta.used_bytes, -100);
    EXPECT_EQ(result.changes[1].kind, ChangeKind::kAppeared);
    EXPECT_EQ(result.changes[1].ident, "d");
    EXPECT_EQ(result.changes[2].kind, ChangeKind::kGrew);
    EXPECT_EQ(result.changes[2].ident, "a");
    EXPECT_EQ(result.changes[2].delta.used_bytes, 50);
    EXPECT_EQ(result.delta.used_bytes, 20);
}

TEST(Difference, CountsPlacesFromTheOldestSiblingSinceNewOnesComeFirst) {
    ContextTree before = base_tree();
    before.contexts.push_back(cached("CachedPlan", std::nullopt, 200));
    before.contexts.push_back(cached("CachedPlan", std::nullopt, 100));
    ContextTree after = base_tree();
    after.contexts.push_back(cached("CachedPlan", std::nullopt, 300));
    after.contexts.push_back(cached("CachedPlan", std::nullopt, 200));
    after.contexts.push_back(cached("CachedPlan", std::nullopt, 100));
    const Difference result = difference(before, after);
    ASSERT_EQ(result.changes.size(), 1);
    EXPECT_EQ(result.changes[0].kind, ChangeKind::kAppeared);
    EXPECT_EQ(result.changes[0].delta.used_bytes, 300);
}

TEST(Difference, TakesEqualNamesBelowDifferentParentsForDifferentContexts) {
    ContextTree before = base_tree();
    before.contexts.push_back(cached("x", std::nullopt, 100));
    ContextTree after = base_tree();
    after.contexts.push_back(
        {.name = "x", .parent = 0, .level = 2, .figures = {110, 1, 10, 0, 100}});
    const Difference result = difference(before, after);
    ASSERT_EQ(result.changes.size(), 2);
    EXPECT_EQ(result.changes[0].path, "TopMemoryContext/CacheMemoryContext/x");
    EXPECT_EQ(result.changes[0].kind, ChangeKind::kVanished);
    EXPECT_EQ(result.changes[1].path, "TopMemoryContext/x");
    EXPECT_EQ(result.changes[1].kind, ChangeKind::kAppeared);
}

TEST(Difference, SortsByUsedBytesWhicheverWayTheyWent) {
    ContextTree before = base_tree();
    before.contexts.push_back(cached("small", std::nullopt, 10));
    before.contexts.push_back(cached("large", std::nullopt, 900));
    ContextTree after = base_tree();
    after.contexts.push_back(cached("small", std::nullopt, 20));
    after.contexts.push_back(cached("large", std::nullopt, 100));
    const Difference result = difference(before, after);
    ASSERT_EQ(result.changes.size(), 2);
    EXPECT_EQ(result.changes[0].name, "large");
    EXPECT_EQ(result.changes[0].kind, ChangeKind::kShrank);
    EXPECT_EQ(result.changes[1].kind, ChangeKind::kGrew);
}

TEST(Difference, CountsAContextThatOnlyTookNewBlocksAsGrown) {
    ContextTree after = base_tree();
    after.contexts[1].figures = {1500, 2, 1100, 1, 400};
    const Difference result = difference(base_tree(), after);
    ASSERT_EQ(result.changes.size(), 1);
    EXPECT_EQ(result.changes[0].kind, ChangeKind::kGrew);
    EXPECT_EQ(result.changes[0].delta, (ContextFigures{1000, 1, 1000, 0, 0}));
}

TEST(Difference, TakesEmptyTreesAndAHundredThousandContexts) {
    EXPECT_EQ(difference({}, {}), Difference{});
    ContextTree large = base_tree();
    for (int i = 0; i < 100'000; ++i) {
        large.contexts.push_back(cached("index info", std::to_string(i), 100));
    }
    EXPECT_EQ(difference(base_tree(), large).changes.size(), 1);
    EXPECT_EQ(difference({}, large).changes.size(), 3);
    EXPECT_TRUE(difference(large, large).changes.empty());
}

TEST(Difference, ShortensVeryLongPaths) {
    ContextTree nested;
    for (std::size_t i = 0; i < 10'000; ++i) {
        nested.contexts.push_back({.name = i < 2 ? "outer" : "CurTransactionContext",
                                   .parent = i == 0 ? std::nullopt : std::optional(i - 1),
                                   .level = static_cast<int>(i) + 1,
                                   .figures = {8, 1, 0, 0, 8}});
    }
    const Difference result = difference({}, nested);
    EXPECT_EQ(result.delta.used_bytes, 80'000);
    ASSERT_EQ(result.changes.size(), 10'000);
    for (const ContextChange& change : result.changes) {
        EXPECT_LT(change.path.size(), 102 * sizeof("CurTransactionContext"));
    }
}

}  // namespace
}  // namespace palloscope
