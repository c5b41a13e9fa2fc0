#include <vector>

#include <gtest/gtest.h>

#include "inspector/report/sparkline.hpp"
#include "inspector/report/wrapped_text.hpp"

namespace palloscope {
namespace {

TEST(Sparkline, GoesFromTheLeastToTheMost) {
    const std::vector<std::int64_t> values{100, 130, 200, 450, 800};
    EXPECT_EQ(sparkline(values, {}), "▁▁▂▅█");
    EXPECT_EQ(sparkline(values, {.ascii = true}), "__.=#");
}

TEST(Sparkline, OfEqualValuesIsLowAndOfNoneEmpty) {
    EXPECT_EQ(sparkline(std::vector<std::int64_t>{5, 5, 5}, {}), "▁▁▁");
    EXPECT_EQ(sparkline({}, {}), "");
}

TEST(WrappedText, BreaksAtBlanksAndIndentsWhatFollows) {
    EXPECT_EQ(wrapped_text("one two three four", "- ", 12, {}), "- one two\n  three four\n");
}

TEST(WrappedText, CutsAWordThatIsLongerThanALine) {
    EXPECT_EQ(wrapped_text("a abcdefghijkl b", "- ", 10, {}), "- a\n  abcdefg…\n  b\n");
}

TEST(WrappedText, OfNothingIsItsFirstPart) {
    EXPECT_EQ(wrapped_text("", "- ", 10, {}), "- \n");
}

}  // namespace
}  // namespace palloscope
