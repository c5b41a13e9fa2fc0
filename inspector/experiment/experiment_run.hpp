#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "attach/error.hpp"
#include "inspector/experiment/workload_run.hpp"
#include "inspector/model/experiment.hpp"

namespace palloscope {

struct ExperimentOptions {
    Workload workload;
    // Ids of interventions to try; empty: all. The trial without one always comes first.
    std::vector<std::string> tried;
    std::chrono::nanoseconds duration = std::chrono::seconds(30);  // of each trial
    std::uint64_t every = 1;                                       // requests
    std::string server_programs;                                   // empty: search
    std::vector<std::string> server_settings;                      // NAME=VALUE
    // Sleeps until then; true where the user asks to stop.
    std::function<bool(std::chrono::steady_clock::time_point)> sleep_until;
    // Called before each trial: which of how many, and what it does.
    std::function<void(std::size_t, std::size_t, std::string_view)> progress;
};

// Runs the workload under one intervention after another. kFailed where the trial without one fails
// or nothing can be started. An interruption or a failure later leaves the trials that were done:
// Trial::not_run says why the others were not.
[[nodiscard]] Result<Experiment> run_experiment(const ExperimentOptions& options);

}  // namespace palloscope
