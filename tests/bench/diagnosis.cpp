// Whether the root cause that a report names is the true one: every scenario of
// palloscope-workload, whose truth is known (palloscope-workload list), recorded and reported.
//
//     diagnosis [VERSION…]   those servers alone; without, all scenarios on 15 and a third on
//     others

#include <algorithm>
#include <cstdio>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "tests/support/postgres_server.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {
namespace {

using Json = nlohmann::json;

constexpr const char* kDriven = "20s";
constexpr const char* kLoopsPerSecond = "25";
constexpr std::chrono::seconds kRunTime{120};
constexpr std::size_t kOneInSoMany = 3;

std::string output_of(const std::vector<std::string>& command) {
    ProgramResult result = run_program(command, {}, kRunTime);
    if (result.exit_code != 0) {
        throw std::runtime_error(result.err);
    }
    return result.out;
}

// The report on a run of the scenario, with statements from the driver's journal or from what the
// backends tell of themselves.
Json report_on(const PostgresServer& server, const std::string& scenario, bool from_journal) {
    const TemporaryFolder folder;
    const std::string recording = (folder.path() / "run.palloscope").string();
    const std::string journal = (folder.path() / "journal.jsonl").string();
    const std::string application = "bench-" + scenario;
    Program recorder = Program::start({palloscope_program(),
                                       "record",
                                       "all",
                                       "--application-name",
                                       application,
                                       "--interval",
                                       "250ms",
                                       "--explain-every",
                                       "8s",
                                       "--statements",
                                       from_journal ? "journal:" + journal : "activity",
                                       "--output",
                                       recording});
    output_of({workload_program(),
               scenario,
               "--dsn",
               server.dsn(),
               "--application-name",
               application,
               "--journal",
               journal,
               "--rate",
               kLoopsPerSecond,
               "--duration",
               kDriven});
    // It ends by itself: the backends have gone with the driver.
    if (const ProgramResult recorded = recorder.wait(); recorded.exit_code != 0) {
        throw std::runtime_error(recorded.err);
    }
    return Json::parse(output_of({palloscope_program(), "report", recording, "--format", "json"}));
}

// The backend whose causes are largest; a recording of a control has none with any.
Json worst_backend(const Json& report) {
    Json worst;
    double most = -1;
    for (const Json& backend : report["backends"]) {
        double bytes = 0;
        for (const Json& cause : backend["causes"]) {
            bytes += cause["bytes"].get<double>();
        }
        if (bytes > most) {
            most = bytes;
            worst = backend;
        }
    }
    return worst;
}

bool is_expected(const Json& scenario, const std::string& cause) {
    return std::ranges::any_of(scenario["leaks"],
                               [&](const Json& leak) { return leak["cause"] == cause; });
}

// One line of the table; whether the first cause is the true one.
bool judge(const PostgresServer& server,
           const std::string& version,
           const Json& scenario,
           bool from_journal) {
    const std::string name = scenario["name"];
    std::string expected = "none";
    if (!scenario["leaks"].empty()) {
        expected = scenario["leaks"][0]["cause"];
    }
    const char* const source = from_journal ? "journal" : "activity";
    Json backend;
    try {
        backend = worst_backend(report_on(server, name, from_journal));
    } catch (const std::exception& error) {
        fmt::print("{:>4} {:<18} {:<9} not run: {}\n", version, name, source, error.what());
        return false;
    }
    std::string found = "none";
    std::string figures;
    if (!backend["causes"].empty()) {
        const Json& cause = backend["causes"][0];
        found = cause["id"];
        figures = fmt::format("{:>4.0f} % {:>4.0f} %",
                              cause["share"].get<double>() * 100,
                              cause["confidence"].get<double>() * 100);
        if (!cause["statements"].empty()) {
            const Json& statement = cause["statements"][0];
            figures += fmt::format(" {:>9.0f} B  {}",
                                   statement["bytes_per_call"].get<double>(),
                                   statement["query"].get<std::string>().substr(0, 48));
        }
    }
    const bool right = found == "none" ? scenario["leaks"].empty() : is_expected(scenario, found);
    fmt::print("{:>4} {:<18} {:<9} {:<21} {:<21} {:<5} {}\n",
               version,
               name,
               source,
               expected,
               found,
               right ? "right" : "WRONG",
               figures);
    std::fflush(stdout);
    return right;
}

void measure(std::span<char*> versions) {
    const Json scenarios = Json::parse(output_of({workload_program(), "list", "--format", "json"}));
    std::vector<std::string> servers(versions.begin(), versions.end());
    if (servers.empty()) {
        servers = {"15", "10", "14", "16", "18"};
    }
    int right = 0;
    int rows = 0;
    fmt::print(
        "{:>4} {:<18} {:<9} {:<21} {:<21} {:<5} share, confidence, bytes a call of the first "
        "statement\n",
        "",
        "scenario",
        "source",
        "expected",
        "first cause found",
        "");
    for (const std::string& version : servers) {
        const PostgresServer server = PostgresServer::start(version);
        for (std::size_t i = 0; i < scenarios.size(); ++i) {
            if (version != "15" && i % kOneInSoMany != 0) {
                continue;
            }
            for (const bool from_journal : {true, false}) {
                right += judge(server, version, scenarios[i], from_journal) ? 1 : 0;
                ++rows;
            }
        }
    }
    fmt::print("{} of {} right\n", right, rows);
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
