// What a report tells its reader to do, by cause: the settings and commands by their exact names.

#include <array>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/diagnosis.hpp"
#include "tests/inspector/diagnosis/calls_of.hpp"
#include "tests/inspector/diagnosis/synthetic_history.hpp"
#include "tests/inspector/diagnosis/typical_leaks.hpp"

namespace palloscope {
namespace {

using testing::HasSubstr;

// Leaks of one cause, and what its remedies must name.
struct Leak {
    std::string of;
    std::string cause_id;
    std::function<SyntheticBackend()> recorded;
    std::vector<std::string> named;
    // Where the memory goes with the backend alone, so that pools must be told to end it.
    bool ends_with_backend = false;
    int server_version_num = 150018;
};

constexpr std::array kPools{"HikariCP's maxLifetime",
                            "pgx's MaxConnLifetime",
                            "psycopg_pool's max_lifetime",
                            "SQLAlchemy's pool_recycle",
                            "Sequel's connection_expiration",
                            "ActiveRecord's max_age (Rails 8.1 and later; before, connection_pool",
                            "server_lifetime does so with pool_mode = transaction",
                            "server_idle_timeout"};

SyntheticBackend policy_loads() {
    SyntheticBackend backend;
    Dice dice(2);
    int number = 0;
    for (int i = 0; i < 60; ++i) {
        for (int loads = dice.poisson(3); loads > 0; --loads) {
            run_policy_load(backend, i + 0.1 + 0.05 * loads, ++number, 9900);
        }
        backend.snapshot(i + 1);
    }
    return backend;
}

// Functions that make and drop tables, as explanations find it.
SyntheticBackend reports_with_tables() {
    SyntheticBackend backend = caches_filled_by("SELECT monthly_report($1)");
    explain_ends(backend, [](Explanation& after) {
        after.catalog_caches[1].negative_entries += 900;
        after.catalog_caches[0].negative_entries += 100;
    });
    return backend;
}

SyntheticBackend partitions_touched() {
    SyntheticBackend backend = caches_filled_by("SELECT count(*) FROM measurements_*");
    explain_ends(backend, [](Explanation& after) {
        after.relations.resize(300);
        after.catalog_caches[0].entries += 300;
    });
    return backend;
}

SyntheticBackend batches_given_back() {
    SyntheticBackend backend = outside_grown_by("SELECT open_cursors($1)");
    backend.snapshot(61, "active", 7e6);
    backend.snapshot(62);
    return backend;
}

// Each call of `query` leaves `bytes` in one more context of `path`.
std::function<SyntheticBackend()> each_leaves(const std::string& query,
                                              const std::string& path,
                                              double bytes,
                                              const std::string& state = "idle") {
    return [=] {
        return calls_of(
            query,
            [&](SyntheticBackend& backend) {
                backend.grow(path, bytes);
                backend.add_contexts(path, 1);
            },
            state);
    };
}

std::vector<Leak> leaks() {
    const std::string transaction = kTop + "/TopTransactionContext";
    return {
        {.of = "policy loads",
         .cause_id = "catalog-churn",
         .recorded = policy_loads,
         .named = {"DB.disconnect",
                   "connection_pool.disconnect!; Conjur",
                   "ON COMMIT DELETE ROWS",
                   "TRUNCATE",
                   "VACUUM does not help",
                   "Nor does DISCARD ALL"},
         .ends_with_backend = true},
        {.of = "tables of functions",
         .cause_id = "catalog-churn",
         .recorded = reports_with_tables,
         .named = {"CREATE TEMPORARY TABLE IF NOT EXISTS ... ON COMMIT DELETE ROWS",
                   "TRUNCATE",
                   "VACUUM does not help",
                   "nor does DISCARD ALL"},
         .ends_with_backend = true},
        {.of = "partitions",
         .cause_id = "catalog-breadth",
         .recorded = partitions_touched,
         .named = {"From PostgreSQL 12 on", "DISCARD ALL leaves them alone"},
         .ends_with_backend = true},
        {.of = "names that are missing",
         .cause_id = "negative-catcache",
         .recorded = [] { return caches_filled_by("SELECT to_regclass($1) IS NOT NULL"); },
         .named = {"SELECT ... FROM pg_class WHERE relname = $1", "DISCARD ALL leaves these"},
         .ends_with_backend = true},
        {.of = "a function for each query",
         .cause_id = "plan-cache",
         .recorded =
             [] { return plans_kept_by("SELECT query_*()", kTop + "/PL/pgSQL function", 6000); },
         .named = {"DO block",
                   "EXECUTE format('...', ...) USING",
                   "plan_cache_mode = force_custom_plan",
                   "SPI_freeplan()",
                   "DEALLOCATE ALL does not end them"},
         .ends_with_backend = true},
        {.of = "functions",
         .cause_id = "procedural-functions",
         .recorded =
             [] {
                 return plans_kept_by("SELECT check_rule_*()", kTop + "/PL/pgSQL function", 30000);
             },
         .named = {"One function with a parameter", "LANGUAGE sql"},
         .ends_with_backend = true},
        {.of = "prepared statements",
         .cause_id = "prepared-statements",
         .recorded =
             [] {
                 return plans_kept_by(
                     "PREPARE report_* AS SELECT $1", kTop + "/Prepared Queries", 112);
             },
         .named = {"pgjdbc prepareThreshold=0",
                   "preparedStatementCacheQueries",
                   "ActiveRecord statement_limit",
                   "prepared_statements: false",
                   "psycopg 3 prepare_threshold=None",
                   "prepared_max",
                   "statement_cache_capacity",
                   "default_query_exec_mode=exec",
                   "statement_cache_mode=describe in version 4",
                   "WHERE id = ANY ($1)",
                   "Sequel prepare(:select, :name)",
                   "call(:select)",
                   "prepares by itself, DEALLOCATE",
                   "DEALLOCATE ALL and DISCARD ALL end all",
                   "pgbouncer runs its server_reset_query",
                   "max_prepared_statements"}},
        {.of = "savepoints",
         .cause_id = "long-transaction",
         .recorded = each_leaves(
             "SAVEPOINT s", transaction + "/CurTransactionContext", 1850, "idle in transaction"),
         .named = {"Commit every few hundred",
                   "RELEASE SAVEPOINT",
                   "pgjdbc does so with cleanupSavepoints=true",
                   "autosave=never",
                   "ActiveRecord, transaction(requires_new: true)"}},
        {.of = "deferred triggers",
         .cause_id = "long-transaction",
         .recorded = each_leaves("INSERT INTO orders SELECT $1",
                                 transaction + "/AfterTriggerEvents",
                                 14'000,
                                 "idle in transaction"),
         .named = {"SET CONSTRAINTS ALL IMMEDIATE", "NOT DEFERRABLE"}},
        {.of = "a transaction that waits",
         .cause_id = "long-transaction",
         .recorded = each_leaves(
             "SAVEPOINT s", transaction + "/CurTransactionContext", 1850, "idle in transaction"),
         .named = {"idle_in_transaction_session_timeout",
                   "transaction_timeout (17 and later)",
                   "pgbouncer's idle_transaction_timeout"}},
        {.of = "cursors",
         .cause_id = "open-cursors",
         .recorded = each_leaves("DECLARE page_* CURSOR WITH HOLD FOR SELECT $1",
                                 kTop + "/TopPortalContext/PortalContext",
                                 8000),
         .named = {"CLOSE each cursor",
                   "CLOSE ALL",
                   "psycopg closes a named cursor with its with block",
                   "pgjdbc with its ResultSet or Statement",
                   "WHERE id > $1 ORDER BY id LIMIT 20",
                   "Without WITH HOLD",
                   "pgbouncer's server_reset_query",
                   "server_reset_query_always = 1"}},
        {.of = "locks",
         .cause_id = "session-state",
         .recorded = each_leaves("SELECT pg_advisory_lock($1)", kTop + "/LOCALLOCK hash", 90),
         .named = {"pg_advisory_unlock() each",
                   "pg_advisory_unlock_all()",
                   "pg_advisory_xact_lock()",
                   "max_locks_per_transaction",
                   "DISCARD ALL",
                   "pgbouncer's server_reset_query"}},
        {.of = "channels",
         .cause_id = "session-state",
         .recorded = each_leaves("LISTEN conversation_*", kTop, 90),
         .named = {"UNLISTEN each channel",
                   "UNLISTEN *",
                   "payload of NOTIFY",
                   "DISCARD ALL",
                   "pgbouncer's server_reset_query"}},
        {.of = "settings in a context",
         .cause_id = "session-state",
         .recorded = each_leaves("SET app.token_* TO $1", kTop + "/GUCMemoryContext", 250),
         .named = {"after SET LOCAL free its value, not its name", "RESET, DISCARD ALL"},
         .ends_with_backend = true,
         .server_version_num = 160002},
        {.of = "settings in no context",
         .cause_id = "session-state",
         .recorded = [] { return outside_grown_by("SET app.token_* TO $1"); },
         .named = {"after SET LOCAL free its value, not its name", "RESET, DISCARD ALL"},
         .ends_with_backend = true},
        {.of = "batches",
         .cause_id = "malloc-retention",
         .recorded = batches_given_back,
         .named = {"MALLOC_TRIM_THRESHOLD_=131072", "MALLOC_MMAP_THRESHOLD_=65536"},
         .ends_with_backend = true},
        {.of = "a library",
         .cause_id = "outside-contexts",
         .recorded = [] { return outside_grown_by("SELECT report($1)"); },
         .named = {"jit = off", "jit_above_cost", "jit_inline_above_cost", "heaptrack"},
         .ends_with_backend = true},
        {.of = "an extension",
         .cause_id = "unknown",
         .recorded = each_leaves("SELECT leak($1)", kOther, 900),
         .named = {"--explain-every"},
         .ends_with_backend = true},
    };
}

std::string remedies_of(const Leak& leak) {
    History history = leak.recorded().history();
    history.backends.front().server_version_num = leak.server_version_num;
    const BackendDiagnosis diagnosis = diagnose(history).backends.front();
    EXPECT_EQ(diagnosis.causes.size(), 1U);
    std::string remedies;
    for (const Cause& cause : diagnosis.causes) {
        EXPECT_EQ(cause.id, leak.cause_id);
        for (const std::string& remedy : cause.remedies) {
            remedies += remedy + "\n";
        }
    }
    return remedies;
}

TEST(Remedies, NameTheSettingsOfPoolsWhereTheMemoryGoesWithTheBackendAlone) {
    for (const Leak& leak : leaks()) {
        const std::string remedies = remedies_of(leak);
        for (const std::string_view pool : kPools) {
            EXPECT_EQ(remedies.find(pool) != std::string::npos, leak.ends_with_backend)
                << leak.of << ", " << pool << ":\n"
                << remedies;
        }
    }
}

TEST(Remedies, NameWhatEndsTheCause) {
    for (const Leak& leak : leaks()) {
        const std::string remedies = remedies_of(leak);
        for (const std::string& name : leak.named) {
            EXPECT_THAT(remedies, HasSubstr(name)) << leak.of;
        }
    }
}

TEST(Remedies, AreLookedAtForEveryCauseThatLeaks) {
    std::set<std::string_view> looked_at;
    const std::vector<Leak> all = leaks();
    for (const Leak& leak : all) {
        looked_at.insert(leak.cause_id);
    }
    for (const CauseRule& rule : cause_rules()) {
        if (rule.leaks) {
            EXPECT_TRUE(looked_at.contains(rule.id)) << rule.id;
        }
    }
}

}  // namespace
}  // namespace palloscope
