#include "inspector/model/explanation_json.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/inspector/model/sample_explanation.hpp"

namespace palloscope {
namespace {

using nlohmann::json;

// Members that recordings of the first version lack.
constexpr std::array<std::string_view, 4> kLaterMembers{
    "settings", "listened_channels", "pending_invalidations", "temporary_files"};

TEST(ExplanationJson, IsTheContractsObject) {
    Explanation explanation = sample_explanation();
    explanation.snapshot.pause_us = 2700.4;
    explanation.snapshot.tree.contexts.push_back({.name = "TopMemoryContext"});
    explanation.chunks = {{.context = 0, .sizes = {{.size = 64, .chunks = 400'000}}}};
    const json object = json::parse(explanation_json(explanation));
    EXPECT_EQ(object.at("schema"), "palloscope.explain/1");
    EXPECT_EQ(object.at("pause_us"), 2700);
    EXPECT_EQ(object.at("catcaches").at(0),
              (json{{"catalog", "pg_class"},
                    {"keys", {"relname", "relnamespace"}},
                    {"entries", 12},
                    {"negative_entries", 3000},
                    {"dead_entries", 1},
                    {"lists", 2},
                    {"bytes", 900'000}}));
    EXPECT_EQ(object.at("relations").at(0).at("schema"), nullptr);
    EXPECT_EQ(object.at("locks"), (json{{"entries", 7}, {"bytes", 16384}}));
    EXPECT_EQ(object.at("trim").at("would_return_bytes"), 131'072);
    EXPECT_EQ(object.at("chunks").at(0).at("sizes").at(0).at("chunks"), 400'000);
    EXPECT_EQ(object.at("unavailable").at(0).at("part"), "functions");
}

void expect_equal(const Explanation& read, const Explanation& written) {
    EXPECT_EQ(read.catalog_caches, written.catalog_caches);
    EXPECT_EQ(read.relations, written.relations);
    EXPECT_EQ(read.prepared_statements, written.prepared_statements);
    EXPECT_EQ(read.kept_plans, written.kept_plans);
    EXPECT_EQ(read.portals, written.portals);
    EXPECT_EQ(read.functions, written.functions);
    EXPECT_EQ(read.settings, written.settings);
    EXPECT_EQ(read.channels, written.channels);
    EXPECT_EQ(read.pending_invalidations, written.pending_invalidations);
    EXPECT_EQ(read.temporary_files, written.temporary_files);
    EXPECT_EQ(read.locks, written.locks);
    EXPECT_EQ(read.hash_tables, written.hash_tables);
    EXPECT_EQ(read.cache_memory_used_bytes, written.cache_memory_used_bytes);
    EXPECT_EQ(read.cache_memory_attributed_bytes, written.cache_memory_attributed_bytes);
    EXPECT_EQ(read.accounting, written.accounting);
    EXPECT_EQ(read.trim_would_return_bytes, written.trim_would_return_bytes);
    EXPECT_EQ(read.unavailable, written.unavailable);
}

TEST(ExplainedJson, IsReadBackAsItWas) {
    const auto read = explanation_from(explained_json(sample_explanation()));
    ASSERT_TRUE(read);
    expect_equal(*read, sample_explanation());
    const auto nothing = explanation_from(explained_json({}));
    ASSERT_TRUE(nothing);
    expect_equal(*nothing, {});
}

TEST(ExplainedJson, IsReadWhereItWasWrittenBeforeItSaidAsMuch) {
    json older = json::parse(explained_json(sample_explanation()));
    for (json& relation : older["relations"]) {
        relation.erase("temporary");
        relation.erase("dropped");
    }
    for (const std::string_view later : kLaterMembers) {
        older.erase(std::string(later));
    }
    older["accounting"].erase("swap_bytes");
    const auto read = explanation_from(older.dump());
    ASSERT_TRUE(read);
    EXPECT_FALSE(read->relations.front().temporary);
    EXPECT_FALSE(read->relations.front().dropped);
    EXPECT_THAT(read->settings, testing::IsEmpty());
    EXPECT_THAT(read->pending_invalidations, testing::IsEmpty());
    EXPECT_EQ(read->functions, sample_explanation().functions);
    EXPECT_EQ(read->accounting->swap_bytes, 0);
}

TEST(ExplainedJson, IsRefusedWhereItIsAnythingElse) {
    EXPECT_FALSE(explanation_from(""));
    EXPECT_FALSE(explanation_from("{}"));
    EXPECT_FALSE(explanation_from("[1]"));
    const json whole = json::parse(explained_json(sample_explanation()));
    for (const auto& [member, value] : whole.items()) {
        json damaged = whole;
        damaged.erase(member);
        EXPECT_EQ(explanation_from(damaged.dump()).has_value(),
                  std::ranges::find(kLaterMembers, member) != kLaterMembers.end())
            << member;
        damaged[member] = "text";
        EXPECT_FALSE(explanation_from(damaged.dump())) << member;
    }
    json too_much = whole;
    too_much["functions"][0]["bytes"] = std::int64_t{1} << 60U;
    EXPECT_FALSE(explanation_from(too_much.dump()));
}

TEST(ExplainedJson, KeepsBytesThatAreNoUtf8AsText) {
    Explanation explanation = sample_explanation();
    explanation.relations[0].name = "caf\xe9";
    explanation.relations[0].kind = '\xff';
    const auto read = explanation_from(explained_json(explanation));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->relations[0].name, "caf\\xe9");
}

}  // namespace
}  // namespace palloscope
