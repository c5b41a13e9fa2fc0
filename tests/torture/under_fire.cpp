#include "tests/torture/under_fire.hpp"

#include <chrono>
#include <fstream>
#include <map>
#include <utility>

#include "inspector/backend/context_reader.hpp"
#include "inspector/backend/snapshotter.hpp"
#include "inspector/backend/stats_call.hpp"
#include "inspector/backend/stats_text.hpp"
#include "tests/support/pgbench.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRoundSeconds = 10;
constexpr int kCompareEvery = 100;
constexpr std::chrono::milliseconds kTimeout{100};

// Made and dropped objects, a sort that spills, a string whose memory is moved as it grows.
constexpr const char* kChurn =
    "\\set n random(1, 1000000000)\n"
    "CREATE TABLE fire_:n (id int PRIMARY KEY, value text);\n"
    "INSERT INTO fire_:n SELECT i, 'x' FROM generate_series(1, 100) i;\n"
    "SELECT length(string_agg(repeat('x', 1000), ',')) FROM generate_series(1, 2000);\n"
    "SELECT count(*) FROM (SELECT repeat('x', 50) || i FROM generate_series(1, 5000) i ORDER BY 1) "
    "s;\n"
    "DROP TABLE fire_:n;\n";

class Fire {
  public:
    Fire(const PostgresServer& server, Method method)
        : server_(server), method_(method), session_(Session::connect(server.dsn())) {
        std::ofstream(script()) << kChurn;
        run_program(pgbench(server_, {"-i", "-q"}));
        log_ = server_.log();
    }

    UnderFireResult run(int snapshots) {
        while (result_.asked < snapshots && result_.harms.empty()) {
            run_round(snapshots);
        }
        return std::move(result_);
    }

  private:
    std::string script() const { return (folder_.path() / "churn.sql").string(); }

    void run_round(int snapshots) {
        const std::string seconds = std::to_string(kRoundSeconds);
        std::vector<Program> programs;
        programs.push_back(Program::start(pgbench(server_, {"-n", "-c", "2", "-T", seconds})));
        programs.push_back(
            Program::start(pgbench(server_, {"-n", "-c", "2", "-f", script(), "-T", seconds})));
        programs.push_back(Program::start({workload_program(),
                                           "conjur",
                                           "--dsn",
                                           server_.dsn(),
                                           "--duration",
                                           seconds + "s",
                                           "--application-name",  // others record Conjur's
                                           "fire"}));
        const auto end = Clock::now() + std::chrono::seconds(kRoundSeconds);
        while (Clock::now() < end && result_.asked < snapshots && result_.harms.empty()) {
            look_at_all_backends(snapshots);
        }
        for (Program& program : programs) {
            const ProgramResult ended = program.wait();
            if (ended.exit_code != 0 || ended.err.find("ERROR") != std::string::npos ||
                ended.err.find("FATAL") != std::string::npos) {
                result_.harms.push_back("a client was disturbed: " + ended.out + ended.err);
            }
        }
        snapshotters_.clear();
        look_for_traces();
    }

    void look_at_all_backends(int snapshots) {
        constexpr int kRounds = 50;
        const Rows rows = session_.exec(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> "
            "pg_backend_pid()");
        for (int round = 0; round < kRounds; ++round) {
            for (const auto& row : rows) {
                if (result_.asked >= snapshots || !result_.harms.empty()) {
                    return;
                }
                look_at(std::stoi(row.at(0).value()));
            }
        }
    }

    void look_at(int pid) {
        auto found = snapshotters_.find(pid);
        if (found == snapshotters_.end()) {
            auto opened = Snapshotter::open(pid, Literals::kMasked);
            if (!opened) {
                return;  // it has just ended
            }
            found = snapshotters_.emplace(pid, std::move(*opened)).first;
        }
        const auto snapshot = found->second.take(method_, kTimeout);
        if (!snapshot && snapshot.error().kind == Error::Kind::kGone) {
            snapshotters_.erase(found);
            return;
        }
        ++result_.asked;
        result_.taken += snapshot ? 1 : 0;
        if (!snapshot) {
            ++result_.refused;
            if (snapshot.error().kind != Error::Kind::kTimeout) {
                result_.harms.push_back("a snapshot failed: " + snapshot.error().message);
            }
        }
        if (result_.asked % kCompareEvery == 0) {
            compare(pid);
        }
    }

    void compare(int pid) {
        auto backend = Backend::open(pid);
        if (!backend) {
            return;
        }
        auto reader = ContextReader::create(*backend, Literals::kShown);
        if (!reader) {
            return;
        }
        Gadgets gadgets(*backend);
        auto called = call_stats(*backend, *reader, gadgets, Clock::now() + kTimeout);
        if (!called) {
            return;
        }
        ++result_.compared;
        if (stats_text(called->walked, backend->server_version_num()) != called->text) {
            result_.harms.push_back("our walk and MemoryContextStats disagree:\n" + called->text);
        }
    }

    void look_for_traces() {
        if (server_.log() != log_) {
            result_.harms.push_back("the server's log says: " + server_.log().substr(log_.size()));
        }
        // A backend that just ended is a zombie until the postmaster looks.
        std::string trace;
        const bool none = eventually([&] {
            try {
                trace = trace_of_us();
            } catch (const std::exception& error) {
                trace = error.what();  // the list of children changed while it was read
            }
            return trace.empty();
        });
        if (!none) {
            result_.harms.push_back(trace);
        }
    }

    std::string trace_of_us() const {
        for (const pid_t pid : children_of(server_.postmaster_pid())) {
            try {
                const char state = state_of(pid);
                if (tracer_pid(pid) != 0 || (state != 'S' && state != 'R' && state != 'D')) {
                    return "process " + std::to_string(pid) + " was left in state " + state;
                }
                if (!children_of(pid).empty()) {
                    return "process " + std::to_string(pid) + " has a child";
                }
            } catch (const std::exception&) {
                continue;  // it has just ended
            }
        }
        return "";
    }

    const PostgresServer& server_;
    Method method_;
    Session session_;
    TemporaryFolder folder_;
    std::string log_;
    std::map<int, Snapshotter> snapshotters_;
    UnderFireResult result_;
};

}  // namespace

std::string UnderFireResult::summary(Method method) const {
    return std::string(to_string(method)) + ": " + std::to_string(taken) + " of " +
           std::to_string(asked) + " snapshots taken, " + std::to_string(refused) +
           " had no consistent moment, " + std::to_string(compared) +
           " compared with the server's: " + (harms.empty() ? "nobody was harmed" : harms.front());
}

UnderFireResult run_under_fire(const PostgresServer& server, Method method, int snapshots) {
    return Fire(server, method).run(snapshots);
}

}  // namespace palloscope::test
