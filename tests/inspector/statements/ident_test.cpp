#include "inspector/statements/ident.hpp"

#include <string>
#include <utility>

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

ContextTree plans(int first, int last) {
    ContextTree tree{.contexts = {{.name = "TopMemoryContext"}}};
    for (int plan = first; plan < last; ++plan) {
        tree.contexts.push_back({.name = "CachedPlan",
                                 .ident = "SELECT 'secret', c" + std::to_string(plan),
                                 .parent = 0,
                                 .level = 2});
    }
    return tree;
}

TEST(IdentForms, AreWhatEachIdentAloneWouldBecome) {
    IdentForms forms;
    // What a tree held is forgotten once others hold far fewer, and can come again.
    for (const auto& [first, last] : {std::pair{0, 2'500}, {2'000, 2'001}, {0, 2}, {0, 2'500}}) {
        const ContextTree shown = plans(first, last);
        ContextTree masked = shown;
        forms.mask(masked);
        EXPECT_EQ(masked.contexts.at(0), shown.contexts.at(0));
        for (std::size_t i = 1; i < shown.contexts.size(); ++i) {
            ASSERT_EQ(masked.contexts[i].ident, mask_ident("CachedPlan", *shown.contexts[i].ident));
        }
    }
}

TEST(IdentForms, TellContextsOfOneIdentApart) {
    const std::string ident = "f('secret')";
    IdentForms forms;
    EXPECT_EQ(forms.masked("CachedPlan", ident), "f($1)");
    EXPECT_EQ(forms.masked("PL/pgSQL function", ident), ident);
    EXPECT_EQ(forms.masked("RegexpMemoryContext", ident), "$1");
}

}  // namespace
}  // namespace palloscope
