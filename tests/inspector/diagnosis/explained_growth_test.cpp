#include "inspector/diagnosis/explained_growth.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/inspector/model/sample_explanation.hpp"

namespace palloscope {
namespace {

using testing::HasSubstr;
using testing::Optional;

Explanation after(std::int64_t seconds) {
    Explanation explanation = sample_explanation();
    explanation.snapshot.taken_at_ns = seconds * 1'000'000'000;
    return explanation;
}

BackendHistory history_of(Explanation before, Explanation later) {
    BackendHistory backend;
    backend.explanations = {std::move(before), std::move(later)};
    return backend;
}

TEST(GrownParts, CountsAlikeThingsTogetherLargestFirst) {
    Explanation later = after(60);
    for (int i = 0; i < 40; ++i) {
        later.functions.push_back({.signature = "grant_to_owner()", .bytes = 16384});
        later.kept_plans.push_back(
            {.query = "TG_TABLE_NAME = $1", .owner = "plpgsql", .bytes = 6144});
    }
    later.hash_tables.pop_back();  // what shrank is not told
    const auto parts = grown_parts(after(0), later);
    ASSERT_EQ(parts.size(), 2U);
    EXPECT_EQ(parts[0].kind, GrownPart::Kind::kFunction);
    EXPECT_EQ(parts[0].name, "grant_to_owner()");
    EXPECT_EQ(parts[0].count, 40);
    EXPECT_EQ(parts[0].bytes, 40 * 16384);
    EXPECT_EQ(parts[1].kind, GrownPart::Kind::kPlan);
}

TEST(GrownParts, TellsNegativeEntriesFromCachedRows) {
    Explanation later = after(60);
    later.catalog_caches[0].entries += 3;
    later.catalog_caches[0].negative_entries += 500;
    later.catalog_caches[0].bytes += 50'000;
    later.catalog_caches[1].entries += 20;
    later.catalog_caches[1].bytes += 4000;
    const auto parts = grown_parts(after(0), later);
    ASSERT_EQ(parts.size(), 2U);
    EXPECT_EQ(parts[0].kind, GrownPart::Kind::kNegativeEntries);
    EXPECT_EQ(parts[0].name, "pg_class (relname, relnamespace)");
    EXPECT_EQ(parts[0].count, 500);
    EXPECT_EQ(parts[0].bytes, 50'000);
    EXPECT_EQ(parts[1].kind, GrownPart::Kind::kCatalogCache);
    EXPECT_EQ(parts[1].count, 20);
}

TEST(WhatTheBytesAre, SaysWhatGrewMost) {
    Explanation later = after(90);
    later.relations.resize(12, {.name = "t", .bytes = 2048});
    later.catalog_caches[0].negative_entries += 57'894;
    later.catalog_caches[0].bytes += 1 << 20U;
    later.portals.push_back({.name = "small", .held = true, .bytes = 100});
    EXPECT_EQ(what_the_bytes_are(history_of(after(0), later)),
              "What grew most in the backend, from explanations 1 min 30 s apart: 57,894 more "
              "negative entries of pg_class (relname, relnamespace): look-ups that found "
              "nothing, 1.00 MB.");
}

TEST(WhatTheBytesAre, ShortensQueriesNotWithinACharacter) {
    Explanation later = after(60);
    later.kept_plans.push_back(
        {.query = std::string(89, 'x') + "\u20ac" + std::string(50, 'y'), .bytes = 8192});
    EXPECT_THAT(what_the_bytes_are(history_of(after(0), later)),
                Optional(HasSubstr("plans kept for: " + std::string(89, 'x') + "..., 8.00 kB")));
}

TEST(WhatTheBytesAre, SaysNothingWithoutTwoExplanations) {
    EXPECT_EQ(what_the_bytes_are({}), std::nullopt);
    EXPECT_EQ(what_the_bytes_are(history_of(after(0), after(60))), std::nullopt);
}

}  // namespace
}  // namespace palloscope
