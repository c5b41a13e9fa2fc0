#include "tests/torture/kill_trials.hpp"

#include <algorithm>
#include <csignal>
#include <random>
#include <stdexcept>
#include <thread>

#include "tests/support/backend_watch.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"

namespace palloscope::test {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;

constexpr int kPreparedStatements = 200;
constexpr std::size_t kMeasuredSnapshots = 11;

// Durations of snapshots that nobody kills, the shortest first.
std::vector<microseconds> measure_snapshots(const std::vector<std::string>& command) {
    std::vector<microseconds> durations;
    while (durations.size() < kMeasuredSnapshots) {
        const auto started = steady_clock::now();
        const ProgramResult result = run_program(command);
        durations.push_back(duration_cast<microseconds>(steady_clock::now() - started));
        if (result.exit_code != 0) {
            throw std::runtime_error("a snapshot fails without being killed: " + result.err);
        }
    }
    std::sort(durations.begin(), durations.end());
    return durations;
}

void kill_once(const std::vector<std::string>& command,
               pid_t backend,
               microseconds delay,
               KillTrialsResult& result) {
    const auto started = steady_clock::now();
    Program program = Program::start(command);
    std::this_thread::sleep_until(started + delay);
    const bool held = tracer_pid(backend) != 0;
    program.send_signal(SIGKILL);
    const bool killed = program.wait().signal == SIGKILL;
    ++result.trials;
    result.killed_before_end += killed ? 1 : 0;
    result.killed_holding_it += killed && held ? 1 : 0;
}

}  // namespace

std::string KillTrialsResult::summary() const {
    const std::string verdict =
        harms.empty() ? "the backend was unharmed every time" : harms.front();
    return std::to_string(trials) + " snapshots killed, " + std::to_string(killed_before_end) +
           " of them before their end, " + std::to_string(killed_holding_it) +
           " while they held the backend (usual duration " +
           std::to_string(median_duration.count()) + " us): " + verdict;
}

KillTrialsResult run_kill_trials(const PostgresServer& server,
                                 const std::string& method,
                                 int trials,
                                 std::uint64_t seed) {
    Session session = Session::connect(server.dsn());
    for (int statement = 0; statement < kPreparedStatements; ++statement) {
        session.exec("PREPARE statement_" + std::to_string(statement) + " AS SELECT 1");
    }
    // Into /dev/null: nobody reads while we wait for the moment, and a full pipe would hold it
    // back.
    const std::vector<std::string> command{"sh",
                                           "-c",
                                           "exec \"$0\" snapshot \"$@\" >/dev/null",
                                           palloscope_program(),
                                           std::to_string(session.backend_pid()),
                                           "--method",
                                           method,
                                           "--format",
                                           "json"};
    BackendWatch watch(server, session);
    const std::vector<microseconds> durations = measure_snapshots(command);
    KillTrialsResult result{.median_duration = durations.at(durations.size() / 2)};
    std::mt19937_64 random(seed);
    std::uniform_int_distribution<microseconds::rep> moment(0, durations.back().count());
    while (result.trials < trials && result.harms.empty()) {
        const microseconds delay(moment(random));
        kill_once(command, session.backend_pid(), delay, result);
        for (const std::string& harm : watch.harms()) {
            result.harms.push_back("trial " + std::to_string(result.trials) + ", killed after " +
                                   std::to_string(delay.count()) + " us: " + harm);
        }
    }
    return result;
}

}  // namespace palloscope::test
