#include "inspector/report/difference_text.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/inspector/report/sample_snapshots.hpp"

namespace palloscope {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// Half a minute later: 412 cached plans more, one index's context gone, the root grown.
Snapshot later_snapshot() {
    Snapshot snapshot = small_snapshot();
    snapshot.taken_at_ns += 30'000'000'000;
    snapshot.process.rss_anon_bytes += 13'000'000;
    snapshot.tree.contexts[0].figures = {97664, 5, 12000, 12, 85664};
    snapshot.tree.contexts.erase(snapshot.tree.contexts.begin() + 2);
    for (int i = 0; i < 412; ++i) {
        snapshot.tree.contexts.insert(snapshot.tree.contexts.begin() + 2,
                                      {.name = "CachedPlan",
                                       .ident = fmt::format("select {}", i),
                                       .parent = 1,
                                       .level = 3,
                                       .figures = {32768, 2, 768, 0, 32000}});
    }
    return snapshot;
}

TEST(DifferenceText, ShowsTheSumsAndEachChange) {
    EXPECT_EQ(difference_text(small_snapshot(), later_snapshot(), {}),
              "pid 4242 · app@postgres · puma: cluster worker 0 · idle · PostgreSQL 15.18\n"
              "2026-11-23 09:00:00.123 UTC → 2026-11-23 09:00:30.123 UTC · 30.0 s apart\n"
              "\n"
              "used         833.8 kB → 13.4 MB    +12.6 MB\n"
              "total          1.1 MB → 14.0 MB    +12.9 MB\n"
              "RssAnon       25.5 MB → 37.9 MB    +12.4 MB\n"
              "contexts            4 → 415        +411\n"
              "\n"
              "       used      total       free  change    context\n"
              "   +12.6 MB   +12.9 MB  +309.0 kB  appeared  CachedPlan ×412  in "
              "TopMemoryContext/CacheMemoryContext\n"
              "    -1.2 kB    -2.0 kB     -840 B  vanished  index info: pg_class_oid_index  in "
              "TopMemoryContext/CacheMemoryContext\n"
              "     +400 B        0 B     -400 B  grew      TopMemoryContext\n");
}

TEST(DifferenceText, SaysSoWhereNothingChanged) {
    EXPECT_THAT(difference_text(small_snapshot(), small_snapshot(), {}),
                HasSubstr("No context changed.\n"));
}

TEST(DifferenceText, WarnsOfTwoBackends) {
    Snapshot other = later_snapshot();
    other.process.pid = 4243;
    EXPECT_THAT(difference_text(small_snapshot(), other, {}),
                HasSubstr("compared with another backend: pid 4242\n"));
}

TEST(DifferenceText, IsCutToTheTerminalAndCleaned) {
    Snapshot after = small_snapshot();
    after.tree.contexts[2].ident = "\x1b[2J";
    const std::string text = difference_text(small_snapshot(), after, {.width = 80});
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, HasSubstr(R"(index info: \x1b[2J  in TopMemoryC…)"));
}

TEST(DifferenceJson, HoldsBothSidesAndEachChange) {
    const json object = json::parse(difference_json(small_snapshot(), later_snapshot()));
    EXPECT_EQ(object["schema"], "palloscope.difference/1");
    EXPECT_EQ(object["before"]["taken_at"], "2026-11-23T09:00:00.123456Z");
    EXPECT_EQ(object["before"]["contexts"], 4);
    EXPECT_EQ(object["after"]["rss_anon_bytes"], 39'740'000);
    ASSERT_EQ(object["changes"].size(), 3);
    const json& change = object["changes"][0];
    EXPECT_EQ(change["path"], "TopMemoryContext/CacheMemoryContext/CachedPlan");
    EXPECT_EQ(change["kind"], "appeared");
    EXPECT_EQ(change["count_after"], 412);
    EXPECT_EQ(change["delta"]["used_bytes"], 412 * 32000);
}

}  // namespace
}  // namespace palloscope
