#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "tests/bench/logging_server.hpp"

namespace palloscope::test {

// Where the statements of a recording come from. Stepping, a snapshot after each of them, is the
// truth that the others are measured against.
enum class Source { kJournal, kActivity, kLog, kSteps };

[[nodiscard]] const char* name_of(Source source);

// The scenarios of palloscope-workload, with what each is made to show (palloscope-workload list).
[[nodiscard]] nlohmann::json scenario_list();

// What the report on a run says.
struct ScenarioReport {
    // Of the backend whose causes are largest.
    nlohmann::json worst;
    // All of them, that one among them.
    nlohmann::json backends;
    // That nothing leaks. A report on too few snapshots names no cause either, but does not say so.
    bool nothing_leaks = false;
};

// Runs and records the scenario; `log` is the format that Source::kLog reads. Throws
// std::runtime_error where one of the programs fails, or no backend was recorded.
[[nodiscard]] ScenarioReport report_on(const LoggingServer& server,
                                       const std::string& scenario,
                                       Source source,
                                       const LogFormat& log);

}  // namespace palloscope::test
