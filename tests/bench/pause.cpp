// How long a backend stands still for us, and how long for gdb: both take the same tree of a
// backend with more than 2,100 contexts, in turns, while a client sends it one query after another.
// The rival is what people do today: gdb calling MemoryContextStats.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "tests/bench/bare_fork.hpp"
#include "tests/bench/bare_read.hpp"
#include "tests/bench/latency_probe.hpp"
#include "tests/bench/median.hpp"
#include "tests/bench/methods.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/program.hpp"

namespace palloscope::test {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

constexpr int kRuns = 50;
constexpr int kTables = 700;
constexpr int kPreparedStatements = 400;
constexpr std::size_t kLeastContexts = 2100;

// The goals of issue 2.
constexpr microseconds kLongestPause{30'000};
constexpr double kLeastRatio = 20;
// Those of issue 3: freeze, and how often its pause goes into gdb's.
constexpr double kFreezeMedianUs = 500;
constexpr double kFreezeLateUs = 2000;
constexpr double kForkUs = 2000;
constexpr double kLeastFreezeRatio = 1000;
constexpr int kSnapshots = 100;
constexpr std::chrono::milliseconds kInterval{100};

// Of one way to look at the backend, a value a run.
struct Figures {
    std::vector<microseconds> wall;
    std::vector<microseconds> gap;    // the client's longest wait for an answer
    std::vector<microseconds> pause;  // as the snapshot itself reports it
};

// Runs a program while a client keeps the backend busy, and takes the two times from outside.
ProgramResult run_beside_client(const std::vector<std::string>& command,
                                Session& session,
                                Figures& figures) {
    LatencyProbe probe(session);
    const auto started = steady_clock::now();
    ProgramResult result = run_program(command);
    figures.wall.push_back(std::chrono::duration_cast<microseconds>(steady_clock::now() - started));
    figures.gap.push_back(probe.stop());
    if (result.exit_code != 0) {
        throw std::runtime_error(command.front() + " failed: " + result.err);
    }
    return result;
}

void run_palloscope(Session& session, Figures& figures) {
    const ProgramResult result = run_beside_client({palloscope_program(),
                                                    "snapshot",
                                                    std::to_string(session.backend_pid()),
                                                    "--method",
                                                    "call",
                                                    "--format",
                                                    "json"},
                                                   session,
                                                   figures);
    const auto snapshot = nlohmann::json::parse(result.out);
    if (snapshot.at("contexts").size() < kLeastContexts) {
        throw std::runtime_error("the snapshot holds too few contexts");
    }
    figures.pause.emplace_back(snapshot.at("pause_us").get<microseconds::rep>());
}

void run_gdb(Session& session, Figures& figures) {
    const ProgramResult result =
        run_beside_client({"gdb",
                           "-p",
                           std::to_string(session.backend_pid()),
                           "-batch",
                           "-nx",
                           "-ex",
                           "call (void)MemoryContextStats(TopMemoryContext)",
                           "-ex",
                           "detach"},
                          session,
                          figures);
    if (result.out.find("detached") == std::string::npos) {
        throw std::runtime_error("gdb did not attach: " + result.out + result.err);
    }
}

// What the client notices when nobody looks at its backend: the noise of this machine.
void run_nothing(Session& session, Figures& figures) {
    run_beside_client({"sleep", "0.1"}, session, figures);
}

void print_row(const char* what, const std::vector<microseconds>& values) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    fmt::print("  {:<42} {:>10} {:>10} {:>10}\n",
               what,
               median(values).count(),
               least->count(),
               most->count());
}

void print_verdict(const Figures& palloscope, const Figures& gdb) {
    const microseconds pause = median(palloscope.pause);
    const auto ratio_of = [](microseconds larger, microseconds smaller) {
        return static_cast<double>(larger.count()) / static_cast<double>(smaller.count());
    };
    // What the client saw on either side, so that like is compared with like.
    const double ratio = ratio_of(median(gdb.gap), median(palloscope.gap));
    const bool met = pause <= kLongestPause && ratio >= kLeastRatio;
    fmt::print("  gdb's gap is {:.1f} times ours; its wall time {:.1f} times our pause\n",
               ratio,
               ratio_of(median(gdb.wall), pause));
    fmt::print("  goals: median pause at most {} us, gdb's gap at least {:.0f} times ours: {}\n",
               kLongestPause.count(),
               kLeastRatio,
               met ? "met" : "MISSED");
}

void print_method(const MethodCost& cost) {
    fmt::print("  {:<7} {:>8.0f} {:>8.0f} {:>8.0f} {:>12} {:>8.0f}\n",
               cost.method,
               cost.pause_us(0.5),
               cost.pause_us(0.99),
               cost.pause_us(1),
               cost.longest_gap.count(),
               cost.cpu_us);
}

void print_bare_read(Session& session, const MethodCost& freeze) {
    const BareRead bare = bare_read(session);
    constexpr double kMegabyte = 1 << 20;
    const auto time_us = static_cast<double>(bare.time.count());
    fmt::print(
        "          {:.1f} times a bare process_vm_readv() of its [heap], {:.1f} MB, {:.0f} us\n",
        freeze.pause_us(0.5) / time_us,
        static_cast<double>(bare.bytes) / kMegabyte,
        time_us);
}

void compare_methods(Session& session, microseconds gdb) {
    fmt::print("\nThe same backend, {} snapshots each by palloscope record, every {} ms, in us\n",
               kSnapshots,
               kInterval.count());
    fmt::print("  {:<7} {:>8} {:>8} {:>8} {:>12} {:>8}\n",
               "pause:",
               "median",
               "99 %",
               "longest",
               "client's gap",
               "CPU");
    for (const bool busy : {false, true}) {
        fmt::print("  {}\n", busy ? "its client busy" : "idle");
        for (const std::string method : {"read", "freeze", "fork", "call"}) {
            const MethodCost cost = measure_method(session, method, kSnapshots, kInterval, busy);
            print_method(cost);
            if (method == "freeze") {
                const double ratio = static_cast<double>(gdb.count()) / cost.pause_us(0.5);
                const bool met = cost.pause_us(0.5) <= kFreezeMedianUs &&
                                 cost.pause_us(0.99) <= kFreezeLateUs && ratio >= kLeastFreezeRatio;
                fmt::print(
                    "          gdb takes {:.0f} times as long; goals ({:.0f} us, {:.0f} us, "
                    "{:.0f} times): {}\n",
                    ratio,
                    kFreezeMedianUs,
                    kFreezeLateUs,
                    kLeastFreezeRatio,
                    met ? "met" : "MISSED");
                if (busy) {
                    print_bare_read(session, cost);
                }
            }
            if (method == "fork") {
                const auto bare = static_cast<double>(bare_fork(session.backend_pid()).count());
                fmt::print(
                    "          {:.1f} times a bare fork() of as much memory, {:.0f} us; goal "
                    "({:.0f} us): {}\n",
                    cost.pause_us(0.5) / bare,
                    bare,
                    kForkUs,
                    cost.pause_us(0.5) <= kForkUs ? "met" : "MISSED");
            }
        }
    }
}

void compare_pauses() {
    const PostgresServer server = PostgresServer::start("15");
    Session session = Session::connect(server.dsn());
    make_contexts(session, kTables, kPreparedStatements);
    const Rows contexts =
        session.exec("SELECT count(*), version() FROM pg_backend_memory_contexts");
    Figures palloscope;
    Figures gdb;
    Figures nothing;
    // In turns, so that a busy moment of the machine meets both.
    for (int run = 0; run < kRuns; ++run) {
        run_palloscope(session, palloscope);
        run_gdb(session, gdb);
        run_nothing(session, nothing);
    }
    fmt::print("Pause of a backend with {} contexts, {} runs each, in us\n{}\n",
               contexts.at(0).at(0).value(),
               kRuns,
               contexts.at(0).at(1).value());
    fmt::print("  {:<42} {:>10} {:>10} {:>10}\n", "", "median", "least", "most");
    print_row("palloscope --method call: pause", palloscope.pause);
    print_row("palloscope --method call: wall time", palloscope.wall);
    print_row("palloscope --method call: client's gap", palloscope.gap);
    print_row("gdb, MemoryContextStats: wall time", gdb.wall);
    print_row("gdb, MemoryContextStats: client's gap", gdb.gap);
    print_row("nobody: client's gap", nothing.gap);
    print_verdict(palloscope, gdb);
    compare_methods(session, median(gdb.wall));
}

}  // namespace
}  // namespace palloscope::test

int main() {
    try {
        palloscope::test::compare_pauses();
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "pause: {}\n", error.what());
        return 1;
    }
}
