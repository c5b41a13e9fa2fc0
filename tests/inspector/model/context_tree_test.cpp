#include "inspector/model/context_tree.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace palloscope {
namespace {

ContextTree small_tree() {
    return {
        .contexts = {
            {.name = "TopMemoryContext", .figures = {100, 1, 40, 2, 60}},
            {.name = "CacheMemoryContext", .parent = 0, .level = 2, .figures = {50, 1, 10, 1, 40}},
            {.name = "index info",
             .ident = "pk",
             .parent = 1,
             .level = 3,
             .figures = {20, 2, 5, 0, 15}},
        }};
}

TEST(ContextTree, SumsTheFiguresOfAllContexts) {
    EXPECT_EQ(small_tree().grand_total(), (ContextFigures{170, 4, 55, 3, 115}));
}

TEST(ContextTree, TellsWhereTheSumOfForeignFiguresOverflows) {
    ContextTree tree = small_tree();
    EXPECT_EQ(tree.checked_grand_total(), tree.grand_total());
    tree.contexts[1].figures.free_chunks = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(tree.checked_grand_total(), std::nullopt);
}

TEST(ContextTree, GivesTheNamePathOfAVeryDeepContext) {
    ContextTree tree;
    for (std::size_t i = 0; i < 100'000; ++i) {
        tree.contexts.push_back(
            {.name = "c", .parent = i == 0 ? std::nullopt : std::optional(i - 1)});
    }
    EXPECT_EQ(tree.name_path(99'999).size(), 199'999);
}

TEST(ContextTree, GivesThePathFromTheRootInIdsAndNames) {
    EXPECT_EQ(small_tree().id_path(2), (std::vector<std::size_t>{1, 2, 3}));
    EXPECT_EQ(small_tree().name_path(2), "TopMemoryContext/CacheMemoryContext/index info");
    EXPECT_EQ(small_tree().name_paths().at(2), small_tree().name_path(2));
}

TEST(ContextTree, NamesEachTypeAsTheViewDoes) {
    for (const ContextType type : {ContextType::kAllocSet,
                                   ContextType::kSlab,
                                   ContextType::kGeneration,
                                   ContextType::kBump}) {
        EXPECT_EQ(context_type_from(to_string(type)), type);
    }
    EXPECT_EQ(context_type_from("Bumper"), std::nullopt);
}

}  // namespace
}  // namespace palloscope
