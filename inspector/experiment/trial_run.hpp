#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "attach/error.hpp"
#include "inspector/experiment/interventions.hpp"
#include "inspector/experiment/service_account.hpp"
#include "inspector/experiment/workload_run.hpp"
#include "inspector/model/experiment.hpp"

namespace palloscope {

// What all trials of an experiment have in common.
struct TrialConditions {
    Workload workload;
    std::filesystem::path server_programs;
    std::optional<Account> account;
    std::vector<std::string> server_settings;
    std::chrono::nanoseconds duration{};
    // Sleeps until then; true where the user asks to stop.
    std::function<bool(std::chrono::steady_clock::time_point)> sleep_until;
};

// Runs the workload once as `plan` says, in a server of its own, for the whole duration or until it
// ends by itself. kInterrupted where the user asked to stop; kFailed where the server does not
// start; whatever else prevents the result is in Trial::not_run.
[[nodiscard]] Result<Trial> run_trial(const TrialConditions& conditions, const TrialPlan& plan);

}  // namespace palloscope
