#include "inspector/backend/snapshotter.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "attach/process_memory.hpp"
#include "inspector/backend/explainer.hpp"
#include "inspector/backend/stats_text.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/session.hpp"

namespace palloscope {
namespace {

using test::PostgresServer;
using test::Session;

constexpr std::chrono::seconds kTimeout{5};
// auto, and each by itself.
constexpr std::array<std::optional<Method>, 5> kMethods{
    std::nullopt, Method::kRead, Method::kFreeze, Method::kFork, Method::kCall};

class SnapshotterOnEveryVersion : public testing::TestWithParam<std::string> {
  protected:
    PostgresServer& server() { return PostgresServer::shared(GetParam()); }

    int version() { return std::stoi(GetParam()); }
};

// Contexts have idents since 11, and pg_backend_memory_contexts came with 14.
class SnapshotterSinceIdents : public SnapshotterOnEveryVersion {};

class SnapshotterSinceTheView : public SnapshotterOnEveryVersion {};

std::vector<std::string> versions_since(int first) {
    std::vector<std::string> versions = test::server_versions();
    std::erase_if(versions, [&](const std::string& version) { return std::stoi(version) < first; });
    return versions;
}

const MemoryContext* find_context(const ContextTree& tree,
                                  std::string_view name,
                                  std::string_view ident = {}) {
    const auto found = std::ranges::find_if(tree.contexts, [&](const MemoryContext& context) {
        return context.name == name && (ident.empty() || context.ident == ident);
    });
    return found == tree.contexts.end() ? nullptr : &*found;
}

Result<Snapshot> take(int pid, Literals literals = Literals::kMasked) {
    return Snapshotter::open(pid, literals).and_then([](Snapshotter&& snapshotter) {
        return snapshotter.take(Method::kCall, kTimeout);
    });
}

TEST_P(SnapshotterOnEveryVersion, ReadsTheTreeOfAnIdleBackendAndSaysWhoItIs) {
    Session session =
        Session::connect(server().dsn() + " application_name='puma: cluster worker 0'");
    const auto snapshot = take(session.backend_pid());
    ASSERT_TRUE(snapshot) << snapshot.error().message;
    EXPECT_EQ(snapshot->tree.contexts.front().name, "TopMemoryContext");
    EXPECT_NE(find_context(snapshot->tree, "CacheMemoryContext"), nullptr);
    EXPECT_EQ(snapshot->server_version_num / 10000, version());
    EXPECT_EQ(snapshot->process.backend_type, "client backend");
    EXPECT_EQ(snapshot->process.user, "postgres");
    EXPECT_EQ(snapshot->process.database, "postgres");
    EXPECT_EQ(snapshot->process.application_name, "puma: cluster worker 0");
    EXPECT_EQ(snapshot->process.state, "idle");
    EXPECT_EQ(snapshot->process.query, std::nullopt);
    EXPECT_GT(snapshot->process.rss_anon_bytes, 0);
    EXPECT_GT(snapshot->pause_us, 0);
}

TEST_P(SnapshotterOnEveryVersion, LeavesTheBackendAsItWas) {
    Session session = Session::connect(server().dsn());
    const int pid = session.backend_pid();
    session.exec("select 41 + 1");  // opens the catalogs' files
    const auto descriptors = test::open_descriptors(pid);
    const std::string log = server().log();
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(take(pid));
        ASSERT_EQ(session.exec("select 41 + 1").at(0).at(0), "42");
    }
    EXPECT_EQ(test::open_descriptors(pid), descriptors);
    EXPECT_EQ(test::tracer_pid(pid), 0);
    EXPECT_EQ(server().log(), log);
}

TEST_P(SnapshotterOnEveryVersion, ReadsTheStateOfATransaction) {
    Session session = Session::connect(server().dsn());
    session.exec("begin");
    EXPECT_EQ(take(session.backend_pid())->process.state, "idle in transaction");
    EXPECT_THROW(session.exec("select 1 / 0"), std::exception);
    EXPECT_EQ(take(session.backend_pid())->process.state, "idle in transaction (aborted)");
}

TEST_P(SnapshotterOnEveryVersion, HasNoLimitOfChildren) {
    Session session = Session::connect(server().dsn());
    constexpr int kStatements = 2000;
    for (int i = 0; i < kStatements; ++i) {
        session.exec(fmt::format("prepare many_{} as select {}", i, i));
    }
    const auto snapshot = take(session.backend_pid());
    ASSERT_TRUE(snapshot) << snapshot.error().message;
    EXPECT_GE(std::ranges::count(snapshot->tree.contexts, "CachedPlanSource", &MemoryContext::name),
              kStatements);
}

TEST_P(SnapshotterSinceIdents, ShowsLiteralsOnlyWhereAsked) {
    Session session = Session::connect(server().dsn());
    session.exec("prepare hidden as select 'planted-s3cr3t', 4711");
    const auto masked = take(session.backend_pid());
    ASSERT_TRUE(masked);
    for (const MemoryContext& context : masked->tree.contexts) {
        EXPECT_EQ(context.ident.value_or("").find("planted-s3cr3t"), std::string::npos);
        EXPECT_EQ(context.ident.value_or("").find("4711"), std::string::npos);
    }
    EXPECT_NE(find_context(masked->tree, "CachedPlanSource", "prepare hidden as select $1, $2"),
              nullptr);
    const auto shown = take(session.backend_pid(), Literals::kShown);
    ASSERT_TRUE(shown);
    EXPECT_NE(
        find_context(
            shown->tree, "CachedPlanSource", "prepare hidden as select 'planted-s3cr3t', 4711"),
        nullptr);
}

TEST_P(SnapshotterSinceTheView, GivesTheFiguresThatTheServerItselfGives) {
    // What a backend tells of its own contexts by SQL (14 and later) was measured while the query
    // ran; contexts that the query does not touch have the same figures before and after it.
    Session session = Session::connect(server().dsn());
    session.exec("create temporary table if not exists seen (id int primary key)");
    const std::string query =
        "select name, coalesce(ident, ''), total_bytes, total_nblocks, free_bytes, free_chunks, "
        "used_bytes "
        "from pg_backend_memory_contexts where name in ('index info', 'Relcache by OID', "
        ""
        "'smgr relation table', 'Timezones', 'WAL record construction')";
    session.exec(query);
    const auto rows = session.exec(query);
    const auto snapshot = take(session.backend_pid());
    ASSERT_TRUE(snapshot);
    ASSERT_GT(rows.size(), 10U);
    for (const auto& row : rows) {
        const MemoryContext* const context = find_context(snapshot->tree, *row.at(0), *row.at(1));
        ASSERT_NE(context, nullptr) << *row.at(0) << ' ' << *row.at(1);
        EXPECT_EQ(fmt::format("{} {} {} {} {}",
                              context->figures.total_bytes,
                              context->figures.total_nblocks,
                              context->figures.free_bytes,
                              context->figures.free_chunks,
                              context->figures.used_bytes),
                  fmt::format(
                      "{} {} {} {} {}", *row.at(2), *row.at(3), *row.at(4), *row.at(5), *row.at(6)))
            << *row.at(0) << ' ' << *row.at(1);
    }
}

// MemoryContextStats calls itself for each level.
TEST_P(SnapshotterOnEveryVersion, CallsNothingWhereContextsAreNestedTooDeep) {
    constexpr int kSavepoints = 600;
    Session session = Session::connect(server().dsn());
    std::string nested = "BEGIN";
    for (int i = 0; i < kSavepoints; ++i) {
        nested += "; SAVEPOINT s";
    }
    session.exec(nested);
    auto snapshotter = Snapshotter::open(session.backend_pid(), Literals::kMasked);
    ASSERT_TRUE(snapshotter) << snapshotter.error().message;
    const auto called = snapshotter->take(Method::kCall, kTimeout);
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().kind, Error::Kind::kUnsupported);
    EXPECT_NE(called.error().message.find("levels deep"), std::string::npos);
    const auto in_child = snapshotter->call_in_child(kTimeout);
    ASSERT_FALSE(in_child);
    EXPECT_EQ(in_child.error().kind, Error::Kind::kUnsupported);
    const auto frozen = snapshotter->take(Method::kFreeze, kTimeout);
    ASSERT_TRUE(frozen) << frozen.error().message;
    EXPECT_GT(frozen->tree.contexts.size(), static_cast<std::size_t>(kSavepoints));
    session.exec("ROLLBACK");
    EXPECT_TRUE(session.alive());
}

