// Whether the root cause that a report names is the true one: every scenario of
// palloscope-workload, whose truth is known (palloscope-workload list), recorded and reported.
//
//     diagnosis [VERSION…] [SCENARIO…] [SOURCE…]
//
// those alone; without, all scenarios on 15 and a third on 10, 14, 16 and 18, each by journal,
// activity and log. Stepping, which is the truth, runs always.
//
// Where several causes are expected, of which the first to be found may be any, the rank of each is
// given, in the order of palloscope-workload list; '-' for what was not found.
//
// The true value is to lie in the 95 % interval of a figure in nine rows of ten. Stepping, too,
// knows it within an interval only: what is held to the goal is that the two intervals meet. "in"
// stands where the very figure of stepping is within, "meets" where the intervals alone do. Of a
// scenario of several sessions both are the mean over its backends, as far as they name the cause.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "tests/bench/diagnosis_score.hpp"
#include "tests/bench/logging_server.hpp"
#include "tests/bench/round_bytes.hpp"
#include "tests/bench/scenario_report.hpp"

namespace palloscope::test {
namespace {

using Json = nlohmann::json;

// All scenarios run on this version, one in so many on the others.
constexpr const char* kVersionOfAll = "15";
constexpr std::size_t kOneInSoMany = 3;

// The causes that a scenario shows on a server of this version, the main one first.
std::vector<std::string> expected_causes(const Json& scenario, int server_version_num) {
    constexpr int kMajor = 10'000;
    std::vector<std::string> causes;
    for (const Json& leak : scenario["leaks"]) {
        const auto mended_in = leak["mended_in"].get<std::vector<int>>();
        const bool in_this_major = std::ranges::any_of(mended_in, [&](int version) {
            return version / kMajor == server_version_num / kMajor && version <= server_version_num;
        });
        const bool before = !mended_in.empty() &&
                            std::ranges::max(mended_in) / kMajor < server_version_num / kMajor;
        if (!in_this_major && !before) {
            causes.push_back(leak["cause"]);
        }
    }
    return causes;
}

// The first statement of a cause that stepping names too, against what that says of it.
std::string comparison(const Json& cause,
                       const ScenarioReport& found,
                       const ScenarioReport& stepped,
                       Source source,
                       DiagnosisScore& score) {
    const auto rounds = compare_rounds(cause, found.backends, stepped.backends);
    if (!rounds) {
        // That no statement is the same counts as a wrong figure, unless stepping names none
        // either.
        if (!(*find_cause(stepped.worst, cause["id"]))["statements"].empty()) {
            score.add_missing_figure(source);
        }
        return fmt::format("{:>9} {:>9}", "", "none");
    }
    const RoundBytes& measured = rounds->found;
    const RoundBytes& truth = rounds->stepped;
    const Comparison compared{
        .error = measured.value / truth.value - 1,
        .holds_figure = measured.low <= truth.value && truth.value <= measured.high,
        .intervals_meet = measured.low <= truth.high && truth.low <= measured.high};
    score.add_comparison(source, compared);
    return fmt::format("{:>9.0f} B {:>9.0f} B {:>+5.0f} % {:<5} {}",
                       measured.value,
                       truth.value,
                       compared.error * 100,
                       compared.holds_figure     ? "in"
                       : compared.intervals_meet ? "meets"
                                                 : "out",
                       rounds->query.substr(0, 40));
}

// A line of the table.
struct Row {
    std::string version;
    std::string scenario;
    Source source = Source::kSteps;
    LogFormat log;  // of Source::kLog

