// Objects made and dropped again and again, and what looks like it.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/diagnosis.hpp"
#include "tests/inspector/diagnosis/calls_of.hpp"
#include "tests/inspector/diagnosis/causes_of.hpp"
#include "tests/inspector/diagnosis/synthetic_history.hpp"
#include "tests/inspector/diagnosis/typical_leaks.hpp"

namespace palloscope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// That the backend has buffers for temporary tables does not say who makes them.
TEST(CatalogChurn, IsNotPutDownToFunctionsWhereNoStatementsAreKnown) {
    SyntheticBackend backend;
    backend.grow(kTop + "/LocalBufferContext", 8192);
    for (int i = 0; i < 60; ++i) {
        backend.grow(kCatalogCache, 4000 + 100 * (i % 3));
        backend.snapshot(i + 1);
    }
    EXPECT_THAT(causes_of(backend), ElementsAre("unknown"));
}

TEST(CatalogChurn, IsSeenWhereFunctionsMakeAndDropTheTables) {
    SyntheticBackend backend = caches_filled_by("SELECT monthly_report($1)");
    explain_ends(backend, [](Explanation& after) {
        after.catalog_caches[1].negative_entries += 900;
        after.catalog_caches[0].negative_entries += 100;
    });
    EXPECT_THAT(causes_of(backend), ElementsAre("catalog-churn"));
}

TEST(CatalogChurn, IsNotNamedForTablesThatAreOnlyDroppedIfTheyExist) {
    EXPECT_THAT(causes_of(caches_filled_by("DROP TABLE IF EXISTS import_*")),
                ElementsAre("negative-catcache"));
}

TEST(CatalogChurn, IsSeenByWhatIsLeftOfTablesThoughTheBytesGoWithAnotherStatement) {
    const BackendDiagnosis diagnosis =
        diagnose(triggers_compiled_by("INSERT INTO roles SELECT $1", "CREATE TABLE roles (a int)")
                     .history())
            .backends[0];
    EXPECT_THAT(ids(diagnosis.causes), ElementsAre("catalog-churn"));
    EXPECT_EQ(diagnosis.causes.at(0).bytes, diagnosis.growth.bytes);
    EXPECT_THAT(diagnosis.causes[0].evidence, testing::Contains(HasSubstr("compiled 299 times")));
}

TEST(CatalogChurn, CoversCompiledFunctionsUnderTheirNameUpTo10) {
    EXPECT_TRUE(catalog_churn_rule().covers(kTop + "/PL/pgSQL function context"));
}

TEST(CatalogChurn, IsSeenByTheTriggersOfTablesThatFunctionsMakeAndDrop) {
    EXPECT_THAT(causes_of(triggers_compiled_by("SELECT load($1)", "SELECT $1")),
                ElementsAre("catalog-churn"));
}

// A load whose statements are seen by looks now and then: `leaks`, which the growth goes with,
// always, those that make and drop its tables in most loads.
SyntheticBackend load_seen_now_and_then(const std::string& path, const std::string& leaks) {
    SyntheticBackend backend;
    Dice dice(3);
    const auto seen = [&](double seconds, const std::string& query, double bytes) {
        backend.run(seconds, query, path, bytes);
        backend.backend().executions.back().sighting =
            Sighting{.after_ns = std::llround(dice.uniform() * 1e6), .gap_ns = 1'000'000};
    };
    for (int i = 0; i < 60; ++i) {
        for (int loads = dice.poisson(4); loads > 0; --loads) {
            for (const char* const definition :
                 {"CREATE TABLE roles (a int)", "DROP TABLE roles"}) {
                if (dice.uniform() < (i % 2 == 0 ? 0.9 : 0.3)) {
                    seen(i + 0.5, definition, 0);
                }
            }
            seen(i + 0.5, leaks, 20000);
        }
        backend.snapshot(i + 1);
    }
    return backend;
}

