#include "inspector/diagnosis/setting_statement.hpp"

#include <gtest/gtest.h>

namespace palloscope {
namespace {

TEST(SettingStatement, AddsASettingUnderAGeneratedName) {
    EXPECT_TRUE(adds_setting("SET app.token_* TO $1"));
    EXPECT_TRUE(adds_setting("SET SESSION app.token_* = $1"));
    EXPECT_TRUE(adds_setting("SELECT set_config($1, $2, $3)"));
}

// The transaction's end takes its value back, and leaves its name.
TEST(SettingStatement, AddsASettingForTheTransactionToo) {
    EXPECT_TRUE(adds_setting("SET LOCAL app.token_* TO $1"));
}

TEST(SettingStatement, AddsNoneUnderANameThatComesAgain) {
    EXPECT_FALSE(adds_setting("SET app.token TO $1"));
    EXPECT_FALSE(adds_setting("SET LOCAL app.token TO $1"));
    EXPECT_FALSE(adds_setting("SELECT $1"));
}

}  // namespace
}  // namespace palloscope