    [[nodiscard]] std::string heading() const {
        return fmt::format(
            "{:>4} {:<18} {:<11}",
            version,
            scenario,
            source == Source::kLog ? fmt::format("log {}", log.destination) : name_of(source));
    }
};

// "prepared-statements+2": the main one, and how many more.
std::string expected_text(const std::vector<std::string>& expected) {
    if (expected.size() < 2) {
        return expected.empty() ? "none" : expected.front();
    }
    return fmt::format("{}+{}", expected.front(), expected.size() - 1);
}

// At which places the expected causes stand among those found: "2,1,-".
std::string ranks_of(const std::vector<std::string>& expected, const Json& causes) {
    std::string ranks;
    for (const std::string& cause : expected) {
        const auto found =
            std::ranges::find_if(causes, [&](const Json& other) { return other["id"] == cause; });
        ranks += ranks.empty() ? "" : ",";
        ranks += found == causes.end() ? "-" : std::to_string(found - causes.begin() + 1);
    }
    return ranks;
}

void judge(const Row& row,
           const std::vector<std::string>& expected,
           const ScenarioReport& report,
           const ScenarioReport& stepped,
           DiagnosisScore& score) {
    const Json& causes = report.worst["causes"];
    std::string found = report.nothing_leaks ? "none" : "not judged";
    std::string figures;
    if (!causes.empty()) {
        const Json& cause = causes[0];
        found = cause["id"];
        figures = fmt::format("{:>4.0f} % {:>4.0f} % ",
                              cause["share"].get<double>() * 100,
                              cause["confidence"].get<double>() * 100);
        if (find_cause(stepped.worst, found) != nullptr) {
            figures += comparison(cause, report, stepped, row.source, score);
        } else {
            score.add_missing_figure(row.source);
            figures += "stepping names another cause";
        }
    } else if (!stepped.worst["causes"].empty() && !expected.empty()) {
        score.add_missing_figure(row.source);
    }
    const bool right = report.nothing_leaks ? expected.empty()
                                            : std::ranges::find(expected, found) != expected.end();
    score.add_row(/*leaks=*/!expected.empty(), right);
    fmt::print("{} {:<21} {:<21} {:<5} {:<5} {}\n",
               row.heading(),
               expected_text(expected),
               found,
               ranks_of(expected, causes),
               right ? "right" : "WRONG",
               figures);
    std::fflush(stdout);
}

void judge_scenario(const LoggingServer& server,
                    const std::string& version,
                    const Json& scenario,
                    const LogFormat& log,
                    const std::vector<Source>& sources,
                    DiagnosisScore& score) {
    ScenarioReport stepped{.worst = {{"causes", Json::array()}}, .backends = Json::array()};
    for (const Source source : sources) {
        if (source == Source::kSteps && scenario["leaks"].empty()) {
            continue;  // no figures to compare with
        }
        const Row row{
            .version = version, .scenario = scenario["name"], .source = source, .log = log};
        try {
            const ScenarioReport report = report_on(server, row.scenario, source, log);
            if (source == Source::kSteps) {
                stepped = report;
            } else {
                judge(row,
                      expected_causes(scenario, report.worst["server_version_num"]),
                      report,
                      stepped,
                      score);
            }
        } catch (const std::exception& error) {
            if (source != Source::kSteps) {
                score.add_row(/*leaks=*/!scenario["leaks"].empty(), /*right=*/false);
            }
            fmt::print("{} not run: {}\n", row.heading(), error.what());
        }
    }
}

// Scenarios take turns, three together, so that every format is met on every version that has it,
// also by the third of them that runs there.
const LogFormat& log_format_of(const LoggingServer& server, std::size_t scenario) {
    return server.formats()[scenario / kOneInSoMany % server.formats().size()];
}

// What the command line asks for.
struct Choice {
    std::vector<std::string> versions;
    std::vector<std::string> scenarios;  // none: as many as a version has by default
    std::vector<Source> sources;         // stepping first

    [[nodiscard]] bool has(const std::string& version,
                           const std::string& scenario,
                           std::size_t position) const {
        return scenarios.empty() ? version == kVersionOfAll || position % kOneInSoMany == 0
                                 : std::ranges::find(scenarios, scenario) != scenarios.end();
    }
};

// Throws std::runtime_error where an argument is none of these.
Choice choice_of(std::span<char*> arguments, const Json& scenarios) {
    const std::vector<Source> all{Source::kJournal, Source::kActivity, Source::kLog};
    Choice choice;
    for (const std::string argument : arguments) {
        const auto source = std::ranges::find(all, argument, name_of);
        if (argument.find_first_not_of("0123456789") == std::string::npos) {
            choice.versions.push_back(argument);
        } else if (source != all.end()) {
            choice.sources.push_back(*source);
        } else if (std::ranges::any_of(scenarios, [&](const Json& scenario) {
                       return scenario["name"] == argument;
                   })) {
            choice.scenarios.push_back(argument);
        } else {
            throw std::runtime_error(
                fmt::format("{} is no version, no scenario and no source", argument));
        }
    }
    if (choice.versions.empty()) {
        choice.versions = {kVersionOfAll, "10", "14", "16", "18"};
    }
    if (choice.sources.empty()) {
        choice.sources = all;
    }
    choice.sources.insert(choice.sources.begin(), Source::kSteps);
    return choice;
}

void measure(std::span<char*> arguments) {
    const Json scenarios = scenario_list();
    const Choice choice = choice_of(arguments, scenarios);
    fmt::print(
        "{:>4} {:<18} {:<11} {:<21} {:<21} {:<5} {:<5} share, confidence, bytes a call, by "
        "stepping, error, interval, statement\n",
        "",
        "scenario",
        "source",
        "expected",
        "first cause found",
        "rank",
        "");
    DiagnosisScore score;
    for (const std::string& version : choice.versions) {
        const LoggingServer server = LoggingServer::start(version);
        for (std::size_t i = 0; i < scenarios.size(); ++i) {
            if (choice.has(version, scenarios[i]["name"], i)) {
                judge_scenario(
                    server, version, scenarios[i], log_format_of(server, i), choice.sources, score);
            }
        }
    }
    score.print();
}

}  // namespace
}  // namespace palloscope::test

int main(int argc, char** argv) {
    try {
        palloscope::test::measure(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "diagnosis: {}\n", error.what());
        return 1;
    }
}