TEST_P(SnapshotterOnEveryVersion, WaitsForABackendThatIsBusyAndGivesUpInTime) {
    Session session = Session::connect(server().dsn());
    session.send("select pg_sleep(60)");
    auto snapshotter = Snapshotter::open(session.backend_pid(), Literals::kMasked);
    ASSERT_TRUE(snapshotter);
    ASSERT_TRUE(test::eventually([&] {
        return read_process_info(
                   snapshotter->backend(), snapshotter->backend().memory(), Literals::kMasked)
                   ->query == "select pg_sleep($1)";
    }));
    const auto snapshot = snapshotter->take(Method::kCall, std::chrono::milliseconds(200));
    ASSERT_FALSE(snapshot);
    EXPECT_EQ(snapshot.error().kind, Error::Kind::kTimeout);
}

INSTANTIATE_TEST_SUITE_P(EveryVersion,
                         SnapshotterOnEveryVersion,
                         testing::ValuesIn(test::server_versions()),
                         test::kVersionName);

INSTANTIATE_TEST_SUITE_P(Since11,
                         SnapshotterSinceIdents,
                         testing::ValuesIn(versions_since(11)),
                         test::kVersionName);
INSTANTIATE_TEST_SUITE_P(Since14,
                         SnapshotterSinceTheView,
                         testing::ValuesIn(versions_since(14)),
                         test::kVersionName);

