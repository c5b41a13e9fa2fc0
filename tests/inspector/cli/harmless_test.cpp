// What must hold next to a live backend: no transaction fails, nothing reaches the server's log,
// and no way in which we die leaves a trace.

#include <cstdint>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/backend_watch.hpp"
#include "tests/support/pgbench.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"
#include "tests/torture/kill_trials.hpp"
#include "tests/torture/under_fire.hpp"

namespace palloscope::test {
namespace {

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
    ASSERT_EQ(run_program(pgbench(server, {"-i", "-q"})).exit_code, 0);
    const std::string log = server.log();

    Program clients = Program::start(pgbench(server, {"-n", "-c", "1", "-T", "45"}));
    Session session = Session::connect(server.dsn());
    pid_t backend = 0;
    // Its first connection only looks at the tables, and ends.
    ASSERT_TRUE(eventually([&] {
        const auto rows = session.exec(
            "select pid from pg_stat_activity where application_name = 'pgbench' and query ~ "
            "'^UPDATE'");
        backend = rows.empty() ? 0 : std::stoi(rows.at(0).at(0).value());
        return backend != 0;
    }));
    constexpr int kSnapshots = 200;
    for (int i = 0; i < kSnapshots; ++i) {
        const ProgramResult snapshot = run_program(snapshot_command(backend));
        ASSERT_EQ(snapshot.exit_code, 0) << snapshot.err;
        ASSERT_NE(snapshot.out.find("\"grand_total\""), std::string::npos);
    }
    const ProgramResult result = clients.wait(std::chrono::seconds(60));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_NE(result.out.find("number of failed transactions: 0 (0.000%)"), std::string::npos)
        << result.out;
    EXPECT_EQ(server.log(), log);
}

constexpr auto kMethodName = [](const auto& method) {
    return std::string(to_string(method.param));
};

class HarmlessByMethod : public testing::TestWithParam<Method> {};

TEST_P(HarmlessByMethod, KilledAtAnyMomentWeLeaveNoTrace) {
    const PostgresServer server = PostgresServer::start("15", kQuietLog);
    // The same moments in each run of the test, for a failure to be found again.
    constexpr std::uint64_t kSeed = 20261123;
    constexpr int kTrials = 100;
    const KillTrialsResult result =
        run_kill_trials(server, std::string(to_string(GetParam())), kTrials, kSeed);
    EXPECT_THAT(result.harms, testing::IsEmpty());
    EXPECT_GE(result.killed_before_end, kTrials / kEarlyShare) << result.summary();
    EXPECT_GE(result.killed_holding_it, kTrials / kHeldShare) << result.summary();
}

INSTANTIATE_TEST_SUITE_P(ThatStops,
                         HarmlessByMethod,
                         testing::Values(Method::kFreeze, Method::kFork, Method::kCall),
                         kMethodName);

class HarmlessUnderFire : public testing::TestWithParam<Method> {};

TEST_P(HarmlessUnderFire, EveryTreeIsWholeAndNobodyIsDisturbed) {
    const PostgresServer server = PostgresServer::start("15", kQuietLog);
    constexpr int kSnapshots = 500;
    const UnderFireResult result = run_under_fire(server, GetParam(), kSnapshots);
    EXPECT_THAT(result.harms, testing::IsEmpty());
    EXPECT_GT(result.taken, kSnapshots / 4) << result.summary(GetParam());
    EXPECT_GT(result.compared, 0) << result.summary(GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    EveryMethod,
    HarmlessUnderFire,
    testing::Values(Method::kRead, Method::kFreeze, Method::kFork, Method::kCall),
    kMethodName);

}  // namespace
}  // namespace palloscope::test
