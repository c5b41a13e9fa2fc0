// Scenarios that leak, end to end: the first cause that the report names is the one that the
// scenario was made to show, also where nothing else leaks but looks as if it did.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/inspector/cli/recorded_run.hpp"

namespace palloscope::test {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::StartsWith;

// Enough for the verdict, at a rate that a slow machine keeps up with.
const std::vector<std::string> kBrief{"--duration", "10s", "--rate", "20", "--seed", "1"};
const std::vector<std::string> kExplained{"--explain-every", "3s"};

struct Leak {
    std::string scenario;
    std::string cause;
    std::string statement;  // its beginning
};

class CausesOfScenarios : public testing::TestWithParam<Leak> {};

TEST_P(CausesOfScenarios, AreNamedAsTheScenarioShowsThem) {
    const RecordedRun run(
        GetParam().scenario, "palloscope-workload " + GetParam().scenario, kBrief, kExplained);
    const nlohmann::json report = run.report();
    std::vector<std::string> causes;
    std::vector<std::string> queries;
    for (const nlohmann::json& backend : report["backends"]) {
        if (!backend["causes"].empty()) {
            causes.push_back(backend["causes"][0]["id"]);
            for (const nlohmann::json& statement : backend["causes"][0]["statements"]) {
                queries.push_back(statement["query"]);
            }
        }
    }
    EXPECT_THAT(causes, testing::ElementsAre(GetParam().cause)) << report.dump(1);
    EXPECT_THAT(queries, Contains(StartsWith(GetParam().statement))) << report.dump(1);
}

INSTANTIATE_TEST_SUITE_P(
    ,
    CausesOfScenarios,
    testing::Values(Leak{"prepared", "prepared-statements", "PREPARE report_*"},
                    Leak{"cursors", "open-cursors", "DECLARE page_*"},
                    Leak{"missing-names", "negative-catcache", "SELECT to_regclass($1)"}),
    [](const testing::TestParamInfo<Leak>& leak) { return "of" + std::to_string(leak.index); });

TEST(Causes, AreNamedWithoutAJournal) {
    const RecordedRun run("missing-names",
                          "palloscope-workload missing-names",
                          kBrief,
                          kExplained,
                          Source::kActivity);
    const nlohmann::json cause = run.report()["backends"][0]["causes"][0];
    EXPECT_EQ(cause["id"], "negative-catcache");
    EXPECT_THAT(cause["statements"].dump(), testing::HasSubstr("SELECT to_regclass($1)"));
}

TEST(SharedBuffers, AreToldApartAsNoLeak) {
    const RecordedRun run("shared-buffers", "palloscope-workload shared-buffers", kBrief);
    const nlohmann::json report = run.report();
    ASSERT_FALSE(report["backends"].empty());
    for (const nlohmann::json& backend : report["backends"]) {
        EXPECT_THAT(backend["causes"], IsEmpty()) << backend.dump(1);
    }
    EXPECT_THAT(palloscope_output({"report", run.recording()}), StartsWith("Nothing leaks."));
}

}  // namespace
}  // namespace palloscope::test