TEST(CatalogChurn, IsSeenByTheDropsThoughTheBytesGoWithAnotherStatementSeenNowAndThen) {
    const Cause cause =
        only_cause(load_seen_now_and_then(kTop + "/PL/pgSQL function", "SELECT grant_roles($1)"));
    EXPECT_EQ(cause.id, "catalog-churn");
    EXPECT_LT(cause.confidence, 0.9);
    EXPECT_EQ(cause.statements.at(0).query, "SELECT grant_roles($1)");
    EXPECT_THAT(cause.evidence,
                testing::Contains(testing::ContainsRegex("dropped 1[0-9]{2} times, beside")));
}

// Conjur's load on a machine without a processor to spare: one schema of five tables is dropped,
// two functions are compiled and kept, and the growth goes with what runs twenty times.
SyntheticBackend load_of_a_schema(const char* makes) {
    SyntheticBackend backend;
    Dice dice(4);
    const auto seen = [&](double seconds, const std::string& query) {
        backend.run(seconds, query);
        backend.backend().executions.back().sighting =
            Sighting{.after_ns = std::llround(dice.uniform() * 1e6), .gap_ns = 1'000'000};
    };
    for (int i = 0; i < 60; ++i) {
        for (int loads = dice.poisson(4); loads > 0; --loads) {
            for (int table = 0; table < 5; ++table) {
                if (dice.uniform() < 0.7) {
                    seen(i + 0.4, makes);
                }
            }
            if (dice.uniform() < 0.5) {
                seen(i + 0.5, "DROP SCHEMA load_* CASCADE");
            }
            for (int names = 0; names < 20; ++names) {
                seen(i + 0.5, "SELECT attname FROM pg_attribute WHERE attrelid = $1");
            }
            backend.grow(kTop + "/PL/pgSQL function", 40000);
            backend.add_contexts(kTop + "/PL/pgSQL function", 2);
        }
        backend.snapshot(i + 1);
    }
    return backend;
}

TEST(CatalogChurn, IsSeenByTheTablesOfDroppedSchemasThoughTheBytesGoWithWhatRunsMoreOften) {
    const Cause cause = only_cause(load_of_a_schema("CREATE TABLE roles (a int)"));
    EXPECT_EQ(cause.id, "catalog-churn");
    EXPECT_THAT(cause.evidence,
                testing::Contains(testing::ContainsRegex(
                    "made [0-9,]+ times, and they or their schemas dropped 1[0-9]{2} times")));
}

// The same on a machine so busy that statements are seen in one second of ten: how many loads there
// were between two snapshots does not show.
SyntheticBackend load_of_which_little_is_seen(const std::vector<std::string>& queries,
                                              int relations_that_stay = 0,
                                              const std::string& seen_for_certain = "") {
    SyntheticBackend backend;
    Dice dice(5);
    for (int i = 0; i < 60; ++i) {
        const int loads = 2 + dice.poisson(10);
        for (const std::string& query : queries) {
            for (int seen = i % 10 == 0 ? 6 : 0; seen > 0; --seen) {
                backend.run(i + 0.5, query);
                backend.backend().executions.back().sighting =
                    Sighting{.after_ns = std::llround(dice.uniform() * 1e5), .gap_ns = 2'000'000};
            }
        }
        for (int seen = i % 10 == 0 && !seen_for_certain.empty() ? 3 : 0; seen > 0; --seen) {
            backend.run(i + 0.5, seen_for_certain);
        }
        backend.grow(kTop + "/PL/pgSQL function", 40000 * loads);
        backend.add_contexts(kTop + "/PL/pgSQL function", loads);
        // What malloc adds to the pages is nobody's.
        backend.grow_outside(20000 * loads);
        backend.grow(kTop + "/Relcache by OID", 32 * loads * relations_that_stay);
        backend.snapshot(i + 1);
    }
    return backend;
}

const std::vector<std::string> kMadeAndDropped{"CREATE TABLE roles (a int)",
                                               "DROP SCHEMA load_* CASCADE"};

