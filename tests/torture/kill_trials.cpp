#include "tests/torture/kill_trials.hpp"

#include <algorithm>
#include <csignal>
#include <random>
#include <stdexcept>
#include <thread>

#include <nlohmann/json.hpp>

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
// How much longer than asked the trials may go on until enough kills have hit.
constexpr int kPatience = 4;

// Of snapshots that nobody kills: how long each took, and for how long it held the backend, the
// shortest first.
struct UsualSnapshots {
    std::vector<microseconds> durations;
    std::vector<microseconds> holds;
};

UsualSnapshots measure_snapshots(const std::vector<std::string>& command) {
    UsualSnapshots usual;
    while (usual.durations.size() < kMeasuredSnapshots) {
        const auto started = steady_clock::now();
        const ProgramResult result = run_program(command);
        usual.durations.push_back(duration_cast<microseconds>(steady_clock::now() - started));
        if (result.exit_code != 0) {
            throw std::runtime_error("a snapshot fails without being killed: " + result.err);
        }
        usual.holds.emplace_back(
            nlohmann::json::parse(result.out).at("pause_us").get<microseconds::rep>());
    }
    std::sort(usual.durations.begin(), usual.durations.end());
    std::sort(usual.holds.begin(), usual.holds.end());
    return usual;
}

// The moment of a kill: a delay from the start of the program or, where it is to hit the backend
// while it is held, which is a small part of the program's life, from when that begins.
struct Moment {
    bool once_held = false;
    microseconds delay{};

    [[nodiscard]] std::string text() const {
        return std::to_string(delay.count()) + " us after " +
               (once_held ? "it took hold of the backend" : "its start");
    }
};

// Asks without a pause: what is awaited lasts a millisecond or two.
void await_hold(const Program& program, pid_t backend) {
    while (tracer_pid(backend) == 0 && is_running(program.pid())) {
    }
}

void kill_once(const std::vector<std::string>& command,
               pid_t backend,
               Moment moment,
               KillTrialsResult& result) {
    auto begin = steady_clock::now();
    Program program = Program::start(command);
    if (moment.once_held) {
        await_hold(program, backend);
        begin = steady_clock::now();
        // A sleep would end too late for moments so near.
        while (steady_clock::now() < begin + moment.delay) {
        }
    } else {
        std::this_thread::sleep_until(begin + moment.delay);
    }
    const bool held = tracer_pid(backend) != 0;
    program.send_signal(SIGKILL);
    const bool killed = program.wait().signal == SIGKILL;
    ++result.trials;
    result.killed_before_end += killed ? 1 : 0;
    result.killed_holding_it += killed && held ? 1 : 0;
}

// The copy-on-write child of --method fork ends by itself when we are killed, and stays a zombie
// until the next such snapshot has it reaped: so one is taken. Children that live on, or are left
// after that, are for the BackendWatch to find.
void have_zombies_reaped(const std::vector<std::string>& command, Session& session) {
    // Once it answers, it has finished what was begun in it.
    session.alive();
    const pid_t backend = session.backend_pid();
    const auto all_ended = [&] {
        const std::vector<pid_t> children = children_of(backend);
        return std::none_of(children.begin(), children.end(), is_running);
    };
    if (!children_of(backend).empty() && eventually(all_ended)) {
        run_program(command);
    }
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
    const std::vector<std::string> snapshot{palloscope_program(),
                                            "snapshot",
                                            std::to_string(session.backend_pid()),
                                            "--method",
                                            method,
                                            "--format",
                                            "json"};
    // Into /dev/null: nobody reads while we wait for the moment, and a full pipe would hold it
    // back.
    std::vector<std::string> command{"sh", "-c", R"(exec "$0" "$@" >/dev/null)"};
    command.insert(command.end(), snapshot.begin(), snapshot.end());
    BackendWatch watch(server, session);
    const UsualSnapshots usual = measure_snapshots(snapshot);
    KillTrialsResult result{.median_duration = usual.durations.at(usual.durations.size() / 2)};
    std::mt19937_64 random(seed);
    std::uniform_int_distribution<microseconds::rep> in_life(0, usual.durations.back().count());
    std::uniform_int_distribution<microseconds::rep> in_hold(0, usual.holds.back().count());
    const auto enough = [&] {
        const bool hit = result.killed_before_end >= trials / kEarlyShare &&
                         result.killed_holding_it >= trials / kHeldShare;
        return result.trials >= trials && (hit || result.trials >= trials * kPatience);
    };
    while (!enough() && result.harms.empty()) {
        const bool once_held = result.trials % 2 == 1;
        const Moment moment{.once_held = once_held,
                            .delay = microseconds(once_held ? in_hold(random) : in_life(random))};
        kill_once(command, session.backend_pid(), moment, result);
        have_zombies_reaped(command, session);
        for (const std::string& harm : watch.harms()) {
            result.harms.push_back("trial " + std::to_string(result.trials) + ", killed " +
                                   moment.text() + ": " + harm);
        }
    }
    return result;
}

}  // namespace palloscope::test
