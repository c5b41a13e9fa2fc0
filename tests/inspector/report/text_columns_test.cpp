#include "inspector/report/text_columns.hpp"

#include <gtest/gtest.h>

namespace palloscope {
namespace {

TEST(TextColumns, CountsWideAndCombiningCharacters) {
    EXPECT_EQ(text_columns("abc"), 3);
    EXPECT_EQ(text_columns("\u4e16\u754c"), 4);
    EXPECT_EQ(text_columns("e\u0301"), 1);
    EXPECT_EQ(text_columns("caf\u00e9"), 4);
}

TEST(TextColumns, CutsBetweenCharacters) {
    EXPECT_EQ(cut_to_columns("abcdef", 6, {}), "abcdef");
    EXPECT_EQ(cut_to_columns("abcdef", 5, {}), "abcd…");
    EXPECT_EQ(cut_to_columns("abcdef", 5, {.ascii = true}), "ab...");
    EXPECT_EQ(cut_to_columns("\u4e16\u754c\u4e16", 4, {}), "\u4e16…");
    EXPECT_EQ(cut_to_columns("abc", 0, {}), "");
}

TEST(TextColumns, AlignsByColumnsNotByBytes) {
    EXPECT_EQ(left_aligned("\u4e16", 4) + "|", "\u4e16  |");
    EXPECT_EQ(right_aligned("\u00e9", 3), "  \u00e9");
    EXPECT_EQ(right_aligned("long", 2), "long");
}

TEST(Painted, ColoursOnlyWhereTheStyleSaysSo) {
    EXPECT_EQ(painted({}, Paint::kGrew, "+1"), "+1");
    EXPECT_EQ(painted({.color = true}, Paint::kGrew, "+1"), "\x1b[31m+1\x1b[0m");
}

}  // namespace
}  // namespace palloscope
