#include "tests/inspector/cli/recorded_run.hpp"

#include <chrono>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/support/program.hpp"

namespace palloscope::test {

namespace {

constexpr std::chrono::seconds kRunTime{240};

std::vector<std::string> settings(Source from) {
    if (from != Source::kLog) {
        return {};
    }
    return {"logging_collector=on", "log_destination=csvlog", "log_min_duration_statement=0"};
}

}  // namespace

std::string file_text(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string palloscope_output(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), palloscope_program());
    ProgramResult result = run_program(arguments, {}, kRunTime);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
}

RecordedRun::RecordedRun(const std::string& scenario,
                         const std::string& application_name,
                         const std::vector<std::string>& limits,
                         const std::vector<std::string>& recorder,
                         Source from)
    : server_(PostgresServer::start("15", settings(from))) {
    const std::string source = from == Source::kStep ? "step:" + (folder_.path() / "step").string()
                               : from == Source::kLog
                                   ? "log:" + server_.folder() + "/data/log/*.csv"
                               : from == Source::kActivity ? "activity"
                                                           : "journal:" + journal().string();
    std::vector<std::string> record{palloscope_program(),
                                    "record",
                                    "all",
                                    "--application-name",
                                    application_name,
                                    "--interval",
                                    "100ms",
                                    "--statements",
                                    source,
                                    "--output",
                                    recording()};
    record.insert(record.end(), recorder.begin(), recorder.end());
    Program recording_program = Program::start(record);
    std::vector<std::string> run{
        workload_program(), scenario, "--dsn", server_.dsn(), "--journal", journal()};
    if (from == Source::kStep) {
        run.insert(run.end(), {"--step", folder_.path() / "step"});
    }
    run.insert(run.end(), limits.begin(), limits.end());
    const ProgramResult driven = run_program(run, {}, kRunTime);
    EXPECT_EQ(driven.exit_code, 0) << driven.err;
    // The backends have gone with the driver, and so ends the recording.
    const ProgramResult recorded = recording_program.wait();
    EXPECT_EQ(recorded.exit_code, 0) << recorded.err;
    recorder_output_ = recorded.out + recorded.err;
}

nlohmann::json RecordedRun::report() const {
    return nlohmann::json::parse(palloscope_output({"report", recording(), "--format", "json"}));
}

}  // namespace palloscope::test