// As measured: a statement that its client thinks about was seen nineteen times, each time for
// certain, of some hundred and seventy.
TEST(CatalogChurn, IsPutDownToTheNumberOfItsOwnStatementsNotOfOneThatSeemsToGoWithThem) {
    const Cause cause = only_cause(
        load_of_which_little_is_seen(kMadeAndDropped, /*relations_that_stay=*/0, "SELECT f($1)"));
    EXPECT_EQ(cause.id, "catalog-churn");
    ASSERT_EQ(cause.statements.size(), 1U);
    EXPECT_EQ(cause.statements[0].query, "DROP SCHEMA load_* CASCADE");
    EXPECT_GT(cause.statements[0].calls, 300);
}

// As measured: of the statements of 150 loads one that was seen seven times went with the bytes
// best.
TEST(CatalogChurn, IsPutDownByNumberWhereAFitOfFewSightingsSaysFarLess) {
    const StatementColumn drops{
        .query = "DROP SCHEMA load_* CASCADE", .calls = {0, 150}, .error = 0.3};
    const StatementColumn makes{
        .query = "CREATE TABLE roles (a int)", .calls = {0, 24}, .error = 0.7};
    const auto names = [&](const Estimate& of_fit) {
        const BackendHistory backend;
        const Suspicion suspicion{.backend = backend,
                                  .bytes = 6e6,
                                  .lasting_bytes = 6e6,
                                  .groups = {{.rounds = 24,
                                              .bytes_per_round = of_fit,
                                              .bytes_so_far = {0, 6e6},
                                              .statements = {{.statement = &makes}}}},
                                  .ranked = {&drops, &makes},
                                  .best_counted = SuspectedGroup{
                                      .rounds = 150,
                                      .bytes_per_round = {.value = 4e4, .low = 2e4, .high = 8e4},
                                      .bytes_so_far = {0, 6e6},
                                      .statements = {{.statement = &drops}}}};
        const Finding finding = catalog_churn_rule().explain(suspicion).value();
        EXPECT_NE(finding.by_count, finding.groups == std::vector<std::size_t>{0});
        return finding.by_count ? "DROP" : "CREATE";
    };
    EXPECT_EQ(names({.value = 2.5e5, .low = 0.6e5, .high = 8e5}), "DROP");
    EXPECT_EQ(names({.value = 2.5e5, .low = 1.2e5, .high = 5e5}), "CREATE");
}

TEST(CatalogChurn, IsSeenByTheTablesOfDroppedSchemasThoughTheBytesGoWithNoStatement) {
    const Cause cause = only_cause(load_of_which_little_is_seen(kMadeAndDropped));
    EXPECT_EQ(cause.id, "catalog-churn");
    // All of it is put down to one of them, by its number, which is an estimate.
    ASSERT_EQ(cause.statements.size(), 1U);
    const AttributedStatement& statement = cause.statements[0];
    EXPECT_EQ(statement.query, "DROP SCHEMA load_* CASCADE");
    EXPECT_NEAR(static_cast<double>(statement.calls) * statement.bytes_per_call.value,
                static_cast<double>(cause.bytes),
                0.02 * static_cast<double>(cause.bytes));
    EXPECT_LT(statement.bytes_per_call.low, 0.7 * statement.bytes_per_call.value);
    EXPECT_GT(statement.bytes_per_call.high, 1.4 * statement.bytes_per_call.value);
    EXPECT_THAT(cause.evidence, testing::Contains(HasSubstr("whose number is known best")));
    EXPECT_LT(cause.confidence, 0.7);
    EXPECT_THAT(cause.evidence, testing::Contains(HasSubstr("or their schemas dropped ")));
    EXPECT_THAT(cause.evidence, testing::Not(testing::Contains(HasSubstr("straight line"))));
}

