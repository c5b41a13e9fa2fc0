#include <atomic>
#include <cstdint>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"

// What grows: LOCALLOCK hash by 92 bytes and TopMemoryContext by 144 per lock.
namespace palloscope::workload {

namespace {

class Locks final : public Application {
  public:
    Locks() : Application("locks") {}

    void add_options(CLI::App& command) override {
        command
            .add_option("--jobs", jobs_, "Jobs, with a lock for each, before the first one again")
            ->check(CLI::PositiveNumber)
            ->capture_default_str();
    }

  protected:
    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        std::vector<Statement> statements;
        for (std::size_t count = random.below(3); count > 0; --count) {
            // The backend's PID, so that sessions don't wait for each other.
            statements.push_back({"job/lock",
                                  fmt::format("SELECT pg_advisory_lock({}, {})",
                                              session.backend_pid(),
                                              next_job_++ % jobs_)});
        }
        statements.push_back(
            {"report/lock",
             fmt::format("SELECT pg_try_advisory_xact_lock({})", random.below(1000))});
        return session.run(statements);
    }

  private:
    std::size_t jobs_ = 5000;
    std::atomic<std::uint64_t> next_job_{0};
};

}  // namespace

ScenarioEntry locks_scenario() {
    return {
        .name = "locks",
        .summary = "Advisory locks of the session, taken for each job and never released",
        .explanation =
            "Made to show the cause session-state. A loop takes an advisory lock for each of up "
            "to two jobs and never releases it: the backend notes each one in LOCALLOCK hash and "
            "in TopMemoryContext until it ends. The lock that ends with its transaction leaves "
            "nothing.\n\n"
            "The locks also fill the server's shared table, which has room for about "
            "max_locks_per_transaction × max_connections (6400 unless set otherwise), so that the "
            "jobs begin anew after --jobs of them, and nothing grows from there on. Raise "
            "max_locks_per_transaction for a longer run or for more sessions.",
        .leaks = {{.cause = "session-state",
                   .statements = {"SELECT pg_advisory_lock($1, $2)"},
                   .places = {"LOCALLOCK hash", "TopMemoryContext"}}},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<Locks>()); },
    };
}

}  // namespace palloscope::workload
