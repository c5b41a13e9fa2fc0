#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/backend/stats_text.hpp"
#include "inspector/report/snapshot_table.hpp"
#include "inspector/report/snapshot_tree.hpp"
#include "inspector/report/text_columns.hpp"
#include "tests/golden/golden_files.hpp"
#include "tests/inspector/report/sample_snapshots.hpp"

namespace palloscope {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Snapshot golden_snapshot(const std::string& file, int version) {
    Snapshot snapshot =
        snapshot_of(parse_stats_text(golden_stats(file, version).text, version).value());
    snapshot.server_version_num = version;
    return snapshot;
}

// `count` children of the root, each of another ident.
Snapshot snapshot_with_index_infos(int count) {
    Snapshot snapshot = small_snapshot();
    snapshot.tree.contexts.resize(1);
    for (int i = 0; i < count; ++i) {
        snapshot.tree.contexts.push_back({.name = "index info",
                                          .ident = fmt::format("index_{}", i),
                                          .parent = 0,
                                          .level = 2,
                                          .figures = {2048 + i, 2, 840, 3, 1208 + i}});
    }
    return snapshot;
}

Snapshot deep_snapshot(int levels) {
    Snapshot snapshot = small_snapshot();
    snapshot.tree.contexts.clear();
    for (int i = 0; i < levels; ++i) {
        snapshot.tree.contexts.push_back(
            {.name = i == 0 ? "TopMemoryContext" : "CurTransactionContext",
             .parent = i == 0 ? std::nullopt : std::optional(static_cast<std::size_t>(i) - 1),
             .level = i + 1,
             .figures = {8, 1, 0, 0, 8}});
    }
    return snapshot;
}

TEST(SnapshotTree, SaysWhoTheBackendIsAndPutsTheLargestFirst) {
    EXPECT_EQ(snapshot_tree(small_snapshot(), {}),
              "pid 4242 · app@postgres · puma: cluster worker 0 · idle · PostgreSQL 15.18\n"
              "2026-11-23 09:00:00.123 UTC · method call · pause 412 us · RssAnon 25.5 MB\n"
              "4 contexts · 833.8 kB used of 1.1 MB · 295.6 kB free in 15 chunks · 16 blocks\n"
              "\n"
              "      used     total      free   subtree  context\n"
              "   83.3 kB   95.4 kB   12.1 kB  833.8 kB  TopMemoryContext\n"
              "  749.3 kB    1.0 MB  274.7 kB  750.5 kB    CacheMemoryContext\n"
              "    1.2 kB    2.0 kB     840 B                index info: pg_class_oid_index\n"
              "      40 B    8.0 kB    8.0 kB              Tuples\n");
}

TEST(SnapshotTree, FoldsAlikeSiblingsAndNamesTheLargest) {
    const std::string tree = snapshot_tree(snapshot_with_index_infos(2104), {});
    EXPECT_THAT(tree, HasSubstr("  index info ×2,104  largest 3.2 kB: index_2103\n"));
    EXPECT_THAT(tree, Not(HasSubstr("index_7")));
    EXPECT_THAT(snapshot_tree(snapshot_with_index_infos(2104), {.ascii = true}),
                HasSubstr("index info x2,104"));
}

TEST(SnapshotTree, ShowsAFewAlikeSiblingsOneByOne) {
    const std::string tree = snapshot_tree(snapshot_with_index_infos(3), {});
    EXPECT_THAT(tree, HasSubstr("index info: index_0\n"));
    EXPECT_THAT(tree, HasSubstr("index info: index_2\n"));
}

TEST(SnapshotTree, WithoutFoldingHasALineForEachContextInTheServersOrder) {
    const std::string tree = snapshot_tree(snapshot_with_index_infos(500), {}, TreeFolding::kNone);
    for (int i = 0; i < 499; ++i) {
        const std::size_t first = tree.find(fmt::format(": index_{}\n", i));
        ASSERT_NE(first, std::string::npos);
        EXPECT_LT(first, tree.find(fmt::format(": index_{}\n", i + 1)));
    }
}

TEST(SnapshotTree, JoinsTheSmallestOfManyDifferentSiblings) {
    const std::string tree = snapshot_tree(golden_snapshot("10.txt", 100023), {});
    EXPECT_THAT(tree, HasSubstr(" smaller ones  largest "));
    EXPECT_LT(std::ranges::count(tree, '\n'), 120);
}

TEST(SnapshotTree, IsNeverWiderThanTheTerminal) {
    for (const int width : {60, 80, 200}) {
        std::string tree = snapshot_tree(golden_snapshot("17.txt", 170010), {.width = width});
        tree.erase(0, tree.find("\n\n") + 2);
        for (std::size_t end = 0; (end = tree.find('\n')) != std::string::npos;
             tree.erase(0, end + 1)) {
            EXPECT_LE(text_columns(tree.substr(0, end)), width);
        }
    }
}

TEST(SnapshotTree, SendsNoByteOfTheServerUncleaned) {
    Snapshot snapshot = small_snapshot();
    snapshot.process.application_name = "\x1b[31mred";
    snapshot.process.query = "select\n1";
    snapshot.tree.contexts[2].ident = "two\nlines \x9b caf\xe9";
    snapshot.tree.contexts[3].name = "bell\x07";
    const std::string tree = snapshot_tree(snapshot, {});
    EXPECT_THAT(tree, Not(HasSubstr("\x1b")));
    EXPECT_THAT(tree, HasSubstr(R"(\x1b[31mred)"));
    EXPECT_THAT(tree, HasSubstr("query: select 1\n"));
    EXPECT_THAT(tree, HasSubstr(R"(index info: two lines \x9b caf\xe9)"));
    EXPECT_THAT(tree, HasSubstr(R"(bell\x07)"));
}

TEST(SnapshotTree, OfManyLevelsAndOfManyContextsIsDrawn) {
    for (const TreeFolding folding : {TreeFolding::kAlikeSiblings, TreeFolding::kNone}) {
        EXPECT_THAT(snapshot_tree(deep_snapshot(10'000), {}, folding),
                    HasSubstr("[level 10000] CurTransactionContext"));
    }
    EXPECT_THAT(snapshot_tree(snapshot_with_index_infos(100'000), {}),
                HasSubstr("index info ×100,000"));
    EXPECT_THAT(snapshot_tree(snapshot_of({}), {}), HasSubstr("0 contexts"));
}

TEST(SnapshotTable, LooksLikeTheViewInPsql) {
    EXPECT_EQ(
        snapshot_table(small_snapshot()),
        "        name        |       ident        |    type    | level |  path   | total_bytes | "
        "total_nblocks | free_bytes | free_chunks | used_bytes \n"
        "--------------------+--------------------+------------+-------+---------+-------------+-"
        "--------------+------------+-------------+------------\n"
        " TopMemoryContext   |                    | AllocSet   |     1 | {1}     |       97664 | "
        "            5 |      12400 |          12 |      85264\n"
        " CacheMemoryContext |                    | AllocSet   |     2 | {1,2}   |     1048576 | "
        "            8 |     281280 |           0 |     767296\n"
        " index info         | pg_class_oid_index | AllocSet   |     3 | {1,2,3} |        2048 | "
        "            2 |        840 |           3 |       1208\n"
        " Tuples             |                    | Generation |     2 | {1,4}   |        8192 | "
        "            1 |       8152 |           0 |         40\n"
        "(4 rows)\n");
}

TEST(SnapshotTable, OfManyLevelsStaysNarrow) {
    const std::string table = snapshot_table(deep_snapshot(10'000));
    EXPECT_LT(table.size(), 10'010 * 300);
    EXPECT_THAT(table, HasSubstr("{...,9981,"));
    EXPECT_THAT(table, HasSubstr("(10000 rows)"));
}

}  // namespace
}  // namespace palloscope
