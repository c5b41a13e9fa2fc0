// What recording costs a busy server: pgbench with eight clients, alternating without and with
// `palloscope record` of all backends ten times a second.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "tests/support/backend_watch.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {
namespace {

constexpr const char* kPgbench = "/usr/lib/postgresql/15/bin/pgbench";
constexpr int kRounds = 3;
constexpr const char* kSeconds = "10";
// The goal of issue 3.
constexpr double kMostLoss = 0.02;

std::vector<std::string> pgbench(const PostgresServer& server, std::vector<std::string> options) {
    std::vector<std::string> command{
        kPgbench, "-h", server.folder(), "-p", std::to_string(server.port()), "-U", "postgres"};
    command.insert(command.end(), options.begin(), options.end());
    command.emplace_back("postgres");
    return command;
}

double transactions_per_second(const PostgresServer& server) {
    const ProgramResult result =
        run_program(pgbench(server, {"-n", "-c", "8", "-j", "2", "-T", kSeconds}));
    const std::size_t at = result.out.find("tps = ");
    if (result.exit_code != 0 || at == std::string::npos) {
        throw std::runtime_error("pgbench failed: " + result.err);
    }
    return std::stod(result.out.substr(at + 6));
}

double with_recorder(const PostgresServer& server,
                     const std::string& method,
                     std::string& summary) {
    const TemporaryFolder folder;
    Program recorder = Program::start({palloscope_program(),
                                       "record",
                                       "all",
                                       "--application-name",
                                       "pgbench",
                                       "--method",
                                       method,
                                       "--interval",
                                       "100ms",
                                       "--output",
                                       (folder.path() / "load.palloscope").string()});
    const double tps = transactions_per_second(server);
    // It ends by itself once pgbench's backends have gone.
    summary = recorder.wait().out;
    summary = summary.substr(summary.find(": ") + 2);
    summary = summary.substr(0, summary.find('\n'));
    return tps;
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values.at(values.size() / 2);
}

void measure_load() {
    const PostgresServer server = PostgresServer::start("15", kQuietLog);
    if (run_program(pgbench(server, {"-i", "-q", "-s", "10"})).exit_code != 0) {
        throw std::runtime_error("pgbench -i failed");
    }
    (void)transactions_per_second(server);  // warms the caches
    fmt::print("Transactions a second of pgbench -c 8, {} s a run, recorded at 10 Hz and not\n",
               kSeconds);
    for (const std::string method : {"read", "freeze", "auto"}) {
        std::vector<double> losses;
        std::string summary;
        for (int round = 0; round < kRounds; ++round) {
            // Before and after, so that a drift of the machine cancels out.
            const double before = transactions_per_second(server);
            const double recorded = with_recorder(server, method, summary);
            const double after = transactions_per_second(server);
            losses.push_back(1 - recorded / ((before + after) / 2));
            fmt::print("  {:<7} without {:>7.0f} {:>7.0f}, with {:>7.0f}: {:>5.1f} %\n",
                       method,
                       before,
                       after,
                       recorded,
                       losses.back() * 100);
        }
        fmt::print("  {:<7} median loss {:.1f} % (goal {:.0f} %): {}; {}\n",
                   method,
                   median(losses) * 100,
                   kMostLoss * 100,
                   median(losses) <= kMostLoss ? "met" : "MISSED",
                   summary);
    }
}

}  // namespace
}  // namespace palloscope::test

int main() {
    try {
        palloscope::test::measure_load();
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "load: {}\n", error.what());
        return 1;
    }
}
