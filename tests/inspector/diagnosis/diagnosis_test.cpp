#include "inspector/diagnosis/diagnosis.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/inspector/diagnosis/synthetic_history.hpp"

namespace palloscope {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const std::string kFunction = "TopMemoryContext/PL/pgSQL function";

// Policy loads at random moments among logins that leak nothing.
SyntheticBackend policy_loads(std::uint64_t seed, int snapshots, double stays) {
    SyntheticBackend backend;
    Dice dice(seed);
    int number = 0;
    for (int i = 0; i < snapshots; ++i) {
        const int loads = dice.poisson(5);
        for (int load = 0; load < loads; ++load) {
            run_policy_load(backend, i + (load + 1.0) / (loads + 1), ++number, stays);
        }
        for (int logins = dice.poisson(8); logins > 0; --logins) {
            backend.run(i + 0.95, "SELECT * FROM credentials WHERE role_id = $1");
        }
        backend.snapshot(i + 1);
    }
    return backend;
}

TEST(Diagnosis, NamesCatalogChurnAndWhatALoadLeaves) {
    const Diagnosis diagnosis = diagnose(policy_loads(1, 60, 4200).history());
    ASSERT_THAT(diagnosis.backends, SizeIs(1));
    const BackendDiagnosis& backend = diagnosis.backends[0];
    EXPECT_EQ(backend.growth.verdict, GrowthVerdict::kLeak);
    ASSERT_THAT(backend.causes, SizeIs(1));
    const Cause& cause = backend.causes[0];
    EXPECT_EQ(cause.id, "catalog-churn");
    EXPECT_GT(cause.confidence, 0.9);
    ASSERT_THAT(cause.contexts, SizeIs(1));
    EXPECT_EQ(cause.contexts[0].path, kCatalogCache);
    ASSERT_GE(cause.statements.size(), 3U);
    EXPECT_EQ(cause.statements[0].query, "CREATE SCHEMA policy_loader_*");
    EXPECT_EQ(cause.statements[1].query, "DROP SCHEMA policy_loader_* CASCADE");
    EXPECT_THAT(cause.statements[2].query, HasSubstr("CREATE TABLE"));
    EXPECT_NEAR(cause.statements[0].bytes_per_call.value, 4200, 1);
    for (const AttributedStatement& statement : cause.statements) {
        EXPECT_EQ(statement.group, cause.statements[0].group);
        EXPECT_THAT(statement.query, Not(HasSubstr("credentials")));
    }
    EXPECT_NEAR(static_cast<double>(backend.unexplained_bytes), 0, 100);
}

TEST(Diagnosis, CountsCallsTimesBytesACallAsTheCausesBytes) {
    const Diagnosis diagnosis = diagnose(policy_loads(2, 60, 4200).history());
    const Cause& cause = diagnosis.backends[0].causes.at(0);
    const AttributedStatement& one = cause.statements[0];
    EXPECT_NEAR(static_cast<double>(cause.bytes),
                static_cast<double>(one.calls) * one.bytes_per_call.value,
                1);
}

// Loads back to back, so that nearly every snapshot falls amid one, whose relations then fill the
// very context that leaks.
SyntheticBackend busy_loads(std::uint64_t seed, double stays) {
    SyntheticBackend backend;
    Dice dice(seed);
    double next = 1;
    double now = 0;
    for (int number = 1; now < 61; ++number) {
        const double duration = 0.1 * (0.8 + 0.4 * dice.uniform());
        while (next <= now + duration) {
            const double done = (next - now) / duration;
            backend.grow(kCatalogCache, 250e3 * done);
            backend.snapshot(next, "idle in transaction");
            backend.grow(kCatalogCache, -250e3 * done);
            next += 1;
        }
        now += duration;
        run_policy_load(backend, now, number, stays);
        now += 0.005 * dice.poisson(2);
    }
    return backend;
}

TEST(Diagnosis, MeasuresALoadWithinATenthThoughEverySnapshotFallsAmidOne) {
    int held = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const Diagnosis diagnosis = diagnose(busy_loads(seed, 6000).history());
        const BackendDiagnosis& backend = diagnosis.backends[0];
        EXPECT_THAT(backend.notes, Contains(HasSubstr("so all are used"))) << "seed " << seed;
        ASSERT_THAT(backend.causes, SizeIs(1)) << "seed " << seed;
        EXPECT_EQ(backend.causes[0].id, "catalog-churn");
        const Estimate& bytes = backend.causes[0].statements.at(0).bytes_per_call;
        EXPECT_NEAR(bytes.value, 6000, 600) << "seed " << seed;
        held += bytes.low <= 6000 && 6000 <= bytes.high ? 1 : 0;
    }
    EXPECT_GE(held, 18);
}

