#include "inspector/report/snapshot_json.hpp"

#include <random>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "inspector/backend/stats_text.hpp"
#include "tests/golden/golden_files.hpp"
#include "tests/inspector/report/sample_snapshots.hpp"

namespace palloscope {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string error_of(const std::string& text) {
    const Result<Snapshot> snapshot = snapshot_from_json(text);
    return snapshot ? "" : snapshot.error().message;
}

// The small snapshot as JSON, with the value at a JSON pointer set to another one.
std::string small_json_with(const std::string& pointer, const json& value) {
    json object = json::parse(snapshot_json(small_snapshot()));
    object[json::json_pointer(pointer)] = value;
    return object.dump();
}

TEST(SnapshotJson, HasTheMembersOfTheContractInItsOrder) {
    ContextTree tree = small_snapshot().tree;
    tree.contexts.resize(2);
    EXPECT_EQ(
        snapshot_json(snapshot_of(tree)),
        R"({"schema":"palloscope.snapshot/1","taken_at":"2026-11-23T09:00:00.123456Z",)"
        R"("method":"call","pause_us":412,"server_version_num":150018,)"
        R"("process":{"pid":4242,"backend_type":"client backend","database":"postgres",)"
        R"("user":"app","application_name":"puma: cluster worker 0","state":"idle","query":null,)"
        R"("rss_anon_bytes":26740000,"rss_file_bytes":0,"rss_shmem_bytes":0},"contexts":[)"
        R"({"id":1,"parent_id":null,"name":"TopMemoryContext","ident":null,"type":"AllocSet",)"
        R"("level":1,"path":[1],"total_bytes":97664,"total_nblocks":5,"free_bytes":12400,)"
        R"("free_chunks":12,"used_bytes":85264},)"
        R"({"id":2,"parent_id":1,"name":"CacheMemoryContext","ident":null,"type":"AllocSet",)"
        R"("level":2,"path":[1,2],"total_bytes":1048576,"total_nblocks":8,"free_bytes":281280,)"
        R"("free_chunks":0,"used_bytes":767296}],)"
        R"("grand_total":{"total_bytes":1146240,"total_nblocks":13,"free_bytes":293680,)"
        R"("free_chunks":12,"used_bytes":852560}})");
}

TEST(SnapshotJson, IsReadBack) {
    EXPECT_EQ(snapshot_from_json(snapshot_json(small_snapshot())), small_snapshot());
}

TEST(SnapshotJson, OfEveryGoldenIsReadBackToTheSameJson) {
    for (const GoldenStats& golden : all_golden_stats()) {
        SCOPED_TRACE(golden.file);
        const Snapshot snapshot =
            snapshot_of(parse_stats_text(golden.text, golden.server_version_num).value());
        const std::string text = snapshot_json(snapshot);
        const Result<Snapshot> read = snapshot_from_json(text);
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(snapshot_json(*read), text);
    }
}

TEST(SnapshotJson, ShowsBytesThatAreNoUtf8AndEscapesControls) {
    Snapshot snapshot = small_snapshot();
    snapshot.process.application_name = "caf\xe9\n\x1b\"";
    EXPECT_THAT(snapshot_json(snapshot), HasSubstr(R"("application_name":"caf\\xe9\n\u001b\"")"));
}

TEST(SnapshotJson, OfTenThousandContextsIsWrittenAndRead) {
    Snapshot snapshot = small_snapshot();
    for (int i = 0; i < 10'000; ++i) {
        snapshot.tree.contexts.push_back({.name = "index info",
                                          .ident = fmt::format("index_{}", i),
                                          .parent = 0,
                                          .level = 2,
                                          .figures = {2048, 2, 840, 3, 1208}});
    }
    EXPECT_EQ(snapshot_from_json(snapshot_json(snapshot)), snapshot);
}

TEST(SnapshotFromJson, NamesTheMemberThatIsWrong) {
    EXPECT_THAT(error_of("{}"), HasSubstr("schema is missing"));
    EXPECT_THAT(error_of("[]"), HasSubstr("no JSON object"));
    EXPECT_THAT(error_of(small_json_with("/schema", "palloscope.report/1")),
                HasSubstr("schema is not palloscope.snapshot/1"));
    EXPECT_THAT(error_of(small_json_with("/taken_at", "2026-02-30T09:00:00.123456Z")),
                HasSubstr("taken_at is no time"));
    EXPECT_THAT(error_of(small_json_with("/method", "magic")), HasSubstr("method is none"));
    EXPECT_THAT(error_of(small_json_with("/pause_us", -1)), HasSubstr("pause_us"));
    EXPECT_THAT(error_of(small_json_with("/process", 7)), HasSubstr("process.pid"));
    EXPECT_THAT(error_of(small_json_with("/process/pid", 1e300)), HasSubstr("process.pid"));
    EXPECT_THAT(error_of(small_json_with("/process/user", 7)), HasSubstr("process.user"));
    EXPECT_THAT(error_of(small_json_with("/contexts", json::array())), HasSubstr("contexts"));
    EXPECT_THAT(error_of(small_json_with("/contexts/1", "x")), HasSubstr("contexts[1].name"));
    EXPECT_THAT(error_of(small_json_with("/contexts/1/type", "Heap")),
                HasSubstr("contexts[1].type"));
    EXPECT_THAT(error_of(small_json_with("/contexts/1/used_bytes", 1)),
                HasSubstr("contexts[1].used_bytes is not total_bytes - free_bytes"));
    EXPECT_THAT(error_of(small_json_with("/contexts/1/free_bytes", -8)),
                HasSubstr("contexts[1].free_bytes"));
    EXPECT_THAT(error_of(small_json_with("/grand_total/total_nblocks", 1)),
                HasSubstr("grand_total is not the sum"));
}

TEST(SnapshotFromJson, RefusesWhatIsNoTreeInDepthFirstOrder) {
    EXPECT_THAT(error_of(small_json_with("/contexts/2/id", 2)), HasSubstr("contexts[2].id"));
    EXPECT_THAT(error_of(small_json_with("/contexts/2/level", 4)), HasSubstr("contexts[2].level"));
    EXPECT_THAT(error_of(small_json_with("/contexts/2/level", 1)), HasSubstr("contexts[2].level"));
    EXPECT_THAT(error_of(small_json_with("/contexts/2/level", 0)), HasSubstr("contexts[2].level"));
    EXPECT_THAT(error_of(small_json_with("/contexts/2/parent_id", 1)),
                HasSubstr("contexts[2].parent_id"));
    EXPECT_THAT(error_of(small_json_with("/contexts/0/parent_id", 1)),
                HasSubstr("contexts[0].parent_id"));
    EXPECT_THAT(error_of(small_json_with("/contexts/1/parent_id", nullptr)),
                HasSubstr("contexts[1].parent_id"));
}

TEST(SnapshotFromJson, RefusesFiguresWhoseSumOverflows) {
    json object = json::parse(snapshot_json(small_snapshot()));
    for (const std::size_t i : {0UL, 1UL}) {
        object["contexts"][i]["free_chunks"] = std::numeric_limits<std::int64_t>::max();
    }
    EXPECT_THAT(error_of(object.dump()), HasSubstr("grand_total"));
}

TEST(SnapshotFromJson, SurvivesManyOpenBrackets) {
    EXPECT_NE(error_of(std::string(200'000, '[')), "");
    EXPECT_NE(error_of("{\"a\":" + std::string(200'000, '[') + std::string(200'000, ']') + "}"),
              "");
}

TEST(SnapshotFromJson, OfDamagedTextIsAnErrorOrASnapshotThatAddsUp) {
    std::mt19937 random(20261123);  // a fixed seed: a failure comes again
    const std::string whole = snapshot_json(small_snapshot());
    constexpr std::string_view kSpice = "{}[]\",:0-9e\\\xff";
    for (int round = 0; round < 3'000; ++round) {
        std::string text = whole;
        for (int damage = 0; damage <= round % 3; ++damage) {
            text[random() % text.size()] = kSpice[random() % kSpice.size()];
        }
        const Result<Snapshot> read = snapshot_from_json(text);
        if (read) {
            EXPECT_EQ(read->tree.contexts.size(), 4);
            EXPECT_EQ(snapshot_from_json(snapshot_json(*read)), read);
        }
    }
}

}  // namespace
}  // namespace palloscope
