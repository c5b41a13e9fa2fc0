// Whatever way a backend is read, the figures are those of its own MemoryContextStats, to the byte:
// on every version, with every kind of context alive that a client's backend can hold.

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "inspector/backend/snapshotter.hpp"
#include "inspector/backend/stats_text.hpp"
#include "tests/inspector/backend/gdb_equality.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"

namespace palloscope {
namespace {

using test::PostgresServer;
using test::Session;

constexpr std::chrono::seconds kTimeout{5};

// More than 2,000 relations: each table with its two indexes.
constexpr int kTables = 700;

// Shared memory is in a core, too.
constexpr const char* kSmallCore = "shared_buffers=1MB";
const std::vector<std::string> kManyTables{"max_locks_per_transaction=1000", kSmallCore};

void fill_caches(Session& session) {
    session.exec("set client_min_messages = error");
    std::string sql;
    for (int table = 0; table < kTables; ++table) {
        sql += fmt::format("create temporary table t{} (id int primary key, value text unique);",
                           table);
    }
    session.exec(sql);
    for (int table = 0; table < kTables; ++table) {
        session.exec(fmt::format("select value from t{} where id = 1", table));
    }
}

// A prepared statement with a generic plan and one whose text is cut between two characters, a
// PL/pgSQL function, a sort and a hash aggregate at work, a cursor with holdable rows, savepoints.
void make_every_kind_of_context(Session& session) {
    session.exec("prepare planned (int) as select value from t1 where id = $1");
    for (int i = 0; i < 7; ++i) {
        session.exec("execute planned(1)");
    }
    session.exec(
        "prepare cut as select 'a text of more than a hundred bytes, cut in the middle of a "
        "character: "
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9'");
    session.exec("prepare \"lines\" as select 1,\n\t2");
    session.exec(
        "create or replace function pg_temp.f(a int) returns int language plpgsql as $$ begin "
        "perform count(*) from t2 where id = a; return a; end $$");
    session.exec("select pg_temp.f(1)");
    session.exec("declare held cursor with hold for select generate_series(1, 1000)");
    session.exec("begin");
    session.exec(
        "declare sorting cursor for select i, repeat('x', 100) as filler from "
        "generate_series(1, 20000) i order by filler, i desc");
    session.exec("fetch 10 from sorting");
    session.exec(
        "declare hashing cursor for select i % 1000, count(*) from generate_series(1, 20000) i "
        "group by 1");
    session.exec("fetch 10 from hashing");
    session.exec("savepoint a");
    session.exec("savepoint b");
}

std::string stats_by(Snapshotter& snapshotter, Method method) {
    auto snapshot = snapshotter.take(method, kTimeout);
    if (!snapshot) {
        return snapshot.error().message;
    }
    EXPECT_EQ(snapshot->method, method);
    return stats_text(snapshot->tree, snapshot->server_version_num);
}

std::string stats_by_call_in_child(Snapshotter& snapshotter) {
    auto snapshot = snapshotter.call_in_child(kTimeout);
    return snapshot ? stats_text(snapshot->tree, snapshot->server_version_num)
                    : snapshot.error().message;
}

void expect_equal_by_every_method(const PostgresServer& server) {
    Session session = Session::connect(server.dsn());
    fill_caches(session);
    make_every_kind_of_context(session);
    auto snapshotter = Snapshotter::open(session.backend_pid(), Literals::kShown);
    ASSERT_TRUE(snapshotter) << snapshotter.error().message;
    const std::string called = stats_by(*snapshotter, Method::kCall);
    ASSERT_GT(std::ranges::count(called, '\n'), 2 * kTables) << called;
    EXPECT_EQ(stats_by(*snapshotter, Method::kFreeze), called);
    EXPECT_EQ(stats_by(*snapshotter, Method::kRead), called);
    EXPECT_EQ(stats_by(*snapshotter, Method::kFork), called);
    EXPECT_EQ(stats_by_call_in_child(*snapshotter), called);
    test::expect_equal_in_gdb_and_in_a_core(*snapshotter);
    // And once more, now that the reader knows where the contexts lie; and after they changed.
    EXPECT_EQ(stats_by(*snapshotter, Method::kFreeze), called);
    session.exec("fetch 1000 from sorting");
    session.exec("prepare another as select 1");
    const std::string changed = stats_by(*snapshotter, Method::kFreeze);
    EXPECT_EQ(stats_by(*snapshotter, Method::kRead), changed);
    EXPECT_EQ(stats_by(*snapshotter, Method::kCall), changed);
    EXPECT_NE(changed, called);
}

class EqualityOnEveryVersion : public testing::TestWithParam<std::string> {};

TEST_P(EqualityOnEveryVersion, OfReadFreezeForkAndCall) {
    expect_equal_by_every_method(PostgresServer::start(GetParam(), kManyTables));
}

// Logical decoding has Slab contexts and, from 11, a Generation one in every version. A walsender
// is never at a safe point, so MemoryContextStats is called in its child.
TEST_P(EqualityOnEveryVersion, OfReadFreezeForkAndCallOnAWalsenderThatDecodes) {
    const PostgresServer server =
        PostgresServer::start(GetParam(), {"wal_level=logical", kSmallCore});
    Session session = Session::connect(server.dsn());
    session.exec("create table many (id int)");
    session.exec("create publication p for table many");
    std::vector<std::string> receive{
        "/usr/lib/postgresql/15/bin/pg_recvlogical", "--dbname", server.dsn(), "--slot", "s"};
    auto create = receive;
    create.insert(create.end(), {"--plugin", "pgoutput", "--create-slot"});
    ASSERT_EQ(test::run_program(create).exit_code, 0);
    receive.insert(receive.end(),
                   {"--start",
                    "--option",
                    "proto_version=1",
                    "--option",
                    "publication_names=p",
                    "--file",
                    "/dev/null"});
    const test::Program receiver = test::Program::start(receive);
    session.exec(
        "begin; insert into many select generate_series(1, 1000); savepoint a; insert into many "
        "values (1); commit");
    ASSERT_TRUE(test::eventually([&] {
        const auto rows = session.exec(
            "select pid from pg_stat_replication where sent_lsn >= pg_current_wal_lsn()");
        return !rows.empty();
    }));
    const auto rows = session.exec("select pid from pg_stat_replication");
    auto snapshotter = Snapshotter::open(std::stoi(rows.at(0).at(0).value()), Literals::kShown);
    ASSERT_TRUE(snapshotter) << snapshotter.error().message;
    const auto snapshot = snapshotter->take(Method::kFreeze, kTimeout);
    ASSERT_TRUE(snapshot) << snapshot.error().message;
    EXPECT_EQ(snapshot->process.backend_type, "walsender");
    const auto count = [&](ContextType type) {
        return std::ranges::count(snapshot->tree.contexts, type, &MemoryContext::type);
    };
    EXPECT_GE(count(ContextType::kSlab), 2);
    EXPECT_GE(count(ContextType::kGeneration), std::stoi(GetParam()) >= 11 ? 1 : 0);
    const std::string called = stats_by_call_in_child(*snapshotter);
    EXPECT_EQ(stats_text(snapshot->tree, snapshot->server_version_num), called);
    EXPECT_EQ(stats_by(*snapshotter, Method::kFork), called);
    EXPECT_EQ(stats_by(*snapshotter, Method::kRead), called);
    test::expect_equal_in_gdb_and_in_a_core(*snapshotter);
}

INSTANTIATE_TEST_SUITE_P(EveryVersion,
                         EqualityOnEveryVersion,
                         testing::ValuesIn(test::server_versions()),
                         test::kVersionName);

// In the list above 15 and 19 are Debian's builds, the others npm's, of other compilers.
class EqualityOnAnotherBuild : public testing::TestWithParam<std::string> {};

TEST_P(EqualityOnAnotherBuild, OfReadFreezeForkAndCall) {
    expect_equal_by_every_method(PostgresServer::start(GetParam(), kManyTables));
}

INSTANTIATE_TEST_SUITE_P(EveryOther,
                         EqualityOnAnotherBuild,
                         testing::Values("debian-13", "npm-15", "debian-17", "debian-18"),
                         test::kVersionName);

}  // namespace
}  // namespace palloscope