TEST(Diagnosis, SaysThatNothingLeaksWhereCachesFillAndStay) {
    SyntheticBackend backend;
    Dice dice(3);
    for (int i = 0; i < 60; ++i) {
        for (int transactions = 20 + dice.poisson(10); transactions > 0; --transactions) {
            backend.run(i + 0.5,
                        "UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2");
            backend.run(i + 0.5, "INSERT INTO pgbench_history VALUES ($1, $2)");
        }
        backend.grow(kCatalogCache, 300e3 * std::exp(-i / 2.0));
        backend.snapshot(i + 1, "idle", 3000 * dice.uniform());
    }
    const Diagnosis diagnosis = diagnose(backend.history());
    EXPECT_EQ(diagnosis.backends[0].growth.verdict, GrowthVerdict::kSettled);
    EXPECT_FALSE(diagnosis.backends[0].growth.significant());
    EXPECT_THAT(diagnosis.backends[0].causes, IsEmpty());
}

TEST(Diagnosis, LeavesTheWarmUpOutOfTheCauseAndSaysHowMuchItWas) {
    SyntheticBackend backend = policy_loads(4, 90, 3000);
    for (ContextSeries& series : backend.backend().contexts) {
        for (std::size_t i = 0; i < series.figures.size() && series.path == kCatalogCache; ++i) {
            const auto warm = std::llround(700e3 * (1 - std::exp(-static_cast<double>(i) / 2)));
            series.figures[i].used_bytes += warm;
            backend.backend().snapshots[i].total.used_bytes += warm;
        }
    }
    const Diagnosis diagnosis = diagnose(backend.history());
    const BackendDiagnosis& found = diagnosis.backends[0];
    ASSERT_THAT(found.causes, SizeIs(1));
    EXPECT_NEAR(found.causes[0].statements.at(0).bytes_per_call.value, 3000, 60);
    EXPECT_GT(found.growth.warm_up_bytes, 500e3);
    EXPECT_NEAR(static_cast<double>(found.unexplained_bytes), 700e3, 50e3);
}

// What comes after the last load, for half a minute: nothing, or logins that leak nothing.
SyntheticBackend loads_then_rest(int logins) {
    SyntheticBackend backend = policy_loads(12, 60, 4200);
    for (int i = 60; i < 90; ++i) {
        for (int login = 0; login < logins; ++login) {
            backend.run(i + 0.5, "SELECT * FROM credentials WHERE role_id = $1");
        }
        backend.snapshot(i + 1);
    }
    return backend;
}

