// Each cause's rule, on histories that show the cause and on those of its neighbours.

#include "inspector/diagnosis/cause_rules.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/diagnosis/diagnosis.hpp"
#include "tests/inspector/diagnosis/calls_of.hpp"
#include "tests/inspector/diagnosis/causes_of.hpp"
#include "tests/inspector/diagnosis/synthetic_history.hpp"
#include "tests/inspector/diagnosis/typical_leaks.hpp"

namespace palloscope {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Names asked for in vain.

TEST(NegativeCatcache, IsNamedWhereStatementsAskForNamesThatMayNotExist) {
    const Cause cause = only_cause(caches_filled_by("SELECT to_regclass($1) IS NOT NULL"));
    EXPECT_EQ(cause.id, "negative-catcache");
    EXPECT_NEAR(cause.statements.at(0).bytes_per_call.value, 450, 1);
    EXPECT_LT(cause.confidence, 0.8);
}

TEST(NegativeCatcache, IsNamedWhereStatementsFailSinceWhatTheyNameDoesNotExist) {
    SyntheticBackend backend = caches_filled_by("SELECT $1 FROM policy_*");
    EXPECT_THAT(causes_of(backend), ElementsAre("unknown"));
    for (ExecutionRecord& execution : backend.backend().executions) {
        execution.in_vain = execution.form == backend.backend().executions.front().form;
        execution.failed = execution.in_vain;
    }
    const Cause cause = only_cause(backend);
    EXPECT_EQ(cause.id, "negative-catcache");
    EXPECT_THAT(cause.evidence, Contains(HasSubstr("fail, since there is no table")));
    EXPECT_THAT(cause.remedies.front(), HasSubstr("a statement that fails"));
}

TEST(NegativeCatcache, IsSureWhereExplanationsFindNegativeEntriesUnderNames) {
    SyntheticBackend backend = caches_filled_by("SELECT exists_table($1)");
    explain_ends(backend, [](Explanation& after) {
        after.catalog_caches[0].negative_entries += 700;
        after.catalog_caches[0].entries += 3;
    });
    const Cause cause = only_cause(backend);
    EXPECT_EQ(cause.id, "negative-catcache");
    EXPECT_GT(cause.confidence, 0.85);
    EXPECT_THAT(cause.evidence, testing::Contains(HasSubstr("700 more names")));
}

TEST(NegativeCatcache, IsNotNamedWhereNothingTellsWhatFillsTheCaches) {
    EXPECT_THAT(causes_of(caches_filled_by("SELECT count(*) FROM t")), ElementsAre("unknown"));
}

TEST(CatalogBreadth, IsNamedWhereExplanationsFindMoreRelationsThanMissingNames) {
    SyntheticBackend backend = caches_filled_by("SELECT count(*) FROM measurements_*");
    explain_ends(backend, [](Explanation& after) {
        after.relations.resize(300);
        after.catalog_caches[0].entries += 300;
        after.catalog_caches[0].negative_entries += 150;
    });
    EXPECT_THAT(causes_of(backend), ElementsAre("catalog-breadth"));
}

TEST(CatalogBreadth, IsNamedWhereTheTableOfRelationsGrowsWithTheCaches) {
    const Cause cause =
        only_cause(calls_of("SELECT count(*) FROM measurements_*", [](SyntheticBackend& backend) {
            backend.grow(kCatalogCache, 4000);
            backend.grow(kIndexInfo, 1000);
            backend.add_contexts(kIndexInfo, 1);
            backend.grow(kTop + "/Relcache by OID", 64);
        }));
    EXPECT_EQ(cause.id, "catalog-breadth");
    EXPECT_NEAR(cause.statements.at(0).bytes_per_call.value, 5064, 1);
}

TEST(CatalogBreadth, IsNamedWhereWhatIsMadeIsThereToStay) {
    EXPECT_THAT(causes_of(calls_of("CREATE TABLE tenant_*_orders (order_id integer)",
                                   [](SyntheticBackend& backend) {
                                       backend.grow(kCatalogCache, 4000);
                                       backend.grow(kTop + "/Relcache by OID", 64);
                                   })),
                ElementsAre("catalog-breadth"));
}

// Statements and functions.

TEST(PreparedStatements, AreNamedWhereTheTableOfTheirNamesGrowsWithThePlans) {
    const Cause cause =
        only_cause(plans_kept_by("PREPARE report_* AS SELECT $1", kTop + "/Prepared Queries", 112));
    EXPECT_EQ(cause.id, "prepared-statements");
    EXPECT_NEAR(cause.statements.at(0).bytes_per_call.value, 8112, 1);
    EXPECT_THAT(cause.remedies, testing::Contains(HasSubstr("prepareThreshold=0")));
}

TEST(PlanCache, IsNamedWherePlansGrowAndNoNamesOfPreparedStatements) {
    EXPECT_THAT(causes_of(plans_kept_by("SELECT query_*()", kTop + "/PL/pgSQL function", 6000)),
                ElementsAre("plan-cache"));
}

// The table of their names comes into being with room for the first ones.
TEST(PlanCache, IsNamedThoughAFirstStatementIsPrepared) {
    int calls = 0;
    EXPECT_THAT(causes_of(calls_of("SELECT query_*()",
                                   [&](SyntheticBackend& backend) {
                                       if (++calls % 3 == 0) {
                                           const std::string source =
                                               kCatalogCache + "/CachedPlanSource";
                                           backend.grow(source, 14000);
                                           backend.add_contexts(source, 1);
                                       }
                                       if (calls == 100) {
                                           backend.grow(kTop + "/Prepared Queries", 9800);
                                       }
                                   })),
                ElementsAre("plan-cache"));
}

TEST(PlanCache, IsNamedThoughItsFunctionsAreMadeAndDropped) {
    EXPECT_THAT(
        causes_of(plans_kept_by("CREATE FUNCTION query_*()", kTop + "/PL/pgSQL function", 6000)),
        ElementsAre("plan-cache"));
}

TEST(ProceduralFunctions, AreNamedWhereTheyTakeMoreThanTheirPlans) {
    EXPECT_THAT(
        causes_of(plans_kept_by("SELECT check_rule_*()", kTop + "/PL/pgSQL function", 30000)),
        ElementsAre("procedural-functions"));
    // Where PostgreSQL 18 keeps them.
    EXPECT_THAT(causes_of(plans_kept_by(
                    "SELECT check_rule_*()", kCatalogCache + "/PL/pgSQL function", 30000)),
                ElementsAre("procedural-functions"));
}

TEST(PreparedStatements, AreToldFromPlansByExplanations) {
    SyntheticBackend backend = plans_kept_by("SELECT $1", kTop + "/Some table", 0);
    explain_ends(backend, [](Explanation& after) {
        after.prepared_statements.resize(300, {.query = "SELECT $1", .bytes = 8000});
        after.kept_plans.resize(10, {.query = "a + b", .bytes = 4000});
    });
    EXPECT_THAT(causes_of(backend), ElementsAre("prepared-statements"));
}

// A looker-on misses short statements; what the bytes are it knows all the same.
TEST(PreparedStatements, AccountForAllOfTheirContextsThoughSomeStatementsWereNotSeen) {
    SyntheticBackend backend =
        plans_kept_by("PREPARE report_* AS SELECT $1", kTop + "/Prepared Queries", 112);
    auto& executions = backend.backend().executions;
    std::size_t nth = 0;
    std::erase_if(executions, [&](const ExecutionRecord&) { return ++nth % 3 == 0; });
    const BackendDiagnosis diagnosis = diagnose(backend.history()).backends[0];
    EXPECT_THAT(ids(diagnosis.causes), ElementsAre("prepared-statements"));
    EXPECT_EQ(diagnosis.causes[0].bytes, diagnosis.growth.bytes);
    EXPECT_EQ(diagnosis.unexplained_bytes, 0);
}

// Cursors, transactions, sessions.

const std::string kPortals = kTop + "/TopPortalContext";

TEST(OpenCursors, AreNamedWhereThereAreMorePortals) {
    const Cause cause = only_cause(
        calls_of("DECLARE page_* CURSOR WITH HOLD FOR SELECT $1", [](SyntheticBackend& backend) {
            for (const char* const name : {"/PortalHoldContext", "/PortalContext"}) {
                backend.grow(kPortals + name, 8000);
                backend.add_contexts(kPortals + name, 1);
            }
        }));
    EXPECT_EQ(cause.id, "open-cursors");
    EXPECT_NEAR(cause.statements.at(0).bytes_per_call.value, 16000, 1);
}

TEST(QueryWorkspace, IsNoLeakWhereOneStatementHoldsEverMore) {
    const SyntheticBackend backend = calls_of(
        "FETCH $1",
        [](SyntheticBackend& growing) {
            growing.grow(kPortals + "/PortalContext/ExecutorState", 100'000);
        },
        "active");
    const BackendDiagnosis diagnosis = diagnose(backend.history()).backends[0];
    EXPECT_THAT(diagnosis.causes, IsEmpty());
    EXPECT_THAT(ids(diagnosis.harmless), ElementsAre("query-workspace"));
    EXPECT_FALSE(diagnosis.leaks());
    EXPECT_FALSE(diagnosis.growth.significant());
}

TEST(QueryWorkspace, IsNotSeenInWhatStaysBetweenStatements) {
    const SyntheticBackend backend = calls_of("SELECT $1, $2", [](SyntheticBackend& growing) {
        growing.grow(kPortals + "/PortalContext", 1000);
    });
    EXPECT_THAT(causes_of(backend), ElementsAre("unknown"));
}

// Statements of a driver and of SQL, of which looks see few: what they left says how many there
// were.
TEST(PreparedStatements, AreCountedByThePlansThatTheyLeft) {
    const std::string plans = kCatalogCache + "/CachedPlanSource";
    const std::string by_sql = "PREPARE report_* AS SELECT sum(total) FROM orders WHERE id = $1";
    const std::string by_driver = "SELECT total FROM orders WHERE customer_id IN ($1, ...)";
    SyntheticBackend backend;
    KeptByStatements reports{.path = plans, .family = "PREPARE report_* AS SELECT sum(total) F..."};
    KeptByStatements lists{.path = plans, .family = by_driver};
    Dice dice(6);
    const auto seen_now_and_then = [&](double seconds, const std::string& query, double share) {
        if (dice.uniform() < share) {
            backend.run(seconds, query);
            backend.backend().executions.back().sighting =
                Sighting{.after_ns = std::llround(dice.uniform() * 1e5), .gap_ns = 300'000};
        }
    };
    for (std::size_t i = 0; i < 60; ++i) {
        const auto seconds = static_cast<double>(i);
        for (int calls = dice.poisson(2); calls > 0; --calls) {
            seen_now_and_then(seconds + 0.2, by_sql, 0.1);
            seen_now_and_then(seconds + 0.3, "EXECUTE report_*($1)", 0.9);
            reports.changes.push_back({.snapshot = i, .by = 1});
            backend.grow(plans, 10'600);
        }
        for (int calls = dice.poisson(2); calls > 0; --calls) {
            seen_now_and_then(seconds + 0.5, by_driver, 0.3);
            lists.changes.push_back({.snapshot = i, .by = 1});
            backend.grow(plans, 8'700);
        }
        backend.grow(kCatalogCache + "/Prepared Queries", 800);
        backend.snapshot(seconds + 1);
    }
    backend.backend().kept = {reports, lists};
    const Diagnosis diagnosis = diagnose(backend.history("activity"));
    ASSERT_THAT(ids(diagnosis.backends.at(0).causes), ElementsAre("prepared-statements"));
    const Cause& cause = diagnosis.backends[0].causes[0];
    std::map<std::string, double> bytes;
    for (const AttributedStatement& statement : cause.statements) {
        bytes[statement.query] = statement.bytes_per_call.value;
    }
    EXPECT_NEAR(bytes[by_sql], 10'600, 300);
    EXPECT_NEAR(bytes[by_driver], 8'700, 300);
    EXPECT_TRUE(bytes.size() == 2 || bytes.contains("EXECUTE report_*($1)"));
}

TEST(LongTransaction, IsNamedWhereSubtransactionsStayOpen) {
    const std::string subtransaction = kTop + "/TopTransactionContext/CurTransactionContext";
    const Cause cause = only_cause(calls_of(
        "SAVEPOINT s",
        [&](SyntheticBackend& backend) {
            backend.grow(subtransaction, 250);
            backend.add_contexts(subtransaction, 1);
            backend.grow(kTop, 1600);
        },
        "idle in transaction"));
    EXPECT_EQ(cause.id, "long-transaction");
    EXPECT_NEAR(cause.statements.at(0).bytes_per_call.value, 1850, 1);
    EXPECT_THAT(cause.remedies, testing::Contains(HasSubstr("RELEASE SAVEPOINT")));
}

// Events of triggers come in blocks, of which pages are touched one by one: as large as all before
// them, and a megabyte at most.
SyntheticBackend calls_with_events(double bytes_a_call, double first_block) {
    double events = 0;
    double blocks = 0;
    return calls_of(
        "INSERT INTO imported_orders SELECT $1",
        [&](SyntheticBackend& backend) {
            events += bytes_a_call;
            backend.grow_outside(bytes_a_call);
            while (events > blocks) {
                const double block = std::clamp<double>(blocks, first_block, 1 << 20);
                blocks += block;
                backend.grow(kTop + "/TopTransactionContext/AfterTriggerEvents", block);
                backend.grow_outside(-block);
            }
        },
        "idle in transaction");
}

TEST(LongTransaction, IsNamedForEventsOfTriggersThoughTheyComeInFewBlocks) {
    const Cause cause = only_cause(calls_with_events(14'000, 1 << 20));
    EXPECT_EQ(cause.id, "long-transaction");
    EXPECT_EQ(cause.statements.at(0).query, "INSERT INTO imported_orders SELECT $1");
    EXPECT_NEAR(cause.statements[0].bytes_per_call.value, 14'000, 100);
    EXPECT_THAT(cause.remedies, testing::Contains(HasSubstr("SET CONSTRAINTS ALL IMMEDIATE")));
}

// As measured: in the second third of the recording no block came.
TEST(LongTransaction, IsNamedThoughNoBlockCameForAThirdOfTheTime) {
    const Cause cause = only_cause(calls_with_events(10'356, 1 << 16));
    EXPECT_EQ(cause.id, "long-transaction");
    EXPECT_EQ(cause.statements.at(0).query, "INSERT INTO imported_orders SELECT $1");
}

TEST(SessionState, IsNamedForChannelsAndLocks) {
    const Cause channels = only_cause(calls_of(
        "LISTEN conversation_*", [](SyntheticBackend& backend) { backend.grow(kTop, 90); }));
    EXPECT_EQ(channels.id, "session-state");
    EXPECT_THAT(channels.title, HasSubstr("channels"));
    const Cause locks = only_cause(calls_of("SELECT lock_job($1)", [](SyntheticBackend& backend) {
        backend.grow(kTop, 160);
        backend.grow(kTop + "/LOCALLOCK hash", 90);
    }));
    EXPECT_EQ(locks.id, "session-state");
    EXPECT_THAT(locks.title, HasSubstr("locks"));
}

TEST(SessionState, IsNamedForChannelsInTheirTableOf19) {
    EXPECT_THAT(causes_of(calls_of("LISTEN conversation_*",
                                   [](SyntheticBackend& backend) {
                                       backend.grow(kTop + "/Local Listen Channels", 90);
                                   })),
                ElementsAre("session-state"));
}

TEST(SessionState, IsNamedForChannelsThoughTheBytesGoWithAnotherStatement) {
    SyntheticBackend backend =
        calls_of("NOTIFY presence", [](SyntheticBackend& grown) { grown.grow(kTop, 96); });
    explain_ends(backend, [](Explanation& after) {
        after.channels.resize(300, {.name = "conversation", .bytes = 80});
    });
    const Cause cause = only_cause(backend);
    EXPECT_EQ(cause.id, "session-state");
    EXPECT_THAT(cause.title, HasSubstr("channels"));
    EXPECT_THAT(cause.evidence, testing::Contains(HasSubstr("300 more channels listened to")));
    // And with both.
    Dice dice(4);
    SyntheticBackend half = calls_of("NOTIFY presence", [&](SyntheticBackend& grown) {
        grown.grow(kTop, 48);
        if (dice.uniform() < 0.5) {
            grown.run(0.5 + static_cast<double>(grown.backend().snapshots.size()),
                      "LISTEN conversation_*",
                      kTop,
                      96);
        }
    });
    explain_ends(half, [](Explanation& after) {
        after.channels.resize(300, {.name = "conversation", .bytes = 80});
    });
    EXPECT_EQ(only_cause(half).id, "session-state");
}

// Each transaction of a load begins by a lock that it gives back, and takes none to two that stay:
// over some loops, the growth goes with the first as evenly as with time.
TEST(SessionState, IsPutDownToLocksThatStayThoughTheBytesGoWithThoseGivenBack) {
    Dice dice(11);
    const Cause cause =
        only_cause(calls_of("SELECT pg_try_advisory_xact_lock($1)", [&](SyntheticBackend& backend) {
            backend.grow(kTop, 144);
            backend.grow(kTop + "/LOCALLOCK hash", 92);
            for (int locks = dice.poisson(1); locks > 0; --locks) {
                backend.run(0.5 + static_cast<double>(backend.backend().snapshots.size()),
                            "SELECT pg_advisory_lock($1)");
            }
        }));
    EXPECT_EQ(cause.id, "session-state");
    ASSERT_THAT(cause.statements, testing::SizeIs(1));
    EXPECT_EQ(cause.statements[0].query, "SELECT pg_advisory_lock($1)");
    EXPECT_NEAR(
        cause.statements[0].bytes_per_call.value * static_cast<double>(cause.statements[0].calls),
        static_cast<double>(cause.bytes),
        0.05 * static_cast<double>(cause.bytes));
}

TEST(SessionState, IsNotNamedForOtherGrowthOfTopMemoryContext) {
    EXPECT_THAT(causes_of(calls_of("SELECT leak($1)",
                                   [](SyntheticBackend& backend) { backend.grow(kTop, 90); })),
                ElementsAre("unknown"));
}

}  // namespace
}  // namespace palloscope