TEST(CatalogChurn, IsSeenByTheTablesThatTheBackendDoesNotKnowThoughNoDropWasSeen) {
    const std::vector<std::string> made{kMadeAndDropped.front()};
    const Cause cause = only_cause(load_of_which_little_is_seen(made));
    EXPECT_EQ(cause.id, "catalog-churn");
    EXPECT_THAT(cause.evidence,
                testing::Contains(testing::ContainsRegex("made [0-9,]+ times, and the backend "
                                                         "knows 0 more relations")));
    EXPECT_NE(causes_of(load_of_which_little_is_seen(made, 1)).at(0), "catalog-churn");
}

TEST(CatalogChurn, IsSeenByWhatIsMissingOfTheTablesThoughCachesFillMeanwhile) {
    for (const int missing : {900, 0}) {
        SyntheticBackend backend = load_of_which_little_is_seen(kMadeAndDropped);
        explain_ends(backend, [&](Explanation& after) {
            after.catalog_caches[0].entries += 2000;
            after.catalog_caches[1].negative_entries += missing;
        });
        EXPECT_EQ(causes_of(backend).at(0) == "catalog-churn", missing > 0);
    }
}

TEST(CatalogChurn, IsSeenThoughItEndedWithLoadsThatTheBytesWereNotTiedTo) {
    for (const bool goes_on : {false, true}) {
        SyntheticBackend backend = load_of_which_little_is_seen(kMadeAndDropped);
        for (int i = 60; i < 90; ++i) {
            if (goes_on) {
                backend.run(i + 0.5, "DROP SCHEMA load_* CASCADE");
            }
            backend.snapshot(i + 1);
        }
        EXPECT_EQ(causes_of(backend).size(), goes_on ? 0U : 1U);
    }
}

// Of a load's statements the one that only alters a table, or makes a function, may be seen best.
TEST(CatalogChurn, IsSeenByTheTablesMadeAndDroppedThoughTheBytesGoWithAnotherDefinition) {
    for (const char* const definition : {"ALTER TABLE roles ADD PRIMARY KEY (a)",
                                         "CREATE OR REPLACE FUNCTION grant() RETURNS trigger"}) {
        const Cause cause =
            only_cause(load_seen_now_and_then(kTop + "/PL/pgSQL function", definition));
        EXPECT_EQ(cause.id, "catalog-churn");
        EXPECT_EQ(cause.statements.at(0).query, definition);
    }
}

TEST(CatalogChurn, IsNotNamedWhereFewerThingsAreGoneThanStay) {
    EXPECT_NE(causes_of(load_of_a_schema("CREATE FUNCTION account() RETURNS text")).at(0),
              "catalog-churn");
}

// What comes and goes beside it hides the growth of the whole, but not that of the part.
TEST(CatalogChurn, IsSeenThoughTheOtherCachesComeAndGo) {
    SyntheticBackend backend;
    Dice dice(6);
    double other = 0;
    for (int i = 0; i < 40; ++i) {
        backend.run(i + 0.5, "CREATE SCHEMA load_*");
        backend.run(i + 0.6, "DROP SCHEMA load_* CASCADE", kTop + "/PL/pgSQL function", 20000);
        const double now = 900000 * dice.uniform();
        backend.grow(kCatalogCache, now - other);
        other = now;
        backend.snapshot(i + 1);
    }
    EXPECT_EQ(causes_of(backend).at(0), "catalog-churn");
}

// That slows the growth of the whole down, but not that of the part which is the leak.
TEST(CatalogChurn, IsSeenThoughACacheFillsBesideIt) {
    SyntheticBackend backend;
    for (int i = 0; i < 40; ++i) {
        backend.run(i + 0.5, "CREATE SCHEMA load_*");
        backend.run(i + 0.6, "DROP SCHEMA load_* CASCADE", kTop + "/PL/pgSQL function", 20000);
        backend.grow(kCatalogCache, i < 20 ? 8000 : 0);
        backend.snapshot(i + 1);
    }
    EXPECT_THAT(causes_of(backend), ElementsAre("catalog-churn"));
}

}  // namespace
}  // namespace palloscope
