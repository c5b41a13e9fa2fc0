// `palloscope experiment` as a user calls it: with servers, poolers and workloads of its own.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/postgres_server.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {
namespace {

using testing::HasSubstr;

constexpr std::chrono::minutes kTimeout{5};
// The trials' rates differ on a busy machine; growth a loop does not.
constexpr double kSameShare = 0.3;

ProgramResult experiment(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {palloscope_program(), "experiment"});
    return run_program(arguments, {}, kTimeout);
}

nlohmann::json trial_of(const nlohmann::json& experiment, const std::string& intervention) {
    for (const auto& trial : experiment["trials"]) {
        if (trial["intervention"] == intervention) {
            return trial;
        }
    }
    ADD_FAILURE() << "no trial of " << intervention;
    return {};
}

// Two connections grew to 900 MB each, and neither VACUUM nor server_lifetime changed anything.
TEST(Experiment, RepeatsTheStoryOfConjur) {
    const ProgramResult result = experiment({"--scenario",
                                             "conjur",
                                             "--duration",
                                             "10s",
                                             "--try",
                                             "vacuum",
                                             "--try",
                                             "pgbouncer-session-lifetime",
                                             "--try",
                                             "reconnect",
                                             "--format",
                                             "json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto json = nlohmann::json::parse(result.out);
    ASSERT_TRUE(json["grows"].get<bool>()) << result.out;
    EXPECT_EQ(json["judged_on"], "used_bytes");
    const double grown = trial_of(json, "none")["bytes_per_unit"]["value"].get<double>();
    for (const char* const useless : {"vacuum", "pgbouncer-session-lifetime"}) {
        const auto trial = trial_of(json, useless);
        EXPECT_NEAR(trial["bytes_per_unit"]["value"].get<double>(), grown, kSameShare * grown)
            << trial["description"];
        EXPECT_NE(trial["effect"], "stops");
        EXPECT_EQ(trial["errors"], 0);
    }
    EXPECT_EQ(trial_of(json, "reconnect")["effect"], "stops") << result.out;
}

TEST(Experiment, TriesACommandsStatementsThroughPgBouncer) {
    constexpr const char* kCommand =
        "i=0; while :; do i=$((i + 1)); echo \"PREPARE p$i AS SELECT $i;\"; "
        "[ $((i % 20)) = 0 ] && sleep 0.05; done | psql -qX -o /dev/null";
    const ProgramResult result = experiment({"--duration",
                                             "5s",
                                             "--try",
                                             "deallocate-all",
                                             "--format",
                                             "json",
                                             "--",
                                             "sh",
                                             "-c",
                                             kCommand});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto json = nlohmann::json::parse(result.out);
    ASSERT_TRUE(json["grows"].get<bool>()) << result.out;
    EXPECT_EQ(json["unit"], "second");
    EXPECT_EQ(trial_of(json, "deallocate-all")["effect"], "stops") << result.out;
}

TEST(Experiment, VacuumsADatabaseThatTheCommandMade) {
    constexpr const char* kCommand =
        "psql -qXc 'CREATE DATABASE \"my app\"' && while :; do echo \"SELECT 'times: ' || "
        "vacuum_count FROM pg_stat_all_tables WHERE relid = 'pg_class'::regclass;\"; sleep 0.1; "
        "done | psql -qXAtd 'my app'";
    const ProgramResult result =
        experiment({"--duration", "3s", "--try", "vacuum", "--", "sh", "-c", kCommand});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.err, testing::ContainsRegex("times: [1-9]"));
}

// A service (PGSERVICE) would lead libpq past PGPORT, to a server that is the user's.
TEST(Experiment, TouchesNoServerThatTheCallersVariablesName) {
    PostgresServer& server = PostgresServer::shared("15");
    const TemporaryFolder folder;
    const std::string services = folder.path() / "services";
    std::ofstream(services) << "[app]\nhost=127.0.0.1\nport=" << server.port()
                            << "\nuser=postgres\ndbname=postgres\n";
    Session session = Session::connect(server.dsn());
    const auto schemas = [&] { return session.exec("SELECT count(*), max(oid) FROM pg_class"); };
    const auto before = schemas();
    const ProgramResult result = run_program(
        {palloscope_program(),
         "experiment",
         "--scenario",
         "conjur",
         "--duration",
         "3s",
         "--try",
         "jit-off",
         "--format",
         "json"},
        {.environment = {"PGSERVICEFILE=" + services, "PGSERVICE=app", "PGSSLMODE=verify-full"}},
        kTimeout);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto trial = trial_of(nlohmann::json::parse(result.out), "none");
    EXPECT_GT(trial["samples"].back()["backends"], 0);
    EXPECT_EQ(schemas(), before);
}

// PostgreSQL up to 15 finds its own programs by way of its working directory.
TEST(Experiment, RunsFromAFolderThatIsClosedToTheServersUser) {
    const TemporaryFolder folder;
    std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
    const ProgramResult result = run_program({palloscope_program(),
                                              "experiment",
                                              "--scenario",
                                              "steady",
                                              "--duration",
                                              "1s",
                                              "--try",
                                              "jit-off"},
                                             {.working_directory = folder.path()},
                                             kTimeout);
    EXPECT_EQ(result.exit_code, 0) << result.err;
}

// Its transaction never ends, and within one nothing is done between requests.
TEST(Experiment, DoesNotJudgeWhatWasNeverDone) {
    const ProgramResult result = run_program({palloscope_program(),
                                              "experiment",
                                              "--scenario",
                                              "savepoints",
                                              "--duration",
                                              "2s",
                                              "--try",
                                              "discard-all",
                                              "--",
                                              "--loops-per-transaction",
                                              "1000000"},
                                             {},
                                             kTimeout);
    EXPECT_THAT(result.out, HasSubstr("it was never done"));
    EXPECT_THAT(result.out, testing::Not(HasSubstr("changes nothing")));
}

TEST(Experiment, DoesNotJudgeWhatItCouldNotRead) {
    const std::vector<std::string> trial{palloscope_program(),
                                         "experiment",
                                         "--duration",
                                         "2s",
                                         "--try",
                                         "jit-off",
                                         "--",
                                         "sleep",
                                         "10"};
    const ProgramResult unused = run_program(trial, {}, kTimeout);
    EXPECT_EQ(unused.exit_code, 1);
    EXPECT_THAT(unused.err, HasSubstr("was never seen to connect"));
    std::vector<std::string> without{
        "setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-all", "--"};
    without.insert(without.end(), trial.begin(), trial.end() - 2);
    without.insert(without.end(), {"psql", "-c", "SELECT pg_sleep(10)"});
    const ProgramResult refused = run_program(without, {}, kTimeout);
    EXPECT_EQ(refused.exit_code, 4) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("CAP_SYS_PTRACE"));
}

