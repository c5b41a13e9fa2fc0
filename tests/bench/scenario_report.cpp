#include "tests/bench/scenario_report.hpp"

#include <chrono>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/support/program.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/worst_backend.hpp"

namespace palloscope::test {

namespace {

using Json = nlohmann::json;

// Each run makes the same choices: what is stepped is what was recorded, and goes on from there, as
// far as the time goes, since the warm-up is a large part of what 750 loops leave. No more, though,
// than there are partitions to read for the first time. Both are enough for chance to make less of
// the calls, and jumps of hash tables less of the bytes, than what is asked of them.
//
// Looks see a part of the statements, by chance: twice as many loops make a number that errs by
// 23 % err by 16 %. Who records for minutes has better ones.
constexpr const char* kSeed = "15";
constexpr const char* kLoopsPerSecond = "25";
constexpr std::chrono::seconds kRunTime{120};

struct Length {
    const char* loops;
    const char* duration;
};

constexpr Length kOfAllStatements{.loops = "750", .duration = "30s"};
constexpr Length kOfActivity{.loops = "1500", .duration = "60s"};
constexpr Length kOfSteps{.loops = "2500", .duration = "60s"};

std::string output_of(const std::vector<std::string>& command) {
    ProgramResult result = run_program(command, {}, kRunTime);
    if (result.exit_code != 0) {
        throw std::runtime_error(result.err);
    }
    return result.out;
}

Length length_of(Source source) {
    switch (source) {
        case Source::kJournal:
        case Source::kLog:
            return kOfAllStatements;
        case Source::kActivity:
            return kOfActivity;
        case Source::kSteps:
            break;
    }
    return kOfSteps;
}

}  // namespace

const char* name_of(Source source) {
    switch (source) {
        case Source::kJournal:
            return "journal";
        case Source::kActivity:
            return "activity";
        case Source::kLog:
            return "log";
        case Source::kSteps:
            break;
    }
    return "steps";
}

Json scenario_list() {
    return Json::parse(output_of({workload_program(), "list", "--format", "json"}));
}

ScenarioReport report_on(const LoggingServer& server,
                         const std::string& scenario,
                         Source source,
                         const LogFormat& log) {
    const TemporaryFolder folder;
    const auto file = [&](const char* name) { return (folder.path() / name).string(); };
    const std::map<Source, std::string> statements{
        {Source::kJournal, "journal:" + file("journal.jsonl")},
        {Source::kActivity, "activity"},
        {Source::kLog, "log:" + server.log_path(log)},
        {Source::kSteps, "step:" + file("socket")}};
    const std::string application = "bench-" + scenario;
    std::vector<std::string> record{palloscope_program(),
                                    "record",
                                    "all",
                                    "--application-name",
                                    application,
                                    "--output",
                                    file("run.palloscope"),
                                    "--statements",
                                    statements.at(source)};
    std::vector<std::string> drive{workload_program(),
                                   scenario,
                                   "--dsn",
                                   source == Source::kLog ? server.logging_dsn() : server.dsn(),
                                   "--application-name",
                                   application,
                                   "--seed",
                                   kSeed,
                                   "--loops",
                                   length_of(source).loops,
                                   "--duration",
                                   length_of(source).duration,
                                   "--journal",
                                   file("journal.jsonl")};
    if (source == Source::kSteps) {
        drive.insert(drive.end(), {"--step", file("socket")});
    } else {
        record.insert(record.end(), {"--interval", "250ms", "--explain-every", "8s"});
        drive.insert(drive.end(), {"--rate", kLoopsPerSecond});
    }
    Program recorder = Program::start(record);
    if (source == Source::kSteps) {
        // The driver does not wait for the socket.
        recorder.wait_for_output("waiting");
    }
    output_of(drive);
    // It ends by itself: the backends have gone with the driver.
    if (const ProgramResult recorded = recorder.wait(kRunTime); recorded.exit_code != 0) {
        throw std::runtime_error(recorded.err);
    }
    const std::vector<std::string> report{palloscope_program(), "report", file("run.palloscope")};
    std::vector<std::string> report_json = report;
    report_json.insert(report_json.end(), {"--format", "json"});
    const Json recorded = Json::parse(output_of(report_json));
    Json worst = worst_backend(recorded);
    if (worst.is_null()) {
        throw std::runtime_error("no backend was recorded");
    }
    const bool nothing_leaks =
        worst["causes"].empty() && output_of(report).starts_with("Nothing leaks.");
    return {.worst = std::move(worst),
            .backends = recorded["backends"],
            .nothing_leaks = nothing_leaks};
}

}  // namespace palloscope::test
