// `palloscope experiment` as a user calls it: with servers, poolers and workloads of its own.

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/program.hpp"

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
