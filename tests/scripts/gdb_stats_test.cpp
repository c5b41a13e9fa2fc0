// scripts/gdb/stats.sh: MemoryContextStats of a backend by gdb, and no harm to it.

#include <chrono>
#include <csignal>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/backend_watch.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"

namespace palloscope::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> stats_command(pid_t pid) {
    return {PALLOSCOPE_SOURCE_DIR "/scripts/gdb/stats.sh", std::to_string(pid)};
}

class StatsScriptOnEveryVersion : public testing::TestWithParam<std::string> {};

TEST_P(StatsScriptOnEveryVersion, PrintsWhatTheServerDoesAndLeavesTheBackendAsItWas) {
    const PostgresServer server = PostgresServer::start(GetParam(), kQuietLog);
    Session session = Session::connect(server.dsn());
    session.exec("prepare kept as select 1");
    BackendWatch watch(server, session);
    const ProgramResult stats = run_program(stats_command(session.backend_pid()));
    EXPECT_EQ(stats.exit_code, 0) << stats.err;
    const ProgramResult called = run_program({palloscope_program(),
                                              "snapshot",
                                              std::to_string(session.backend_pid()),
                                              "--method",
                                              "call",
                                              "--show-literals",
                                              "--format",
                                              "stats"});
    EXPECT_EQ(called.exit_code, 0) << called.err;
    EXPECT_EQ(stats.out, called.out);
    EXPECT_THAT(watch.harms(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(EveryVersion,
                         StatsScriptOnEveryVersion,
                         testing::ValuesIn(server_versions()),
                         kVersionName);

TEST(StatsScript, DoesNoHarmWhereItIsKilled) {
    constexpr int kKills = 20;
    const PostgresServer server = PostgresServer::start("15", kQuietLog);
    Session session = Session::connect(server.dsn());
    BackendWatch watch(server, session);
    // How long one takes until it prints, so that kills fall all over its life.
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_EQ(run_program(stats_command(session.backend_pid())).exit_code, 0);
    const auto life = std::chrono::steady_clock::now() - begin;
    std::mt19937 random(15);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in each run
    std::uniform_real_distribution<double> part(0.3, 1.0);
    int killed = 0;
    int killed_while_it_held = 0;
    for (int i = 0; i < kKills; ++i) {
        Program script = Program::start(stats_command(session.backend_pid()));
        if (i % 2 == 0) {
            std::this_thread::sleep_for(life * part(random));
        } else {
            // It holds the backend for some ten milliseconds only.
            (void)eventually([&] { return tracer_pid(session.backend_pid()) != 0; });
            std::this_thread::sleep_for(std::chrono::milliseconds(10) * part(random));
        }
        killed_while_it_held += tracer_pid(session.backend_pid()) != 0 ? 1 : 0;
        script.send_signal(SIGKILL);
        killed += script.wait().signal == SIGKILL ? 1 : 0;
        ASSERT_TRUE(eventually([&] { return tracer_pid(session.backend_pid()) == 0; }));
        ASSERT_TRUE(session.alive());
    }
    EXPECT_GT(killed, 0);
    EXPECT_GT(killed_while_it_held, 0);
    EXPECT_THAT(watch.harms(), IsEmpty());
}

TEST(StatsScript, CallsInNoBackendThatIsAtWork) {
    const PostgresServer server = PostgresServer::start("15", kQuietLog);
    Session session = Session::connect(server.dsn());
    session.send("select pg_sleep(1000)");
    auto command = stats_command(session.backend_pid());
    command.emplace_back("1");
    ASSERT_TRUE(eventually([&] {
        return Session::connect(server.dsn())
                   .exec(
                       "select 1 from pg_stat_activity where query like '%pg_sleep(1000)' and "
                       "state = 'active' and wait_event = 'PgSleep'")
                   .size() == 1;
    }));
    const ProgramResult result = run_program(command);
    EXPECT_EQ(result.exit_code, 6);
    EXPECT_THAT(result.err, HasSubstr("did not wait for its client within 1 s"));
    EXPECT_EQ(result.out, "");
}

TEST(StatsScript, RefusesWhatIsNoClientBackend) {
    const PostgresServer& server = PostgresServer::shared("15");
    const ProgramResult postmaster = run_program(stats_command(server.postmaster_pid()));
    EXPECT_EQ(postmaster.exit_code, 5);
    EXPECT_THAT(postmaster.err, HasSubstr("is no client backend"));
    const Program other = Program::start({"sleep", "1000"});
    const ProgramResult sleeping = run_program(stats_command(other.pid()));
    EXPECT_EQ(sleeping.exit_code, 3);
    EXPECT_THAT(sleeping.err, HasSubstr("is no PostgreSQL server"));
    EXPECT_EQ(run_program(stats_command(99999999)).exit_code, 3);
    EXPECT_EQ(run_program({PALLOSCOPE_SOURCE_DIR "/scripts/gdb/stats.sh", "12x"}).exit_code, 2);
}

}  // namespace
}  // namespace palloscope::test
