#include "inspector/statements/ident.hpp"

#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

namespace palloscope {
namespace {

std::string masked(std::string_view context_name, const std::string& ident) {
    IdentForms forms;
    return std::string(forms.masked(context_name, ident));
}

TEST(IdentForms, LeavesNamesAsTheyAre) {
    EXPECT_EQ(masked("index info", "pg_class_oid_index"), "pg_class_oid_index");
    EXPECT_EQ(masked("relation rules", "Rules 1 'x'"), "Rules 1 'x'");
    EXPECT_EQ(masked("PL/pgSQL function", "f1(integer,numeric)"), "f1(integer,numeric)");
    EXPECT_EQ(masked("dynahash", "Relcache by OID"), "Relcache by OID");
    EXPECT_EQ(masked("PortalContext", "<unnamed>"), "<unnamed>");
}

TEST(IdentForms, TreatsEverythingElseAsSql) {
    EXPECT_EQ(masked("CachedPlan", "SELECT 'secret', 42"), "SELECT $1, $2");
    EXPECT_EQ(masked("CachedPlanSource", "x := 'secret'"), "x := $1");
    EXPECT_EQ(masked("of an extension", "it's secret"), "");
}

TEST(IdentForms, KeepsTheMarkOfACutIdent) {
    EXPECT_EQ(masked("CachedPlan", "SELECT a, 'secr..."), "SELECT...");
    EXPECT_EQ(masked("CachedPlan", "SELECT a, b FROM some_ta..."), "SELECT a, b FROM some_ta...");
}

TEST(IdentForms, HidesRegularExpressions) {
    EXPECT_EQ(masked("RegexpMemoryContext", "^secret.*"), "$1");
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
        ContextTree tree = shown;
        forms.mask(tree);
        EXPECT_EQ(tree.contexts.at(0), shown.contexts.at(0));
        for (std::size_t i = 1; i < shown.contexts.size(); ++i) {
            ASSERT_EQ(tree.contexts[i].ident, masked("CachedPlan", *shown.contexts[i].ident));
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
