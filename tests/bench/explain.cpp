// What an explanation costs, of backends of three sizes: how long they stand still, how long it all
// takes, and what it takes of CPU and memory. The rival is what people do today: gdb calling
// MemoryContextStats, which ends where an explanation begins.

#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "tests/bench/bare_fork.hpp"
#include "tests/bench/latency_probe.hpp"
#include "tests/bench/median.hpp"
#include "tests/bench/methods.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/program.hpp"
#include "tests/support/test_database.hpp"

namespace palloscope::test {
namespace {

using std::chrono::steady_clock;

constexpr int kRuns = 5;
constexpr int kTables = 700;
// Beside 400 that each backend has: 2,100 contexts, a tenth of a gigabyte, and more than half of
// one.
constexpr std::array<int, 3> kMoreStatements{0, 9'000, 60'000};

// The goals of issue 4: of a backend with 2,100 contexts, and of one of 1 GB.
constexpr double kSmallPauseMs = 2;
constexpr double kLargePauseMs = 15;
constexpr double kWholeMs = 5000;

// Of one program on one backend, in ms: the medians of all runs, and the mean of CPU time.
struct Cost {
    double pause = 0;  // as the explanation itself says
    double gap = 0;    // the longest wait of a client that asks all the time
    double whole = 0;
    double cpu = 0;
    double rss_anon_mb = 0;  // the backend's
    long peak_kb = 0;        // of the program, and of all before it
};

rusage usage_of_children() {
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    return usage;
}

double cpu_ms(const rusage& usage) {
    const auto ms = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
    };
    return ms(usage.ru_utime) + ms(usage.ru_stime);
}

double ms_of(steady_clock::duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

Cost measure(Session& session, const std::vector<std::string>& command) {
    std::vector<double> gaps;
    std::vector<double> wholes;
    std::vector<double> pauses;
    const rusage before = usage_of_children();
    Cost cost;
    for (int run = 0; run < kRuns; ++run) {
        LatencyProbe probe(session);
        const auto started = steady_clock::now();
        const ProgramResult result = run_program(command, {}, std::chrono::minutes(2));
        wholes.push_back(ms_of(steady_clock::now() - started));
        gaps.push_back(ms_of(probe.stop()));
        if (result.exit_code != 0) {
            throw std::runtime_error(command.front() + " failed: " + result.err);
        }
        if (result.out.starts_with('{')) {
            const auto explanation = nlohmann::json::parse(result.out);
            pauses.push_back(explanation.at("pause_us").get<double>() / 1e3);
            cost.rss_anon_mb =
                explanation.at("process").at("rss_anon_bytes").get<double>() / (1024 * 1024);
        }
    }
    const rusage after = usage_of_children();
    cost.pause = pauses.empty() ? 0 : median(pauses);
    cost.gap = median(gaps);
    cost.whole = median(wholes);
    cost.cpu = (cpu_ms(after) - cpu_ms(before)) / kRuns;
    cost.peak_kb = after.ru_maxrss;
    return cost;
}

Cost measure_palloscope(Session& session) {
    return measure(session,
                   {palloscope_program(),
                    "explain",
                    std::to_string(session.backend_pid()),
                    "--timeout",
                    "60s",
                    "--format",
                    "json"});
}

Cost measure_gdb(Session& session) {
    return measure(session,
                   {"gdb",
                    "-p",
                    std::to_string(session.backend_pid()),
                    "-batch",
                    "-nx",
                    "-ex",
                    "call (void)MemoryContextStats(TopMemoryContext)",
                    "-ex",
                    "detach"});
}

void make_statements(Session& session, int count) {
    session.exec(
        fmt::format("do $$ begin for i in 1..{} loop execute format('prepare m%s as "
                    "select value, %s from t%s where id = %s', i, i, i % {}, i); end loop; "
                    "end $$",
                    count,
                    kTables),
        std::chrono::minutes(5));
}

void print_verdict(const Cost& ours, const Cost& gdb, bool smallest) {
    const double most = smallest ? kSmallPauseMs : kLargePauseMs;
    fmt::print(
        "{:>8} gdb's gap is {:.1f} times ours, and {:.1f} times our pause; pause at most {:.0f} "
        "ms: {}; whole at most {:.0f} ms: {}\n",
        "",
        gdb.gap / ours.gap,
        gdb.gap / ours.pause,
        most,
        ours.pause <= most ? "met" : "MISSED",
        kWholeMs,
        ours.whole <= kWholeMs ? "met" : "MISSED");
}

void compare() {
    const PostgresServer server = PostgresServer::start("15");
    // One each: what one makes would be invalid in the others' caches.
    std::array<std::optional<TestDatabase>, kMoreStatements.size()> databases;
    std::vector<Session> sessions;
    std::vector<Cost> ours;
    for (std::size_t i = 0; i < databases.size(); ++i) {
        databases[i].emplace(server);
        Session& session = sessions.emplace_back(Session::connect(databases[i]->dsn()));
        make_contexts(session, kTables, /*prepared_statements=*/400);
        make_statements(session, kMoreStatements[i]);
        // Before gdb, which has a larger peak, and from the smallest backend to the largest.
        ours.push_back(measure_palloscope(session));
    }
    fmt::print("What an explanation costs, {} runs each, in ms; memory of ours in MB\n", kRuns);
    fmt::print("{:>8} {:<12} {:>8} {:>12} {:>8} {:>8} {:>8}\n",
               "anon MB",
               "",
               "pause",
               "client's gap",
               "whole",
               "CPU",
               "memory");
    for (std::size_t i = 0; i < sessions.size(); ++i) {
        const Cost gdb = measure_gdb(sessions[i]);
        fmt::print("{:>8.0f} {:<12} {:>8.1f} {:>12.1f} {:>8.0f} {:>8.0f} {:>8.0f}\n",
                   ours[i].rss_anon_mb,
                   "palloscope",
                   ours[i].pause,
                   ours[i].gap,
                   ours[i].whole,
                   ours[i].cpu,
                   static_cast<double>(ours[i].peak_kb) / 1024);
        fmt::print("{:>8} {:<12} {:>8} {:>12.1f} {:>8.0f} {:>8.0f}\n",
                   "",
                   "gdb",
                   "",
                   gdb.gap,
                   gdb.whole,
                   gdb.cpu);
        print_verdict(ours[i], gdb, /*smallest=*/i == 0);
        const auto bare = ms_of(bare_fork(sessions[i].backend_pid()));
        fmt::print("{:>8} the pause is {:.1f} times a bare fork() of as much memory, {:.1f} ms\n",
                   "",
                   ours[i].pause / bare,
                   bare);
    }
}

}  // namespace
}  // namespace palloscope::test

int main() {
    try {
        palloscope::test::compare();
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "explain: {}\n", error.what());
        return 1;
    }
}
