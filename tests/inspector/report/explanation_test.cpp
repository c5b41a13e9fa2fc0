#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/report/explanation_sections.hpp"
#include "inspector/report/explanation_text.hpp"
#include "tests/inspector/model/sample_explanation.hpp"

namespace palloscope {
namespace {

using testing::HasSubstr;
using testing::Not;

Explanation sample() {
    Explanation explanation = sample_explanation();
    explanation.snapshot.taken_at_ns = 1'763'888'400'000'000'000;
    explanation.snapshot.method = Method::kFork;
    explanation.snapshot.pause_us = 2700;
    explanation.snapshot.server_version_num = 150018;
    explanation.snapshot.process.pid = 4242;
    explanation.snapshot.tree.contexts.push_back({.name = "TopMemoryContext"});
    explanation.portals.clear();
    explanation.functions = {{.signature = "grant_to_owner()", .bytes = 16384},
                             {.signature = "grant_to_owner()", .bytes = 16384},
                             {.signature = "other()", .bytes = 8192}};
    explanation.chunks = {{.context = 0, .sizes = {{.size = 64, .chunks = 400'000}}}};
    explanation.unavailable = {{.part = "portals", .reason = "odd\x1b[31m"}};
    return explanation;
}

TEST(ExplanationText, SaysWhatThereIs) {
    const std::string text = explanation_text(sample(), {}, std::nullopt);
    EXPECT_THAT(text, HasSubstr("RssAnon: 1.9 MB, and 4.0 kB swapped out\n"));
    EXPECT_THAT(text, HasSubstr("75.0 %  memory contexts: in use\n"));
    EXPECT_THAT(text, HasSubstr("25.0 %  unexplained\n"));
    EXPECT_THAT(text, Not(HasSubstr("stack")));  // there is none
    EXPECT_THAT(text, HasSubstr("malloc_trim would give 128.0 kB back to the kernel\n"));
    EXPECT_THAT(text, HasSubstr("98.5 % of it explained below"));
    EXPECT_THAT(
        text,
        HasSubstr("3,013  pg_class (relname, relnamespace)  3,000 negative, 1 dead, 2 lists\n"));
    EXPECT_THAT(text, HasSubstr("in 2 relations, 1 temporary, 1 dropped\n"));
    EXPECT_THAT(text, HasSubstr("t1  temporary table 16384, dropped\n"));
    EXPECT_THAT(text, HasSubstr("Temporary files, on disk: 1.0 MB in 2 files\n"));
    EXPECT_THAT(text, HasSubstr("220 B         1  app.user  placeholder\n"));
    EXPECT_THAT(text, HasSubstr("Channels listened to: 32 B in 1 channels\n"));
    EXPECT_THAT(text, HasSubstr("Pending invalidations: 336 B in 21 messages\n"));
    EXPECT_THAT(text, HasSubstr("320 B        20  catcache\n"));
    EXPECT_THAT(text, HasSubstr("7  LOCALLOCK hash  locks that it holds or waits for\n"));
    EXPECT_THAT(text, HasSubstr("Functions in PL/pgSQL: 40.0 kB in 3 functions\n"));
    EXPECT_THAT(text, HasSubstr("   32.0 kB         2  grant_to_owner()\n"));
    EXPECT_THAT(text, HasSubstr("Chunks of TopMemoryContext: 24.4 MB in 400,000 chunks\n"));
    EXPECT_THAT(text, HasSubstr("not available: portals: odd\\x1b[31m\n"));
    EXPECT_THAT(text, Not(HasSubstr("Portals")));
}

TEST(ExplanationText, SaysNothingOfSwapWhereNoneIsUsed) {
    Explanation explanation = sample();
    explanation.accounting->swap_bytes = 0;
    EXPECT_THAT(explanation_text(explanation, {}, std::nullopt), HasSubstr("RssAnon: 1.9 MB\n"));
}

TEST(ExplanationText, FoldsWhatIsSmall) {
    const std::string text = explanation_text(sample(), {}, 1);
    EXPECT_THAT(text, HasSubstr("4.0 kB         5  1 more\n"));
    EXPECT_THAT(text, Not(HasSubstr("pg_type")));
}

TEST(ExplanationText, FoldsPreparedStatementsOfOneFamily) {
    Explanation explanation = sample();
    explanation.prepared_statements.clear();
    for (int i = 0; i < 20; ++i) {
        const std::string name = "s" + std::to_string(i);
        explanation.prepared_statements.push_back(
            {.name = name, .query = "prepare " + name + " as select $1", .bytes = 1024});
    }
    explanation.prepared_statements.push_back({.name = "x", .query = "commit", .bytes = 512});
    const std::string tree = explanation_text(explanation, {}, 10);
    EXPECT_THAT(tree, HasSubstr("20.0 kB        20  s0 ... s19: prepare s* as select $1\n"));
    EXPECT_THAT(tree, HasSubstr("512 B         1  x: commit\n"));
    const std::string table = explanation_text(explanation, {}, std::nullopt);
    EXPECT_THAT(table, HasSubstr("1.0 kB         1  s7: prepare s7 as select $1\n"));
}

TEST(ExplanationText, ShowsWhatEntriesStandFor) {
    Explanation explanation = sample();
    explanation.catalog_caches[0].samples = {{.negative = true, .keys = {"x\x1b", "2200"}},
                                             {.negative = false, .keys = {"t1", "2200"}},
                                             {.negative = true, .keys = {"y", "2200"}}};
    EXPECT_THAT(
        explanation_text(explanation, {}, std::nullopt),
        HasSubstr("2 lists, negative such as (x\\x1b, 2200) (y, 2200), such as (t1, 2200)\n"));
}

TEST(ExplanationText, FitsIntoItsWidth) {
    Explanation explanation = sample();
    explanation.relations.front().name = std::string(63, 'x');
    const std::string text = explanation_text(explanation, {.width = 60}, std::nullopt);
    EXPECT_THAT(text, Not(HasSubstr(std::string(40, 'x'))));
}

TEST(ExplanationDifference, SaysWhatBecameMoreAndLess) {
    Explanation after = sample();
    after.snapshot.taken_at_ns += 60'000'000'000;
    after.snapshot.process.rss_anon_bytes = 1024;
    after.catalog_caches[0].negative_entries += 57;
    after.catalog_caches[0].bytes += 10'240;
    after.functions.pop_back();
    const std::string text =
        explanation_difference_text(sample(), after, {.ascii = true}, std::nullopt);
    EXPECT_THAT(
        text, HasSubstr("+10.0 kB       +57  pg_class (relname, relnamespace)  Catalog caches\n"));
    EXPECT_THAT(text, HasSubstr("-8.0 kB        -1  other()  Functions in PL/pgSQL\n"));
    EXPECT_THAT(text, Not(HasSubstr("pg_type")));
    EXPECT_THAT(explanation_difference_text(sample(), after, {.ascii = true}, 1),
                HasSubstr("... and 1 smaller changes\n"));
    EXPECT_THAT(explanation_difference_text(sample(), sample(), {}, std::nullopt),
                HasSubstr("Nothing changed.\n"));
}

}  // namespace
}  // namespace palloscope
