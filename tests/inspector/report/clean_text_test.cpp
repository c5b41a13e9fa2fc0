#include "inspector/report/clean_text.hpp"

#include <string>

#include <gtest/gtest.h>

#include "inspector/model/json_text.hpp"

namespace palloscope {
namespace {

TEST(CleanText, KeepsValidUtf8) {
    EXPECT_EQ(clean_text("caf\u00e9 \u20ac \u4e16\u754c \U0001f418"),
              "caf\u00e9 \u20ac \u4e16\u754c \U0001f418");
    EXPECT_EQ(clean_text(""), "");
}

TEST(CleanText, ShowsControlCharactersInsteadOfSendingThem) {
    EXPECT_EQ(clean_text("\x1b[2Jred\x7f\n\t\r\x07"), R"(\x1b[2Jred\x7f\x0a\x09\x0d\x07)");
    EXPECT_EQ(clean_text(std::string("a\0b", 3)), R"(a\x00b)");
    // C1's CSI, as a character and as the bare byte that 8-bit terminals obey.
    EXPECT_EQ(clean_text("\u009b31m \x9b"), R"(\u{9b}31m \x9b)");
}

TEST(CleanText, ShowsWhatWouldReorderOrHideTheText) {
    // Put together here, since clang-tidy warns of source text that such characters reorder.
    const std::string lead = "\xe2\x80";
    EXPECT_EQ(clean_text("a" + lead + "\xae b" + lead + "\x8f"), R"(a\u{202e} b\u{200f})");
    EXPECT_EQ(clean_text("\ufeff\U000e0041"), R"(\u{feff}\u{e0041})");
}

TEST(CleanText, ShowsBytesThatAreNoUtf8) {
    EXPECT_EQ(clean_text("caf\xe9"), R"(caf\xe9)");
    EXPECT_EQ(clean_text("\xc0\xaf"), R"(\xc0\xaf)");                  // overlong
    EXPECT_EQ(clean_text("\xe0\x80\xaf"), R"(\xe0\x80\xaf)");          // overlong
    EXPECT_EQ(clean_text("\xed\xa0\x80"), R"(\xed\xa0\x80)");          // surrogate
    EXPECT_EQ(clean_text("\xf4\x90\x80\x80"), R"(\xf4\x90\x80\x80)");  // beyond U+10FFFF
    EXPECT_EQ(clean_text("\xe2\x82"), R"(\xe2\x82)");                  // cut short
}

TEST(CleanText, FoldsWhiteSpaceForALine) {
    EXPECT_EQ(clean_line("select 1,\n\t  2;\r\n"), "select 1, 2; ");
    EXPECT_EQ(clean_line("a\x1b"), R"(a\x1b)");
}

TEST(JsonText, KeepsControlsAndShowsBytesThatAreNoUtf8) {
    EXPECT_EQ(json_text("a\n\u20ac\xff"), "a\n\u20ac\\xff");
}

}  // namespace
}  // namespace palloscope
