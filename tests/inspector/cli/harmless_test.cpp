// What must hold next to a live backend: no transaction fails, nothing reaches the server's log,
// and no way in which we die leaves a trace.

#include <csignal>
#include <random>
#include <string>
#include <thread>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/support/postgres_server.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"

namespace palloscope::test {
namespace {

constexpr const char* kPgbench = "/usr/lib/postgresql/15/bin/pgbench";

std::vector<std::string> snapshot_command(pid_t pid) {
    return {palloscope_program(),
            "snapshot",
            std::to_string(pid),
            "--method",
            "call",
            "--format",
            "json"};
}

TEST(Harmless, TwoHundredSnapshotsOfABusyBackendCostItNoTransaction) {
    PostgresServer server = PostgresServer::start("15");
    const std::string port = std::to_string(server.port());
    const std::vector<std::string> connection{
        "-h", server.folder(), "-p", port, "-U", "postgres", "postgres"};
    std::vector<std::string> initialise{kPgbench, "-i", "-q"};
    initialise.insert(initialise.end(), connection.begin(), connection.end());
    ASSERT_EQ(run_program(initialise).exit_code, 0);
    const std::string log = server.log();

    std::vector<std::string> run{kPgbench, "-n", "-c", "1", "-T", "45"};
    run.insert(run.end(), connection.begin(), connection.end());
    Program pgbench = Program::start(run);
    Session session = Session::connect(server.dsn());
    pid_t backend = 0;
    ASSERT_TRUE(eventually([&] {
        const auto rows =
            session.exec("select pid from pg_stat_activity where application_name = 'pgbench'");
        backend = rows.empty() ? 0 : std::stoi(rows.at(0).at(0).value());
        return backend != 0;
    }));
    constexpr int kSnapshots = 200;
    for (int i = 0; i < kSnapshots; ++i) {
        const ProgramResult snapshot = run_program(snapshot_command(backend));
        ASSERT_EQ(snapshot.exit_code, 0) << snapshot.err;
        ASSERT_NE(snapshot.out.find("\"grand_total\""), std::string::npos);
    }
    const ProgramResult result = pgbench.wait(std::chrono::seconds(60));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_NE(result.out.find("number of failed transactions: 0 (0.000%)"), std::string::npos)
        << result.out;
    EXPECT_EQ(server.log(), log);
}

TEST(Harmless, KilledAtAnyMomentWeLeaveNoTrace) {
    PostgresServer server = PostgresServer::start("15");
    Session session = Session::connect(server.dsn());
    const pid_t backend = session.backend_pid();
    session.exec(
        "do $$ begin for i in 1..300 loop execute format('create temporary table t%s (id int "
        "primary key)', i);"
        " end loop; end $$");
    const auto descriptors = open_descriptors(backend);
    const std::string log = server.log();
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_EQ(run_program(snapshot_command(backend)).exit_code, 0);
    const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - begin;

    // The same moments in each run of the test, for a failure to be found again.
    std::mt19937 random(20261123);  // NOLINT(cert-msc51-cpp)
    std::uniform_real_distribution<double> moment(0, whole.count());
    constexpr int kKills = 100;
    int killed_at_work = 0;
    for (int i = 0; i < kKills; ++i) {
        Program snapshot = Program::start(snapshot_command(backend));
        std::this_thread::sleep_for(std::chrono::duration<double>(moment(random)));
        snapshot.send_signal(SIGKILL);
        killed_at_work += snapshot.wait().signal == SIGKILL ? 1 : 0;
        ASSERT_TRUE(session.alive()) << "kill " << i;
        ASSERT_EQ(tracer_pid(backend), 0);
        ASSERT_NE(std::string("RS").find(state_of(backend)), std::string::npos);
        ASSERT_EQ(open_descriptors(backend), descriptors) << "kill " << i;
    }
    EXPECT_GT(killed_at_work, kKills / 2);
    EXPECT_EQ(server.log(), log);
    EXPECT_EQ(run_program(snapshot_command(backend)).exit_code, 0);
}

}  // namespace
}  // namespace palloscope::test
