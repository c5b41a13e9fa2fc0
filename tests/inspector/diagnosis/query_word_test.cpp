#include "inspector/diagnosis/query_word.hpp"

#include <gtest/gtest.h>

namespace palloscope {
namespace {

TEST(QueryWord, IsTakenInUpperCaseOffTheFront) {
    std::string_view query = "  declare Page_1 CURSOR";
    EXPECT_EQ(next_word(query), "DECLARE");
    EXPECT_EQ(next_word(query), "PAGE_1");
    EXPECT_EQ(query, " CURSOR");
    query = "($1)";
    EXPECT_EQ(next_word(query), "");
}

TEST(QueryWord, IsMentionedHoweverItIsSpelt) {
    EXPECT_TRUE(mentions("SELECT To_RegClass($1)", "TO_REGCLASS"));
    EXPECT_FALSE(mentions("SELECT regclass($1)", "TO_REGCLASS"));
}

TEST(QueryWord, TellsGeneratedNamesFromOtherStars) {
    EXPECT_TRUE(has_generated_name("SELECT count(*) FROM measurements_* WHERE id < $1"));
    EXPECT_TRUE(has_generated_name("SELECT a FROM tenant_*.orders"));
    EXPECT_FALSE(has_generated_name("SELECT *, t.*, count(*) FROM t WHERE a = $1*b AND (b)*c > 0"));
    EXPECT_FALSE(has_generated_name(""));
}

}  // namespace
}  // namespace palloscope
