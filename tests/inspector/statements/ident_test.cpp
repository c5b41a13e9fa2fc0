#include "inspector/statements/ident.hpp"

#include <gtest/gtest.h>

namespace palloscope {
namespace {

TEST(MaskIdent, LeavesNamesAsTheyAre) {
    EXPECT_EQ(mask_ident("index info", "pg_class_oid_index"), "pg_class_oid_index");
    EXPECT_EQ(mask_ident("relation rules", "Rules 1 'x'"), "Rules 1 'x'");
    EXPECT_EQ(mask_ident("PL/pgSQL function", "f1(integer,numeric)"), "f1(integer,numeric)");
    EXPECT_EQ(mask_ident("dynahash", "Relcache by OID"), "Relcache by OID");
    EXPECT_EQ(mask_ident("PortalContext", "<unnamed>"), "<unnamed>");
}

TEST(MaskIdent, TreatsEverythingElseAsSql) {
    EXPECT_EQ(mask_ident("CachedPlan", "SELECT 'secret', 42"), "SELECT $1, $2");
    EXPECT_EQ(mask_ident("CachedPlanSource", "x := 'secret'"), "x := $1");
    EXPECT_EQ(mask_ident("of an extension", "it's secret"), "");
}

TEST(MaskIdent, KeepsTheMarkOfACutIdent) {
    EXPECT_EQ(mask_ident("CachedPlan", "SELECT a, 'secr..."), "SELECT...");
    EXPECT_EQ(mask_ident("CachedPlan", "SELECT a, b FROM some_ta..."),
              "SELECT a, b FROM some_ta...");
}

TEST(MaskIdent, HidesRegularExpressions) {
    EXPECT_EQ(mask_ident("RegexpMemoryContext", "^secret.*"), "$1");
}

}  // namespace
}  // namespace palloscope