TEST(Snapshotter, RefusesTheProcessesThatNeverWaitForAClient) {
    PostgresServer& server = PostgresServer::shared("15");
    const auto postmaster = take(server.postmaster_pid());
    ASSERT_FALSE(postmaster);
    EXPECT_EQ(postmaster.error().kind, Error::Kind::kUnsupported);
}

constexpr const char* kKeepsRunning =
    "select count(*) from (select repeat('x', 50) || i from generate_series(1, 2000000) i order by "
    "1) s";

TEST(Snapshotter, ReadsABackendThatRestsWithoutAStopUnlessToldOtherwise) {
    Session session = Session::connect(PostgresServer::shared("15").dsn());
    auto snapshotter = Snapshotter::open(session.backend_pid(), Literals::kMasked);
    ASSERT_TRUE(snapshotter);
    const auto idle = snapshotter->take(std::nullopt, kTimeout);
    ASSERT_TRUE(idle) << idle.error().message;
    EXPECT_EQ(idle->method, Method::kRead);
    EXPECT_EQ(idle->pause_us, 0);
    EXPECT_EQ(idle->process.state, "idle");
    // It rests in the middle of a statement, too.
    session.send("select pg_sleep(60), 'planted-s3cr3t'");
    ASSERT_TRUE(test::eventually(
        [&] { return snapshotter->take(Method::kRead, kTimeout)->process.state == "active"; }));
    const auto asleep = snapshotter->take(std::nullopt, kTimeout);
    ASSERT_TRUE(asleep) << asleep.error().message;
    EXPECT_EQ(asleep->method, Method::kRead);
    EXPECT_EQ(asleep->process.query, "select pg_sleep($1), $2");
}

TEST(Snapshotter, StopsABackendThatKeepsRunningAndNeverReadsOne) {
    Session session = Session::connect(PostgresServer::shared("15").dsn());
    auto snapshotter = Snapshotter::open(session.backend_pid(), Literals::kMasked);
    ASSERT_TRUE(snapshotter);
    session.exec("set work_mem = '1GB'");  // it would rest where it writes files
    session.send(kKeepsRunning);
    ASSERT_TRUE(test::eventually([&] {
        const auto frozen = snapshotter->take(Method::kFreeze, kTimeout);
        return frozen && frozen->process.query && test::state_of(session.backend_pid()) == 'R';
    }));
    // Now and then it rests even so: where it grows its memory, the kernel may let it wait.
    auto snapshot = snapshotter->take(std::nullopt, kTimeout);
    for (int takes = 1; takes < 20 && snapshot && snapshot->method == Method::kRead; ++takes) {
        snapshot = snapshotter->take(std::nullopt, kTimeout);
    }
    ASSERT_TRUE(snapshot) << snapshot.error().message;
    EXPECT_EQ(snapshot->method, Method::kFreeze);
    EXPECT_GT(snapshot->pause_us, 0);
    EXPECT_EQ(snapshot->process.state, "active");
    EXPECT_NE(find_context(snapshot->tree, "ExecutorState"), nullptr);
    const auto child = snapshotter->take(Method::kFork, kTimeout);
    ASSERT_TRUE(child) << child.error().message;
    EXPECT_NE(find_context(child->tree, "ExecutorState"), nullptr);
    const auto read = snapshotter->take(Method::kRead, std::chrono::milliseconds(50));
    if (!read) {  // else it rested just then, as it may
        EXPECT_EQ(read.error().kind, Error::Kind::kTimeout);
        EXPECT_NE(read.error().message.find("it kept running"), std::string::npos);
    }
    session.cancel();
    EXPECT_THROW(session.finish(), std::exception);
}

