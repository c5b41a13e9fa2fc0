#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "inspector/report/report.hpp"
#include "tests/inspector/report/report_sample.hpp"

namespace palloscope {
namespace {

using testing::ElementsAre;

std::vector<std::string> keys(const nlohmann::ordered_json& object) {
    std::vector<std::string> names;
    for (const auto& [name, value] : object.items()) {
        names.push_back(name);
    }
    return names;
}

nlohmann::ordered_json parsed(const Diagnosis& diagnosis) {
    return nlohmann::ordered_json::parse(report_json(diagnosis));
}

TEST(ReportJson, HasExactlyTheFieldsOfTheContract) {
    const auto report = parsed(sample_diagnosis());
    EXPECT_THAT(keys(report), ElementsAre("schema", "backends", "notes"));
    EXPECT_EQ(report["schema"], "palloscope.report/1");
    const auto& backend = report["backends"][0];
    EXPECT_THAT(keys(backend),
                ElementsAre("pid",
                            "server_version_num",
                            "growth",
                            "causes",
                            "unexplained_bytes",
                            "harmless",
                            "forecast",
                            "ending",
                            "notes"));
    EXPECT_THAT(keys(backend["growth"]),
                ElementsAre("bytes",
                            "bytes_per_second",
                            "low",
                            "high",
                            "judged_on",
                            "quiet_seconds",
                            "rest_seconds",
                            "significant"));
    EXPECT_EQ(backend["growth"]["judged_on"], "used_bytes");
    const auto& cause = backend["causes"][0];
    EXPECT_THAT(keys(cause),
                ElementsAre("id",
                            "title",
                            "confidence",
                            "bytes",
                            "share",
                            "contexts",
                            "statements",
                            "evidence",
                            "remedies"));
    EXPECT_THAT(keys(cause["contexts"][0]), ElementsAre("path", "bytes"));
    EXPECT_THAT(
        keys(cause["statements"][0]),
        ElementsAre("fingerprint", "query", "calls", "bytes_per_call", "low", "high", "group"));
}

TEST(ReportJson, KeepsFiguresAndGroups) {
    const auto report = parsed(sample_diagnosis());
    const auto& backend = report["backends"][0];
    EXPECT_EQ(backend["pid"], 4242);
    EXPECT_EQ(backend["growth"]["significant"], true);
    EXPECT_EQ(backend["causes"][0]["statements"][0]["group"], "g1");
    EXPECT_EQ(backend["causes"][0]["statements"][4]["group"], nullptr);
    EXPECT_EQ(backend["causes"][0]["statements"][4]["bytes_per_call"], 900.0);
    EXPECT_EQ(report["backends"][1]["growth"]["significant"], false);
    EXPECT_TRUE(report["backends"][1]["causes"].empty());
    EXPECT_THAT(report["notes"], ElementsAre("3 lines of the journal were skipped."));
    EXPECT_THAT(backend["notes"], ElementsAre(testing::StartsWith("2 snapshots were missed")));
}

TEST(ReportJson, TellsWhenTheLimitIsReached) {
    Diagnosis diagnosis = sample_diagnosis();
    diagnosis.backends[0].forecast =
        Forecast{.seconds = {.value = 90}, .at_ns = 1'763'888'400'000'000'000};
    diagnosis.backends[1].forecast = Forecast{.seconds = {.value = 1e12}};
    const auto report = parsed(diagnosis);
    EXPECT_THAT(
        keys(report["backends"][0]["forecast"]),
        ElementsAre("limit_bytes", "left_bytes", "seconds", "low", "high", "at", "backends"));
    EXPECT_EQ(report["backends"][0]["forecast"]["at"], "2025-11-23T09:00:00.000000Z");
    EXPECT_EQ(report["backends"][1]["forecast"]["at"], nullptr);
}

TEST(ReportJson, TurnsWhatIsNotFiniteIntoZero) {
    Diagnosis diagnosis = sample_diagnosis();
    diagnosis.backends[0].growth.bytes_per_second.value = std::numeric_limits<double>::quiet_NaN();
    diagnosis.backends[0].causes[0].share = std::numeric_limits<double>::infinity();
    const auto backend = parsed(diagnosis)["backends"][0];
    EXPECT_EQ(backend["growth"]["bytes_per_second"], 0.0);
    EXPECT_EQ(backend["causes"][0]["share"], 0.0);
}

TEST(ReportJson, IsValidWhateverTheServersEncoding) {
    Diagnosis diagnosis = sample_diagnosis();
    diagnosis.backends[0].causes[0].statements[0].query = "SELECT \xe9\x1b[2J\n";
    EXPECT_EQ(parsed(diagnosis)["backends"][0]["causes"][0]["statements"][0]["query"],
              "SELECT \\xe9\x1b[2J\n");
}

}  // namespace
}  // namespace palloscope
