// The main job, end to end: a real backend leaks, and the report says which statements, which
// contexts, why.

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "inspector/recording/reader.hpp"
#include "tests/inspector/cli/recorded_run.hpp"
#include "tests/support/worst_backend.hpp"

namespace palloscope::test {
namespace {

using Json = nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kSecret = "planted-s3cr3t";
// The reference: auto meets a backend in the middle of a statement too, where the truth cannot be
// counted.
const std::vector<std::string> kByCall{"--method", "call"};

std::vector<Json> json_lines(const std::string& text) {
    std::vector<Json> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(Json::parse(line));
    }
    return lines;
}

// The true growth of a backend a policy load: its used bytes at its last snapshot less those at a
// third of the run, when its caches are warm, by the loads that its journal counts between. What
// the transaction of the moment holds is 1 % of that.
double true_bytes_per_load(const RecordedRun& run, int pid) {
    std::vector<Json> snapshots;
    for (Json& snapshot :
         json_lines(palloscope_output({"export", run.recording(), "--to", "snapshots"}))) {
        if (snapshot["process"]["pid"] == pid) {
            snapshots.push_back(std::move(snapshot));
        }
    }
    const Json& first = snapshots.at(snapshots.size() / 3);
    const Json& last = snapshots.back();
    int loads = 0;
    for (const Json& line : json_lines(file_text(run.journal()))) {
        const std::string query = line["query"];
        const auto ended = std::chrono::nanoseconds(line["ended_at_ns"]);
        const auto at = [](const Json& snapshot) {
            std::tm parts{};
            const std::string text = snapshot["taken_at"];
            std::istringstream(text) >> std::get_time(&parts, "%Y-%m-%dT%H:%M:%S");
            const double micros = std::stod("0" + text.substr(text.find('.'), 7));
            return std::chrono::nanoseconds(static_cast<std::int64_t>(timegm(&parts)) *
                                                1'000'000'000 +
                                            static_cast<std::int64_t>(micros * 1e9));
        };
        loads += line["backend_pid"] == pid && query.starts_with("CREATE SCHEMA policy_loader_") &&
                         ended > at(first) && ended <= at(last)
                     ? 1
                     : 0;
    }
    const double growth = last["grand_total"]["used_bytes"].get<double>() -
                          first["grand_total"]["used_bytes"].get<double>();
    EXPECT_GT(loads, 10) << snapshots.size() << " snapshots";
    return growth / loads;
}

// What a report attributes to one round of the statements of a cause, each group counted once.
double reported_bytes_per_load(const Json& cause) {
    std::map<std::string, double> groups;
    double alone = 0;
    for (const Json& statement : cause["statements"]) {
        if (statement["group"].is_null()) {
            alone += statement["bytes_per_call"].get<double>();
        } else {
            groups[statement["group"]] = statement["bytes_per_call"];
        }
    }
    for (const auto& [name, bytes] : groups) {
        alone += bytes;
    }
    return alone;
}

TEST(Conjur, IsCatalogChurnOfItsPolicyLoads) {
    const RecordedRun run("conjur",
                          "puma*",
                          {"--sessions", "1", "--loops", "60", "--secret-marker", kSecret},
                          kByCall);
    const Json report = run.report();
    const Json leaking = worst_backend(report);
    ASSERT_FALSE(leaking["causes"].empty()) << report.dump(1) << run.recorder_output();
    const Json& cause = leaking["causes"][0];
    EXPECT_EQ(cause["id"], "catalog-churn");
    EXPECT_THAT(cause["contexts"].dump(), HasSubstr("TopMemoryContext/CacheMemoryContext"));
    EXPECT_THAT(cause["evidence"].dump(), HasSubstr("CacheMemoryContext with all below it"));
    std::vector<std::string> queries;
    for (const Json& statement : cause["statements"]) {
        queries.push_back(statement["query"]);
    }
    EXPECT_THAT(queries, Contains(HasSubstr("DROP SCHEMA policy_loader_*")));
    EXPECT_THAT(queries, Contains(HasSubstr("CREATE TABLE")));
    EXPECT_TRUE(leaking["growth"]["significant"]);

    const double truth = true_bytes_per_load(run, leaking["pid"]);
    EXPECT_GT(truth, 1000);
    EXPECT_NEAR(reported_bytes_per_load(cause), truth, 0.1 * truth) << cause.dump(1);

    // Secrets were sent to the server again and again; they are nowhere in what we wrote.
    EXPECT_THAT(file_text(run.recording()), Not(HasSubstr(kSecret)));
    EXPECT_THAT(file_text(run.journal()), Not(HasSubstr(kSecret)));
    EXPECT_THAT(run.recorder_output(), Not(HasSubstr(kSecret)));
    EXPECT_THAT(report.dump(), Not(HasSubstr(kSecret)));
    EXPECT_THAT(palloscope_output({"report", run.recording()}), Not(HasSubstr(kSecret)));
    EXPECT_THAT(palloscope_output({"export", run.recording(), "--to", "snapshots"}),
                Not(HasSubstr(kSecret)));
}

TEST(Conjur, SteppedTellsItsStatementsApart) {
    const RecordedRun run(
        "conjur", "puma*", {"--sessions", "1", "--loops", "8"}, kByCall, Source::kStep);
    const Json report = run.report();
    const Json leaking = worst_backend(report);
    ASSERT_FALSE(leaking["causes"].empty()) << report.dump(1) << run.recorder_output();
    EXPECT_EQ(leaking["causes"][0]["id"], "catalog-churn");
}

TEST(Conjur, IsFoundFromTheServersOwnLog) {
    const RecordedRun run("conjur",
                          "puma*",
                          {"--sessions", "1", "--loops", "40", "--secret-marker", kSecret},
                          kByCall,
                          Source::kLog);
    const Json report = run.report();
    const Json leaking = worst_backend(report);
    ASSERT_FALSE(leaking["causes"].empty()) << report.dump(1) << run.recorder_output();
    const Json& cause = leaking["causes"][0];
    EXPECT_EQ(cause["id"], "catalog-churn") << report.dump(1) << run.recorder_output();
    EXPECT_THAT(cause["statements"].dump(), HasSubstr("DROP SCHEMA policy_loader_*"));
    const double truth = true_bytes_per_load(run, leaking["pid"]);
    EXPECT_NEAR(reported_bytes_per_load(cause), truth, 0.25 * truth) << cause.dump(1);

    // What the log tells is what the driver ran, statement by statement, up to its last.
    const Result<History> history = read_history(run.recording());
    ASSERT_TRUE(history) << history.error().message;
    std::map<int, std::vector<std::string>> ran;
    for (const Json& line : json_lines(file_text(run.journal()))) {
        ran[line["backend_pid"]].push_back(line["query"]);
    }
    std::size_t recorded = 0;
    for (const BackendHistory& backend : history->backends) {
        const std::vector<std::string>& all = ran[backend.process.pid];
        std::vector<std::string> logged;
        for (const ExecutionRecord& execution : backend.executions) {
            logged.push_back(history->forms.at(execution.form).text);
        }
        ASSERT_LE(logged.size(), all.size());
        EXPECT_EQ(logged, std::vector(all.end() - std::ssize(logged), all.end()));
        recorded += logged.size();
    }
    EXPECT_GT(recorded, 1000U);
    EXPECT_THAT(file_text(run.recording()), Not(HasSubstr(kSecret)));
    EXPECT_THAT(run.recorder_output(), Not(HasSubstr(kSecret)));
}

TEST(Steady, LeaksNothing) {
    const RecordedRun run("steady", "palloscope-workload steady", {"--duration", "20s"}, kByCall);
    const Json report = run.report();
    ASSERT_FALSE(report["backends"].empty());
    for (const Json& backend : report["backends"]) {
        EXPECT_TRUE(backend["causes"].empty()) << backend.dump(1);
        EXPECT_FALSE(backend["growth"]["significant"]);
    }
    EXPECT_THAT(palloscope_output({"report", run.recording()}), HasSubstr("othing leaks"));
}

}  // namespace
}  // namespace palloscope::test