// Between its statements it waits for its client, in the middle of nothing: what is not there then
// has moved since we looked, and says nothing of the build.
TEST(Snapshotter, FreezesABackendThatGrowsAllTheTime) {
    Session session = Session::connect(PostgresServer::shared("15").dsn());
    auto snapshotter = Snapshotter::open(session.backend_pid(), Literals::kMasked);
    ASSERT_TRUE(snapshotter);
    std::atomic<bool> grows = true;
    std::thread client([&] {
        for (int i = 0; i < 1500; ++i) {
            session.exec(fmt::format("prepare more_{} as select count(*) from pg_class", i));
            session.exec(fmt::format("execute more_{}", i));
            std::this_thread::sleep_for(std::chrono::microseconds(500));
        }
        grows = false;
    });
    while (grows) {
        const auto snapshot = snapshotter->take(Method::kFreeze, kTimeout);
        EXPECT_TRUE(snapshot) << snapshot.error().message;
        std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
    client.join();
}

TEST(Snapshotter, ReadsTheServersOtherProcesses) {
    Session session = Session::connect(PostgresServer::shared("15").dsn());
    for (const auto& row :
         session.exec("select pid, backend_type from pg_stat_activity where backend_type <> "
                      "'client backend'")) {
        auto snapshotter = Snapshotter::open(std::stoi(*row.at(0)), Literals::kMasked);
        ASSERT_TRUE(snapshotter) << *row.at(1);
        for (const Method method : {Method::kRead, Method::kFreeze, Method::kFork}) {
            const auto snapshot = snapshotter->take(method, kTimeout);
            ASSERT_TRUE(snapshot) << *row.at(1) << ": " << snapshot.error().message;
            EXPECT_NE(snapshot->process.backend_type, "client backend");
        }
    }
}

// A backend of which a context's tag is not what it should be, as in a build that we do not know.
// Servers without assertions never look at it (MemoryContextIsValid, memnodes.h).
class BackendThatDoesNotFit {
  public:
    explicit BackendThatDoesNotFit(int pid)
        : memory_(ProcessMemory::open(pid).value()),
          root_(memory_.read<RemoteAddress>(Backend::open(pid)->address_of("TopMemoryContext"))
                    .value()),
          tag_(memory_.read<std::uint32_t>(root_).value()) {
        set_tag(tag_ + 1000);
    }

    ~BackendThatDoesNotFit() { set_tag(tag_); }

  private:
    void set_tag(std::uint32_t tag) {
        EXPECT_TRUE(memory_.write(root_, std::as_bytes(std::span(&tag, 1))));
    }

    ProcessMemory memory_;
    RemoteAddress root_;
    std::uint32_t tag_;
};

TEST(Snapshotter, RefusesABackendWhoseMemoryDoesNotFit) {
    Session session = Session::connect(PostgresServer::shared("15").dsn());
    auto snapshotter = Snapshotter::open(session.backend_pid(), Literals::kMasked);
    auto explainer = Explainer::open(session.backend_pid(), {});
    ASSERT_TRUE(snapshotter && explainer);
    {
        const BackendThatDoesNotFit unknown(session.backend_pid());
        for (const std::optional<Method> method : kMethods) {
            const auto snapshot = snapshotter->take(method, kTimeout);
            ASSERT_FALSE(snapshot);
            EXPECT_EQ(snapshot.error().kind, Error::Kind::kUnsupported) << snapshot.error().message;
        }
        EXPECT_EQ(snapshotter->call_in_child(kTimeout).error().kind, Error::Kind::kUnsupported);
        for (const Method method : {Method::kFork, Method::kFreeze}) {
            EXPECT_EQ(explainer->explain(method, kTimeout).error().kind, Error::Kind::kUnsupported);
        }
    }
    EXPECT_TRUE(snapshotter->take(Method::kFork, kTimeout));
    EXPECT_EQ(session.exec("select 41 + 1").at(0).at(0), "42");
}

TEST(Snapshotter, SaysThatTheBackendHasEnded) {
    std::optional<Session> session = Session::connect(PostgresServer::shared("15").dsn());
    auto snapshotter = Snapshotter::open(session->backend_pid(), Literals::kMasked);
    ASSERT_TRUE(snapshotter);
    const int pid = session->backend_pid();
    session.reset();
    ASSERT_TRUE(test::eventually([&] { return !test::is_running(pid); }));
    const auto snapshot = snapshotter->take(Method::kCall, kTimeout);
    ASSERT_FALSE(snapshot);
    EXPECT_EQ(snapshot.error().kind, Error::Kind::kGone);
}

// An end takes a while: memory goes before the process does, and may go in the middle of a look.
TEST(Snapshotter, SaysThatTheBackendHasEndedWhereItEndsMeanwhile) {
    for (const std::optional<Method> method : kMethods) {
        for (int end = 0; end < 20; ++end) {
            std::optional<Session> session = Session::connect(PostgresServer::shared("15").dsn());
            auto snapshotter = Snapshotter::open(session->backend_pid(), Literals::kMasked);
            ASSERT_TRUE(snapshotter);
            std::thread client([&] {
                std::this_thread::sleep_for(std::chrono::milliseconds(5 + end % 4));
                session.reset();
            });
            auto snapshot = snapshotter->take(method, kTimeout);
            while (snapshot) {
                snapshot = snapshotter->take(method, kTimeout);
            }
            client.join();
            EXPECT_EQ(snapshot.error().kind, Error::Kind::kGone) << snapshot.error().message;
        }
    }
}

}  // namespace
}  // namespace palloscope