TEST(Experiment, SaysWhatKeepsItFromRunning) {
    const ProgramResult nothing = experiment({});
    EXPECT_EQ(nothing.exit_code, 2);
    EXPECT_THAT(nothing.err, HasSubstr("experiment needs something to run"));
    const ProgramResult unknown = experiment({"--scenario", "nonsense", "--duration", "1s"});
    EXPECT_EQ(unknown.exit_code, 1);
    EXPECT_THAT(unknown.err, HasSubstr("nonsense ended with exit code 2"));
    const ProgramResult failing = experiment({"--duration", "1s", "--", "sh", "-c", "exit 7"});
    EXPECT_EQ(failing.exit_code, 1);
    EXPECT_THAT(failing.err, HasSubstr("sh ended with exit code 7"));
    const ProgramResult setting = experiment({"--set", "shared_buffers=none", "--", "true"});
    EXPECT_EQ(setting.exit_code, 1);
    EXPECT_THAT(setting.err, HasSubstr("invalid value for parameter \"shared_buffers\""));
    const ProgramResult programs = experiment({"--server-programs", "/nowhere", "--", "true"});
    EXPECT_EQ(programs.exit_code, 1);
    EXPECT_THAT(programs.err, HasSubstr("/nowhere does not hold the programs postgres and initdb"));
}

}  // namespace
}  // namespace palloscope::test
