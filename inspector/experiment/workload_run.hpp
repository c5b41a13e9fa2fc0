#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "attach/error.hpp"
#include "inspector/experiment/child_process.hpp"
#include "inspector/experiment/interventions.hpp"
#include "inspector/experiment/throwaway_server.hpp"

namespace palloscope {

// What grows: a scenario of palloscope-workload, or any command.
struct Workload {
    std::string scenario;                // empty: the command
    std::vector<std::string> arguments;  // of the scenario; or the command itself

    [[nodiscard]] WorkloadKind kind() const {
        return scenario.empty() ? WorkloadKind::kCommand : WorkloadKind::kScenario;
    }

    // As the user wrote it: "conjur", "./load.sh --fast".
    [[nodiscard]] std::string name() const;
};

// A workload while it runs, against a server or a pooler that it finds by libpq's environment
// variables (PGHOST and so on) and by DATABASE_URL.
class WorkloadRun {
  public:
    // What a scenario says goes to a file in `folder`; a command's goes to our standard error.
    // kFailed where it cannot be executed, or there is no palloscope-workload beside palloscope or
    // in PATH.
    [[nodiscard]] static Result<WorkloadRun> start(const Workload& workload,
                                                   const TrialPlan& plan,
                                                   const Endpoint& endpoint,
                                                   const TemporaryFolder& folder);

    [[nodiscard]] bool running() const { return !process_.exit_code(); }

    // Ends it, by SIGTERM. kFailed where it ended by itself with another exit code than 0.
    [[nodiscard]] Result<> stop();

    // Of a scenario: what it counted until now, once a second.
    struct Counts {
        std::int64_t loops = 0;
        std::int64_t errors = 0;
        std::int64_t upkeeps = 0;  // TrialPlan::driver_options
    };

    [[nodiscard]] Counts counts() const;

  private:
    WorkloadRun(ChildProcess process, std::string name, std::filesystem::path said)
        : process_(std::move(process)), name_(std::move(name)), said_(std::move(said)) {}

    ChildProcess process_;
    std::string name_;
    std::filesystem::path said_;  // empty for a command
};

}  // namespace palloscope