TEST(Diagnosis, GivesTheRateOfALeakSinceItBegan) {
    SyntheticBackend backend;
    Dice dice(5);
    for (int second = 0; second < 120; ++second) {
        for (int logins = dice.poisson(8); logins > 0; --logins) {
            backend.run(second + 0.5, "SELECT * FROM credentials WHERE role_id = $1");
        }
        for (int calls = second < 70 ? 0 : dice.poisson(10); calls > 0; --calls) {
            backend.run(second + 0.6, "SELECT leak($1)", kOther, 10'000);
        }
        backend.snapshot(second + 1);
    }
    History history = backend.history();
    history.backends.at(0).allowance = {.limit_bytes = 200'000'000, .left_bytes = 100'000'000};
    const BackendDiagnosis late = diagnose(history).backends.at(0);
    ASSERT_TRUE(late.leaks());
    EXPECT_NEAR(late.growth.quiet_seconds, 70, 5);
    EXPECT_NEAR(late.growth.bytes_per_second.value, 100'000, 15'000);
    EXPECT_GT(late.growth.bytes_per_second.low, 70'000);
    ASSERT_THAT(late.causes, SizeIs(1));
    ASSERT_FALSE(late.causes[0].statements.empty());
    EXPECT_EQ(late.causes[0].statements[0].query, "SELECT leak($1)");
    EXPECT_NEAR(late.causes[0].statements[0].bytes_per_call.value, 10'000, 500);
    ASSERT_TRUE(late.forecast);
    EXPECT_NEAR(late.forecast->seconds.value, 1000, 200);
}

TEST(Diagnosis, NamesTheCauseOfALeakThatEndedWithItsStatements) {
    for (const int logins : {0, 8}) {
        const Diagnosis diagnosis = diagnose(loads_then_rest(logins).history());
        const BackendDiagnosis& backend = diagnosis.backends[0];
        ASSERT_THAT(backend.causes, SizeIs(1)) << logins;
        EXPECT_EQ(backend.causes[0].id, "catalog-churn");
        EXPECT_NEAR(backend.causes[0].statements.at(0).bytes_per_call.value, 4200, 60);
        EXPECT_NEAR(backend.growth.rest_seconds, 30, 3);
        EXPECT_NEAR(backend.growth.seconds, 60, 3);
        EXPECT_EQ(backend.snapshots, 90U);
        EXPECT_THAT(backend.picture, SizeIs(40));
    }
}

TEST(Diagnosis, ForetellsNothingOfALeakThatEnded) {
    SyntheticBackend ended = loads_then_rest(8);
    ended.backend().allowance = {.limit_bytes = 100'000'000, .left_bytes = 1'000'000};
    EXPECT_FALSE(diagnose(ended.history()).backends[0].forecast);
    SyntheticBackend goes_on = policy_loads(12, 60, 4200);
    goes_on.backend().allowance = ended.backend().allowance;
    EXPECT_TRUE(diagnose(goes_on.history()).backends[0].forecast);
}

TEST(Diagnosis, NamesTheCauseOfALeakWhoseClientsGoSlower) {
    SyntheticBackend backend;
    Dice dice(13);
    int number = 0;
    for (int i = 0; i < 90; ++i) {
        for (int loads = dice.poisson(i < 45 ? 8 : 2); loads > 0; --loads) {
            run_policy_load(backend, i + 0.1 * loads, ++number, 4200);
        }
        backend.snapshot(i + 1);
    }
    const Diagnosis diagnosis = diagnose(backend.history());
    ASSERT_THAT(diagnosis.backends[0].causes, SizeIs(1));
    EXPECT_EQ(diagnosis.backends[0].causes[0].id, "catalog-churn");
    EXPECT_NEAR(diagnosis.backends[0].causes[0].statements.at(0).bytes_per_call.value, 4200, 60);
    EXPECT_EQ(diagnosis.backends[0].growth.rest_seconds, 0);
    EXPECT_NEAR(diagnosis.backends[0].growth.seconds, 89, 1);
}

TEST(Diagnosis, NamesItBesideASmallerLeakWhoseClientsDoNot) {
    SyntheticBackend backend;
    Dice dice(14);
    int number = 0;
    for (int i = 0; i < 90; ++i) {
        for (int loads = dice.poisson(12 * std::exp(-i / 30.0)); loads > 0; --loads) {
            run_policy_load(backend, i + 0.03 * loads, ++number, 4200);
        }
        const std::string portals = "TopMemoryContext/TopPortalContext/PortalContext";
        for (int pages = dice.poisson(3); pages > 0; --pages) {
            backend.run(i + 0.95, "DECLARE page CURSOR WITH HOLD FOR SELECT $1", portals, 700);
            backend.add_contexts(portals, 1);
        }
        backend.snapshot(i + 1);
    }
    const Diagnosis diagnosis = diagnose(backend.history());
    ASSERT_THAT(diagnosis.backends[0].causes, SizeIs(2));
    EXPECT_EQ(diagnosis.backends[0].causes[0].id, "catalog-churn");
    EXPECT_EQ(diagnosis.backends[0].causes[1].id, "open-cursors");
}

// A thousand relations touched in turn, again and again: after the first round all are cached.
TEST(Diagnosis, TellsCachesThatTookLongToFillByTheirStatementsThatGoOn) {
    SyntheticBackend backend;
    for (int i = 0; i < 90; ++i) {
        for (int table = 0; table < 20; ++table) {
            backend.run(
                i + 0.5, "SELECT count(*) FROM measurements", kCatalogCache, i < 50 ? 9000 : 0);
        }
        backend.snapshot(i + 1);
    }
    const Diagnosis diagnosis = diagnose(backend.history());
    EXPECT_EQ(diagnosis.backends[0].growth.verdict, GrowthVerdict::kSettled);
    EXPECT_THAT(diagnosis.backends[0].causes, IsEmpty());
}

// temp_buffers' 8 MB are twenty times as much as a short recording of such a leak.
TEST(Diagnosis, SeesALeakBesideBuffersForTemporaryTablesThatFillUp) {
    SyntheticBackend backend;
    for (int i = 0; i < 60; ++i) {
        if (i < 16) {
            backend.grow("TopMemoryContext/LocalBufferContext", 512e3);
        }
        for (int load = 0; load < 5; ++load) {
            run_policy_load(backend, i + 0.1 * load, 5 * i + load, 1300);
        }
        backend.snapshot(i + 1);
    }
    const Diagnosis diagnosis = diagnose(backend.history());
    ASSERT_THAT(diagnosis.backends.at(0).causes, SizeIs(1));
    EXPECT_EQ(diagnosis.backends[0].causes[0].id, "catalog-churn");
}

// A temp_buffers of gigabytes takes longer to fill than a recording lasts.
TEST(Diagnosis, CallsBuffersForTemporaryTablesNoLeakThoughTheyFillAllTheTime) {
    for (const bool leaks : {false, true}) {
        SyntheticBackend backend;
        Dice dice(7);
        for (int i = 0; i < 60; ++i) {
            for (int calls = dice.poisson(6); calls > 0; --calls) {
                backend.run(i + 0.5,
                            "INSERT INTO imported SELECT $1",
                            "TopMemoryContext/LocalBufferContext",
                            512e3);
            }
            for (int calls = dice.poisson(6); calls > 0; --calls) {
                backend.run(i + 0.6, "SELECT leak($1)", kOther, leaks ? 90'000 : 0);
            }
            backend.snapshot(i + 1);
        }
        const BackendDiagnosis diagnosis = diagnose(backend.history()).backends.at(0);
        EXPECT_EQ(diagnosis.leaks(), leaks);
        EXPECT_EQ(diagnosis.growth.significant(), leaks);
        ASSERT_THAT(diagnosis.harmless, SizeIs(1));
        EXPECT_EQ(diagnosis.harmless[0].id, "session-state");
        EXPECT_THAT(diagnosis.harmless[0].title, HasSubstr("temp_buffers"));
        EXPECT_THAT(diagnosis.harmless[0].contexts, SizeIs(1));
        if (leaks) {
            ASSERT_THAT(diagnosis.causes, SizeIs(1));
            EXPECT_EQ(diagnosis.causes[0].id, "unknown");
            EXPECT_EQ(diagnosis.causes[0].bytes, diagnosis.growth.bytes);
            ASSERT_THAT(diagnosis.causes[0].contexts, SizeIs(1));
            EXPECT_EQ(diagnosis.causes[0].contexts[0].path, kOther);
        }
    }
}

TEST(Diagnosis, CallsUnknownWhatNoRuleExplainsAndNamesItsStatement) {
    SyntheticBackend backend;
    Dice dice(5);
    for (int i = 0; i < 60; ++i) {
        for (int calls = dice.poisson(6); calls > 0; --calls) {
            backend.run(i + 0.5, "SELECT leak($1)", kOther, 900);
        }
        for (int calls = dice.poisson(6); calls > 0; --calls) {
            backend.run(i + 0.6, "SELECT $1");
        }
        backend.snapshot(i + 1);
    }
    const Diagnosis diagnosis = diagnose(backend.history());
    ASSERT_THAT(diagnosis.backends[0].causes, SizeIs(1));
    const Cause& cause = diagnosis.backends[0].causes[0];
    EXPECT_EQ(cause.id, "unknown");
    ASSERT_THAT(cause.statements, SizeIs(1));
    EXPECT_EQ(cause.statements[0].query, "SELECT leak($1)");
    EXPECT_FALSE(cause.statements[0].group);
    EXPECT_NEAR(cause.statements[0].bytes_per_call.value, 900, 1);
    EXPECT_EQ(cause.contexts.at(0).path, kOther);
}

// Small chunks hold large blocks; generation.c frees a block when all in it is free.
TEST(Diagnosis, SeesWhatContextsTakeUpWhereWhatIsUsedOfThemDoesNotGrow) {
    SyntheticBackend backend;
    Dice dice(9);
    for (int i = 0; i < 60; ++i) {
        for (int calls = dice.poisson(6); calls > 0; --calls) {
            backend.run(i + 0.5, "SELECT decode($1)");
            backend.waste(kOther, 8192);
        }
        backend.grow(kOther, i % 2 == 0 ? 400 : -400);
        backend.snapshot(i + 1);
    }
    const Diagnosis diagnosis = diagnose(backend.history());
    const BackendDiagnosis& of_total = diagnosis.backends[0];
    EXPECT_EQ(of_total.growth.judged_on, GrowingMemory::kTotalBytes);
    ASSERT_THAT(of_total.causes, SizeIs(1));
    EXPECT_EQ(of_total.causes[0].id, "unknown");
    EXPECT_EQ(of_total.causes[0].statements.at(0).query, "SELECT decode($1)");
    EXPECT_NEAR(of_total.causes[0].statements[0].bytes_per_call.value, 8192, 1);
}

TEST(Diagnosis, IsNotAlarmedByBlocksThatDoubleOverWhatIsUsed) {
    SyntheticBackend backend;
    double block = 8192;
    for (int i = 0; i < 60; ++i) {
        backend.run(i + 0.5, "SELECT $1");
        if (i == 2 || i == 5 || i == 11 || i == 23 || i == 47) {
            backend.waste(kOther, block);
            block *= 2;
        }
        backend.grow(kOther, i % 2 == 0 ? 400 : -400);
        backend.snapshot(i + 1);
    }
    EXPECT_THAT(diagnose(backend.history()).backends[0].causes, IsEmpty());
}

TEST(Diagnosis, DoesNotBlameDataDefinitionForCachesThatOthersFill) {
    SyntheticBackend backend;
    Dice dice(6);
    for (int i = 0; i < 60; ++i) {
        for (int calls = dice.poisson(6); calls > 0; --calls) {
            backend.run(i + 0.5, "SELECT to_regclass($1)", kCatalogCache, 900);
        }
        for (int calls = dice.poisson(6); calls > 0; --calls) {
            backend.run(i + 0.6, "CREATE TEMP TABLE t (a int)");
            backend.run(i + 0.6, "DROP TABLE t");
        }
        backend.snapshot(i + 1);
    }
    const Diagnosis diagnosis = diagnose(backend.history());
    ASSERT_THAT(diagnosis.backends[0].causes, SizeIs(1));
    EXPECT_EQ(diagnosis.backends[0].causes[0].id, "negative-catcache");
    EXPECT_EQ(diagnosis.backends[0].causes[0].statements.at(0).query, "SELECT to_regclass($1)");
}

TEST(Diagnosis, CountsWhatRunsOnlyInTheTransactionsOfALoadAsPartOfIt) {
    SyntheticBackend backend;
    Dice dice(8);
    int loads = 0;
    for (int i = 0; i < 90; ++i) {
        for (int left = dice.poisson(4); left > 0; --left) {
            loads += i > 0 ? 1 : 0;  // after the first snapshot
            backend.run(i + 0.5, "BEGIN");
            backend.run(i + 0.5, "CREATE TEMP TABLE t (a int)", kCatalogCache, 4000);
            for (int rows = dice.poisson(3); rows > 0; --rows) {
                backend.run(i + 0.5, "INSERT INTO t VALUES ($1)", kCatalogCache, 1500);
            }
            backend.run(i + 0.5, "DROP TABLE t");
            backend.run(i + 0.5, "COMMIT");
        }
        for (int reads = dice.poisson(3); reads > 0; --reads) {
            backend.run(i + 0.9, "SELECT $1");
        }
        backend.snapshot(i + 1);
    }
    const Diagnosis diagnosis = diagnose(backend.history());
    ASSERT_THAT(diagnosis.backends[0].causes, SizeIs(1));
    const Cause& cause = diagnosis.backends[0].causes[0];
    EXPECT_EQ(cause.id, "catalog-churn");
    const double truth = static_cast<double>(diagnosis.backends[0].growth.bytes) / loads;
    EXPECT_NEAR(cause.statements.at(0).bytes_per_call.value, truth, 0.05 * truth);
    EXPECT_LE(cause.statements[0].bytes_per_call.low, truth);
    EXPECT_GE(cause.statements[0].bytes_per_call.high, truth);
    std::set<std::string> queries;
    for (const AttributedStatement& statement : cause.statements) {
        EXPECT_EQ(statement.group, cause.statements[0].group);
        queries.insert(statement.query);
    }
    EXPECT_THAT(queries, Contains("INSERT INTO t VALUES ($1)"));
    EXPECT_THAT(queries, Not(Contains("SELECT $1")));
}

// Then none of the load's own statements explains the growth best; the load is its cause all the
// same.
TEST(Diagnosis, BlamesTheLoadWhereAllItsBytesComeWithAPartOfIt) {
    SyntheticBackend backend;
    Dice dice(9);
    int loads = 0;
    for (int i = 0; i < 90; ++i) {
        for (int left = dice.poisson(4); left > 0; --left) {
            loads += i > 0 ? 1 : 0;  // after the first snapshot
            backend.run(i + 0.5, "BEGIN");
            backend.run(i + 0.5, "CREATE TEMP TABLE t (a int)");
            for (int rows = dice.poisson(3); rows > 0; --rows) {
                backend.run(i + 0.5, "INSERT INTO t VALUES ($1)", kCatalogCache, 1500);
            }
            backend.run(i + 0.5, "DROP TABLE t");
            backend.run(i + 0.5, "COMMIT");
        }
        backend.snapshot(i + 1);
    }
    const Diagnosis diagnosis = diagnose(backend.history());
    ASSERT_THAT(diagnosis.backends[0].causes, SizeIs(1));
    const Cause& cause = diagnosis.backends[0].causes[0];
    EXPECT_EQ(cause.id, "catalog-churn");
    EXPECT_EQ(cause.statements.at(0).query, "CREATE TEMP TABLE t (a int)");
    EXPECT_EQ(cause.statements[0].calls, loads);
    const double truth = static_cast<double>(diagnosis.backends[0].growth.bytes) / loads;
    EXPECT_NEAR(cause.statements[0].bytes_per_call.value, truth, 0.01 * truth);
}

// Where statements are seen now and then, those of one load are not counted alike.
TEST(Diagnosis, BlamesTheLoadWhereItsBytesComeWithItsLastStatementAlone) {
    SyntheticBackend backend;
    Dice dice(10);
    const std::string family = "policy_loader_*";
    int number = 0;
    for (int i = 0; i < 60; ++i) {
        for (int seen = dice.poisson(4); seen > 0; --seen) {
            const std::string schema = fmt::format("policy_loader_{:08x}", ++number);
            backend.run(i + 0.4, "CREATE SCHEMA " + schema, "CREATE SCHEMA " + family, "", 0);
        }
        for (int seen = dice.poisson(4); seen > 0; --seen) {
            const std::string schema = fmt::format("policy_loader_{:08x}", ++number);
            backend.run(
                i + 0.5, "DROP SCHEMA " + schema, "DROP SCHEMA " + family, kFunction, 20'000);
            backend.add_contexts(kFunction, 1);
        }
        backend.snapshot(i + 1);
    }
    const Diagnosis diagnosis = diagnose(backend.history("activity"));
    ASSERT_THAT(diagnosis.backends[0].causes, SizeIs(1));
    EXPECT_EQ(diagnosis.backends[0].causes[0].id, "catalog-churn");
}

// Of names that nobody makes, only look-ups that find nothing are left.
TEST(Diagnosis, DoesNotCallItChurnWhereNothingIsMade) {
    SyntheticBackend backend;
    Dice dice(11);
    for (int i = 0; i < 60; ++i) {
        for (int seen = dice.poisson(4); seen > 0; --seen) {
            backend.run(i + 0.5, "DROP TABLE IF EXISTS t", kCatalogCache, 900);
        }
        backend.snapshot(i + 1);
    }
    const Diagnosis diagnosis = diagnose(backend.history());
    ASSERT_THAT(diagnosis.backends[0].causes, SizeIs(1));
    EXPECT_NE(diagnosis.backends[0].causes[0].id, "catalog-churn");
}

TEST(Diagnosis, FindsTwoCausesAndSortsThemByBytes) {
    SyntheticBackend backend;
    Dice dice(7);
    int number = 0;
    for (int i = 0; i < 60; ++i) {
        for (int calls = dice.poisson(4); calls > 0; --calls) {
            backend.run(i + 0.1, "SELECT leak($1)", kOther, 9000);
        }
        for (int loads = dice.poisson(4); loads > 0; --loads) {
            run_policy_load(backend, i + 0.5 + 0.03 * loads, ++number, 4000);
        }
        backend.snapshot(i + 1);
    }
    const Diagnosis diagnosis = diagnose(backend.history());
    ASSERT_THAT(diagnosis.backends[0].causes, SizeIs(2));
    EXPECT_EQ(diagnosis.backends[0].causes[0].id, "unknown");
    EXPECT_NEAR(diagnosis.backends[0].causes[0].statements.at(0).bytes_per_call.value, 9000, 10);
    EXPECT_EQ(diagnosis.backends[0].causes[1].id, "catalog-churn");
    EXPECT_NEAR(diagnosis.backends[0].causes[1].statements.at(0).bytes_per_call.value, 4000, 10);
}

TEST(Diagnosis, CannotJudgeFiveSnapshots) {
    const Diagnosis diagnosis = diagnose(policy_loads(8, 5, 40000).history());
    EXPECT_EQ(diagnosis.backends[0].growth.verdict, GrowthVerdict::kTooFewSnapshots);
    EXPECT_THAT(diagnosis.backends[0].causes, IsEmpty());
    EXPECT_THAT(diagnosis.backends[0].notes, Contains(HasSubstr("5 snapshots cannot tell")));
}

TEST(Diagnosis, SurvivesEmptyAndInconsistentHistories) {
    EXPECT_THAT(diagnose({}).backends, IsEmpty());
    History nothing{.backends = {BackendHistory{}}};
    EXPECT_EQ(diagnose(nothing).backends[0].growth.verdict, GrowthVerdict::kTooFewSnapshots);

    History broken = policy_loads(9, 30, 4000).history();
    BackendHistory& backend = broken.backends[0];
    backend.contexts[0].figures.resize(3);
    backend.contexts[1].count.clear();
    backend.executions[5].form = 1'000'000;
    backend.snapshots[10].taken_at_ns = 0;
    std::ranges::reverse(backend.executions);
    const Diagnosis diagnosis = diagnose(broken);
    EXPECT_THAT(diagnosis.backends[0].notes,
                Contains(HasSubstr("the clock stood still or went back")));
    EXPECT_THAT(diagnosis.backends[0].notes, Not(IsEmpty()));
}

TEST(Diagnosis, SaysWhereARecordingEndedUnplanned) {
    History history = policy_loads(10, 30, 4000).history();
    history.backends[0].end = "backend gone";
    EXPECT_THAT(diagnose(history).backends[0].notes, IsEmpty());
    history.backends[0].end = "process 42 may not be read";
    EXPECT_THAT(diagnose(history).backends[0].notes,
                Contains(HasSubstr("ended early: process 42 may not be read")));
    history.backends[0].end = std::nullopt;
    EXPECT_THAT(diagnose(history).backends[0].notes,
                Contains(HasSubstr("its recorder still runs, or was killed")));
}

TEST(Diagnosis, IsTheSameEachTime) {
    const History history = busy_loads(11, 6000).history();
    const Diagnosis once = diagnose(history);
    const Diagnosis again = diagnose(history);
    EXPECT_EQ(once.backends[0].growth.bytes_per_second, again.backends[0].growth.bytes_per_second);
    EXPECT_EQ(once.backends[0].causes.at(0).statements.at(0).bytes_per_call,
              again.backends[0].causes.at(0).statements.at(0).bytes_per_call);
}

}  // namespace
}  // namespace palloscope
