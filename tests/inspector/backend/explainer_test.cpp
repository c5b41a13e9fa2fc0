#include "inspector/backend/explainer.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/postgres_server.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/session.hpp"
#include "tests/support/test_database.hpp"

namespace palloscope {
namespace {

using test::PostgresServer;
using test::Rows;
using test::Session;
using test::TestDatabase;

constexpr std::chrono::seconds kTimeout{10};

class ExplainerOnEveryVersion : public testing::TestWithParam<std::string> {
  protected:
    TestDatabase database_{PostgresServer::shared(GetParam())};
};

Explanation explained(int pid,
                      std::optional<Method> method = std::nullopt,
                      Explainer::Options options = {}) {
    auto explanation =
        Explainer::open(pid, std::move(options)).and_then([&](Explainer&& explainer) {
            return explainer.explain(method, kTimeout);
        });
    if (!explanation) {
        throw std::runtime_error(explanation.error().message);
    }
    return std::move(*explanation);
}

const CatalogCache& cache_of(const Explanation& explanation,
                             std::string_view catalog,
                             const std::vector<std::string>& keys) {
    const auto found = std::ranges::find_if(
        explanation.catalog_caches,
        [&](const CatalogCache& cache) { return cache.catalog == catalog && cache.keys == keys; });
    if (found == explanation.catalog_caches.end()) {
        throw std::runtime_error("no such catalog cache");
    }
    return *found;
}

std::int64_t entries_of(const Explanation& explanation, std::string_view table) {
    const auto found = std::ranges::find(explanation.hash_tables, table, &HashTable::name);
    return found == explanation.hash_tables.end() ? 0 : found->entries;
}

void look_for_missing_names(Session& session, int from, int to) {
    for (int i = from; i < to; ++i) {
        session.exec(fmt::format("select to_regclass('public.missing_{}')", i));
    }
}

void make_tables(Session& session, int from, int to) {
    for (int i = from; i < to; ++i) {
        session.exec(fmt::format("create table explained_{} (id int)", i));
        session.exec(fmt::format("select * from explained_{}", i));
    }
}

void prepare_statements(Session& session, int from, int to) {
    for (int i = from; i < to; ++i) {
        session.exec(fmt::format("prepare explained_{} as select {}, 'planted-s3cr3t'", i, i));
    }
}

void lock(Session& session, int from, int to) {
    for (int i = from; i < to; ++i) {
        session.exec(fmt::format("select pg_advisory_lock({})", i));
    }
}

TEST_P(ExplainerOnEveryVersion, CountsWhatASessionWasMadeToHold) {
    Session session = Session::connect(database_.dsn());
    session.exec("set client_min_messages = error");
    const std::vector<std::string> name_key{"relname", "relnamespace"};
    // Once each, so that what all of them need is there.
    look_for_missing_names(session, 0, 1);
    make_tables(session, 0, 1);
    prepare_statements(session, 0, 1);
    lock(session, 0, 1);
    session.exec("begin");
    session.exec("declare explained_0 cursor with hold for select generate_series(1, 10)");
    session.exec("commit");
    const Explanation before = explained(session.backend_pid());
    // A young session, most of whose cache is the caches' own structures.
    EXPECT_GE(static_cast<double>(before.cache_memory_attributed_bytes),
              0.97 * static_cast<double>(before.cache_memory_used_bytes));

    look_for_missing_names(session, 1, 38);
    make_tables(session, 1, 24);
    prepare_statements(session, 1, 42);
    lock(session, 1, 18);
    session.exec("begin");
    session.exec("declare explained_1 cursor with hold for select generate_series(1, 10)");
    session.exec("commit");
    session.exec("begin");
    session.exec("declare explained_2 cursor for select 1");
    const Explanation after = explained(session.backend_pid());

    EXPECT_EQ(cache_of(after, "pg_class", name_key).negative_entries,
              cache_of(before, "pg_class", name_key).negative_entries + 37 + 23);  // new tables too
    EXPECT_EQ(after.relations.size(), before.relations.size() + 23);
    EXPECT_EQ(std::ranges::count_if(after.relations,
                                    [](const CachedRelation& relation) {
                                        return relation.name.starts_with("explained_") &&
                                               relation.kind == 'r' && relation.valid &&
                                               relation.bytes > 500;
                                    }),
              24);
    EXPECT_EQ(after.prepared_statements.size(), before.prepared_statements.size() + 41);
    ASSERT_TRUE(before.locks && after.locks);
    EXPECT_EQ(after.locks->entries, before.locks->entries + 17);
    EXPECT_EQ(before.portals.size(), 1U);
    EXPECT_EQ(after.portals.size(), 3U);
    EXPECT_EQ(std::ranges::count(after.portals, true, &OpenPortal::held), 2);
    EXPECT_EQ(entries_of(after, "Prepared Queries"), 42);
    EXPECT_EQ(entries_of(after, "Relcache by OID"),
              static_cast<std::int64_t>(after.relations.size()));
    for (const UnavailablePart& part : after.unavailable) {
        ADD_FAILURE() << part.part << ": " << part.reason;
    }
}

TEST_P(ExplainerOnEveryVersion, TellsTemporaryAndDroppedRelationsAndTheirSchemas) {
    Session session = Session::connect(database_.dsn());
    session.exec("create schema planned");
    session.exec("create table planned.kept (id int)");
    session.exec("select * from planned.kept");
    for (int i = 0; i < 7; ++i) {
        session.exec(fmt::format("create temporary table passing_{} (id int)", i));
        session.exec(fmt::format("select * from passing_{}", i));
    }
    session.exec("begin");
    for (int i = 0; i < 11; ++i) {
        session.exec(fmt::format("create table dropped_{} (id int)", i));
    }
    const auto with_prefix = [](std::string_view prefix) {
        return
            [prefix](const CachedRelation& relation) { return relation.name.starts_with(prefix); };
    };
    const Explanation made = explained(session.backend_pid());
    EXPECT_EQ(std::ranges::count_if(made.relations, with_prefix("dropped_")), 11);
    EXPECT_EQ(std::ranges::count(made.relations, true, &CachedRelation::dropped), 0);
    EXPECT_EQ(std::ranges::count(made.relations, true, &CachedRelation::temporary), 7);
    for (int i = 0; i < 5; ++i) {
        session.exec(fmt::format("drop table dropped_{}", i));
    }
    const Explanation dropped = explained(session.backend_pid());
    // Up to 12 they go at once.
    const bool remain = std::stoi(GetParam()) >= 13;
    EXPECT_EQ(std::ranges::count(dropped.relations, true, &CachedRelation::dropped),
              remain ? 5 : 0);
    EXPECT_EQ(std::ranges::count_if(dropped.relations, with_prefix("dropped_")), remain ? 11 : 6);
    session.exec("commit");
    const Explanation after = explained(session.backend_pid());
    EXPECT_EQ(std::ranges::count_if(after.relations, with_prefix("dropped_")), 6);
    EXPECT_EQ(std::ranges::count(after.relations, true, &CachedRelation::dropped), 0);

    const auto kept = std::ranges::find(after.relations, "kept", &CachedRelation::name);
    ASSERT_NE(kept, after.relations.end());
    EXPECT_EQ(kept->schema, "planned");
    EXPECT_FALSE(kept->temporary);
    const auto remaining = std::ranges::find(after.relations, "dropped_7", &CachedRelation::name);
    ASSERT_NE(remaining, after.relations.end());
    EXPECT_EQ(remaining->schema, "public");
}

TEST_P(ExplainerOnEveryVersion, TellsSettingsOfTheSessionFromAllOthers) {
    Session session = Session::connect(database_.dsn());
    EXPECT_THAT(explained(session.backend_pid()).settings, testing::IsEmpty());
    session.exec("set work_mem = '3MB'");
    session.exec("set search_path = pg_catalog, public");
    for (int i = 0; i < 13; ++i) {
        session.exec(fmt::format("set app.explained_{} = 'planted-s3cr3t'", i));
    }
    session.exec("select set_config('app.large', repeat('x', 100000), false)");
    const Explanation explanation = explained(session.backend_pid());
    EXPECT_EQ(explanation.settings.size(), 2U + 13 + 1);
    EXPECT_EQ(std::ranges::count(explanation.settings, true, &SessionSetting::placeholder), 14);
    EXPECT_EQ(explanation.settings.front().name, "app.large");
    EXPECT_GT(explanation.settings.front().bytes, 100'000);
    EXPECT_LT(explanation.settings.front().bytes, 101'000);
    const std::string search_path = "search_path";
    const auto path = std::ranges::find(explanation.settings, search_path, &SessionSetting::name);
    ASSERT_NE(path, explanation.settings.end());
    EXPECT_EQ(path->bytes, std::ssize(session.exec("show search_path")[0][0].value()) + 1);
    // A placeholder remains when it is reset; what PostgreSQL defines does not.
    session.exec("reset all");
    const Explanation reset = explained(session.backend_pid());
    EXPECT_EQ(reset.settings.size(), 14U);
    EXPECT_LT(reset.settings.front().bytes, 1000);
    EXPECT_THAT(reset.unavailable, testing::IsEmpty());
}

TEST_P(ExplainerOnEveryVersion, NamesTheChannelsThatASessionListensTo) {
    Session session = Session::connect(database_.dsn());
    EXPECT_THAT(explained(session.backend_pid()).channels, testing::IsEmpty());
    const auto names = [](const Explanation& explanation) {
        std::vector<std::string> channels;
        for (const ListenedChannel& channel : explanation.channels) {
            channels.push_back(channel.name);
            EXPECT_GE(channel.bytes, std::ssize(channel.name) + 1);
        }
        return channels;
    };
    std::vector<std::string> expected;
    for (int i = 0; i < 300; ++i) {
        expected.push_back(fmt::format("channel_{}", i));
        session.exec("listen " + expected.back());
    }
    // From 19 on PostgreSQL keeps no order.
    std::vector<std::string> listened = expected;
    if (std::stoi(GetParam()) >= 19) {
        std::ranges::sort(listened);
    }
    EXPECT_EQ(names(explained(session.backend_pid())), listened);
    for (int i = 0; i < 299; ++i) {
        session.exec("unlisten " + expected[static_cast<std::size_t>(i)]);
    }
    EXPECT_EQ(names(explained(session.backend_pid())), std::vector<std::string>{"channel_299"});
    session.exec("unlisten *");
    const Explanation none = explained(session.backend_pid());
    EXPECT_THAT(none.channels, testing::IsEmpty());
    EXPECT_THAT(none.unavailable, testing::IsEmpty());
}

std::int64_t pending_of(const Explanation& explanation, std::string_view kind) {
    const auto found =
        std::ranges::find(explanation.pending_invalidations, kind, &PendingInvalidations::kind);
    return found == explanation.pending_invalidations.end() ? 0 : found->messages;
}

// Of each table: pg_class and pg_type (it and its array) by two keys each, and its seven columns,
// six of them the system's, by two keys each: 20. pg_waldump counts as many in the commit record.
TEST_P(ExplainerOnEveryVersion, CountsTheInvalidationsThatATransactionHasPending) {
    Session session = Session::connect(database_.dsn());
    const auto make = [&](int from, int to) {
        for (int i = from; i < to; ++i) {
            session.exec(fmt::format("create table invalidated_{} (id int)", i));
        }
    };
    const auto expect_tables = [&](int tables) {
        const Explanation explanation = explained(session.backend_pid());
        EXPECT_THAT(explanation.unavailable, testing::IsEmpty());
        EXPECT_EQ(pending_of(explanation, "catcache"), 20 * tables);
        EXPECT_EQ(pending_of(explanation, "relcache"), tables);
        EXPECT_EQ(pending_of(explanation, "snapshot"), tables);
        EXPECT_EQ(explanation.pending_invalidations.size(), tables == 0 ? 0U : 3U);
    };
    expect_tables(0);
    session.exec("begin");
    expect_tables(0);
    // It changes a catalog that has no cache: there is a stack, without a message.
    session.exec("select lo_create(0)");
    expect_tables(0);
    make(0, 1);
    expect_tables(1);
    session.exec("savepoint a");
    make(1, 30);
    expect_tables(30);
    session.exec("savepoint b");
    make(30, 40);
    expect_tables(40);
    session.exec("rollback to b");
    expect_tables(30);
    session.exec("release a");
    make(40, 400);
    expect_tables(390);
    session.exec("rollback");
    expect_tables(0);
}

TEST_P(ExplainerOnEveryVersion, CountsTheTemporaryFilesThatASessionHasOpen) {
    Session session = Session::connect(database_.dsn());
    EXPECT_EQ(explained(session.backend_pid()).temporary_files, TemporaryFiles{});
    session.exec("set work_mem = '64kB'");
    session.exec("begin");
    for (int i = 0; i < 3; ++i) {
        session.exec(fmt::format(
            "declare sorted_{0} cursor for select g from generate_series(1, 50000) g order by -g; "
            "fetch 1 from sorted_{0}",
            i));
    }
    // The server's own word for it: pgsql_tmpPID.NUMBER.
    const Rows truth = session.exec(
        fmt::format("select count(*), sum((pg_stat_file('base/pgsql_tmp/' || name)).size) "
                    "from pg_ls_dir('base/pgsql_tmp') name where name like 'pgsql_tmp{}.%'",
                    session.backend_pid()));
    const Explanation explanation = explained(session.backend_pid());
    EXPECT_EQ(std::to_string(explanation.temporary_files.files), truth[0][0].value());
    EXPECT_EQ(std::to_string(explanation.temporary_files.bytes), truth[0][1].value());
    EXPECT_GE(explanation.temporary_files.files, 3);
    session.exec("commit");
    EXPECT_EQ(explained(session.backend_pid()).temporary_files, TemporaryFiles{});
}

// Dead contexts that PostgreSQL keeps for the next ones (aset.c, context_freelists): up to 100 of
// 1 kB and 100 of 8 kB, from 11 on.
TEST_P(ExplainerOnEveryVersion, CountsContextsThatAreKeptForReuse) {
    Session session = Session::connect(database_.dsn());
    const auto kept_bytes = [&] {
        const Explanation explanation = explained(session.backend_pid());
        const auto item = std::ranges::find(
            explanation.accounting.value().items, "contexts-kept", &AccountItem::id);
        EXPECT_THAT(explanation.unavailable, testing::IsEmpty());
        return item->bytes;
    };
    // Two contexts of 1 kB each (plancache.c): its source's, and its query's.
    constexpr int kStatements = 30;
    const std::int64_t small_contexts = GetParam() == "10" ? 0 : 2 * kStatements;
    // Its lists are full at times, and are emptied then; the third round finds what the second
    // left.
    for (int round = 0; round < 2; ++round) {
        prepare_statements(session, 0, kStatements);
        session.exec("deallocate all");
    }
    const std::int64_t dropped = kept_bytes();
    prepare_statements(session, 0, kStatements);
    const std::int64_t reused = kept_bytes();
    session.exec("deallocate all");
    EXPECT_EQ(dropped - reused, small_contexts * 1024);
    EXPECT_EQ(kept_bytes(), dropped);
    // No more of them than a hundred, however many there were.
    prepare_statements(session, 0, 200);
    session.exec("deallocate all");
    EXPECT_LE(kept_bytes(), 100 * 1024 + 100 * 8192);
}

TEST_P(ExplainerOnEveryVersion, ShowsWhatEntriesStandForWhereAsked) {
    Session session = Session::connect(database_.dsn());
    look_for_missing_names(session, 0, 3);
    session.exec("create table sampled (id int)");
    session.exec("select count(*) from sampled");
    session.exec("select array_append(array[1], 2), 'x'::text || 'y'");
    const std::vector<std::string> name_key{"relname", "relnamespace"};
    EXPECT_THAT(cache_of(explained(session.backend_pid()), "pg_class", name_key).samples,
                testing::IsEmpty());

    const Explanation explanation =
        explained(session.backend_pid(), std::nullopt, {.sample_keys = 1000});
    const CatalogCache& names = cache_of(explanation, "pg_class", name_key);
    if (GetParam() == "10") {  // it has no keys in its entries
        EXPECT_THAT(names.samples, testing::IsEmpty());
        EXPECT_EQ(explanation.unavailable.size(), 1U);
        return;
    }
    const std::string schema = session.exec("select 'public'::regnamespace::oid")[0][0].value();
    EXPECT_THAT(names.samples,
                testing::Contains(SampleKeys{.negative = true, .keys = {"missing_1", schema}}));
    EXPECT_THAT(names.samples,
                testing::Contains(SampleKeys{.negative = false, .keys = {"sampled", schema}}));
    EXPECT_EQ(std::ssize(names.samples), names.entries + names.negative_entries);
    for (const CatalogCache& cache : explanation.catalog_caches) {
        for (const SampleKeys& sample : cache.samples) {
            EXPECT_EQ(sample.keys.size(), cache.keys.size()) << cache.catalog;
            EXPECT_THAT(sample.keys, testing::Not(testing::Contains("?"))) << cache.catalog;
        }
    }
    const Explanation few = explained(session.backend_pid(), std::nullopt, {.sample_keys = 2});
    EXPECT_EQ(std::ssize(cache_of(few, "pg_class", name_key).samples),
              std::min<std::int64_t>(2, names.entries) + 2);
}

TEST_P(ExplainerOnEveryVersion, NamesStatementsPlansAndFunctionsWithoutTheirLiterals) {
    Session session = Session::connect(database_.dsn());
    session.exec("prepare named as select 'planted-s3cr3t', 41 + $1::int");
    for (int i = 0; i < 7; ++i) {
        session.exec("execute named(1)");  // from the sixth on by a generic plan
    }
    session.exec(
        "create function explained(x int) returns int language plpgsql as "
        "$$ begin return (select x + count(*) from pg_class where relname = 'planted-s3cr3t'); end "
        "$$");
    session.exec("select explained(1)");
    const Explanation masked = explained(session.backend_pid());
    ASSERT_EQ(masked.prepared_statements.size(), 1U);
    const PreparedStatement& statement = masked.prepared_statements.front();
    EXPECT_EQ(statement.name, "named");
    EXPECT_THAT(statement.query, testing::HasSubstr("prepare named as select $"));
    EXPECT_THAT(statement.query, testing::Not(testing::HasSubstr("s3cr3t")));
    EXPECT_TRUE(statement.from_sql);
    EXPECT_TRUE(statement.generic);
    EXPECT_GT(statement.bytes, 1000);
    EXPECT_GT(statement.used_bytes, 1000);
    EXPECT_LT(statement.used_bytes, statement.bytes);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    EXPECT_LT(std::chrono::abs(now - std::chrono::nanoseconds(statement.prepared_at_ns)),
              std::chrono::hours(1));
    ASSERT_EQ(masked.functions.size(), 1U);
    EXPECT_EQ(masked.functions.front().signature, "explained(integer)");
    EXPECT_GT(masked.functions.front().bytes, 1000);
    const auto plan = std::ranges::find_if(masked.kept_plans, [](const KeptPlan& kept) {
        return kept.query.find("from pg_class where relname") != std::string::npos;
    });
    ASSERT_NE(plan, masked.kept_plans.end());
    EXPECT_THAT(masked.unavailable, testing::IsEmpty());
    EXPECT_EQ(plan->owner, "plpgsql");
    EXPECT_THAT(plan->query, testing::Not(testing::HasSubstr("s3cr3t")));

    const Explanation shown =
        explained(session.backend_pid(), std::nullopt, {.literals = Literals::kShown});
    EXPECT_THAT(shown.prepared_statements.front().query, testing::HasSubstr("planted-s3cr3t"));
}

TEST_P(ExplainerOnEveryVersion, AccountsForTheCacheAndForRssAnon) {
    Session session = Session::connect(database_.dsn());
    session.exec("set client_min_messages = error");
    // As a load of Conjur's: schemas, tables, functions made and dropped.
    for (int i = 0; i < 30; ++i) {
        session.exec(fmt::format(
            "create schema load_{0}; create table load_{0}.t (id int primary key, v text unique); "
            "insert into load_{0}.t select g, g from generate_series(1, 10) g; "
            "select count(*) from load_{0}.t join pg_class c on c.relname = v; "
            "drop schema load_{0} cascade",
            i));
    }
    for (const Method method : {Method::kFork, Method::kFreeze}) {
        const Explanation explanation =
            explained(session.backend_pid(), method, {.chunks_of = {"CacheMemoryContext"}});
        EXPECT_EQ(explanation.snapshot.method, method);
        EXPECT_GT(explanation.snapshot.pause_us, 0);
        // Its used bytes are all named, but for a few in a hundred.
        EXPECT_GE(static_cast<double>(explanation.cache_memory_attributed_bytes),
                  0.97 * static_cast<double>(explanation.cache_memory_used_bytes));
        EXPECT_LE(explanation.cache_memory_attributed_bytes, explanation.cache_memory_used_bytes);
        ASSERT_TRUE(explanation.accounting);
        const Accounting& accounting = *explanation.accounting;
        // Only a child can be asked what malloc keeps free.
        EXPECT_EQ(std::ranges::count(accounting.items, "malloc-free", &AccountItem::id),
                  method == Method::kFork ? 1 : 0);
        std::int64_t sum = accounting.unexplained_bytes;
        for (const AccountItem& item : accounting.items) {
            EXPECT_GE(item.bytes, 0) << item.id;
            sum += item.bytes;
        }
        EXPECT_EQ(sum, accounting.rss_anon_bytes);
        EXPECT_LE(std::abs(accounting.unexplained_bytes), accounting.rss_anon_bytes / 50);
        // All chunks in use, and the headers, are what the context has in use.
        ASSERT_EQ(explanation.chunks.size(), 1U);
        const ContextTree& tree = explanation.snapshot.tree;
        const MemoryContext& cache = tree.contexts.at(explanation.chunks.front().context);
        std::int64_t chunks = 0;
        for (const ChunkSize& size : explanation.chunks.front().sizes) {
            chunks += size.size * size.chunks;
        }
        EXPECT_GT(chunks, 0);
        EXPECT_LT(cache.figures.used_bytes - chunks, 40 * cache.figures.total_nblocks + 300);
        EXPECT_GE(cache.figures.used_bytes, chunks);
    }
}

TEST_P(ExplainerOnEveryVersion, LeavesTheBackendAsItWas) {
    Session session = Session::connect(database_.dsn());
    session.exec("select 41 + 1");
    const auto descriptors = test::open_descriptors(session.backend_pid());
    const std::string log = PostgresServer::shared(GetParam()).log();
    for (int i = 0; i < 5; ++i) {
        (void)explained(session.backend_pid());
        ASSERT_EQ(session.exec("select 41 + 1").at(0).at(0), "42");
    }
    EXPECT_EQ(test::open_descriptors(session.backend_pid()), descriptors);
    EXPECT_EQ(test::tracer_pid(session.backend_pid()), 0);
    EXPECT_TRUE(test::eventually([&] { return test::children_of(session.backend_pid()).empty(); }));
    EXPECT_EQ(PostgresServer::shared(GetParam()).log(), log);
}

INSTANTIATE_TEST_SUITE_P(EveryVersion,
                         ExplainerOnEveryVersion,
                         testing::ValuesIn(test::server_versions()),
                         test::kVersionName);

TEST(Explainer, SaysWhichMethodsItHas) {
    Session session = Session::connect(PostgresServer::shared("15").dsn());
    auto explainer = Explainer::open(session.backend_pid(), {});
    ASSERT_TRUE(explainer);
    for (const Method method : {Method::kRead, Method::kCall}) {
        const auto explanation = explainer->explain(method, kTimeout);
        ASSERT_FALSE(explanation);
        EXPECT_EQ(explanation.error().kind, Error::Kind::kUsage);
    }
}

}  // namespace
}  // namespace palloscope
