#include "inspector/experiment/experiment_run.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "inspector/backend/server_binary.hpp"
#include "inspector/experiment/server_programs.hpp"
#include "inspector/experiment/service_account.hpp"
#include "inspector/experiment/trial_run.hpp"

namespace palloscope {

namespace {

std::vector<const Intervention*> chosen(const ExperimentOptions& options) {
    std::vector<const Intervention*> list;
    for (const Intervention& intervention : interventions()) {
        if (list.empty() || options.tried.empty() ||
            std::ranges::find(options.tried, intervention.id) != options.tried.end()) {
            list.push_back(&intervention);
        }
    }
    return list;
}

Result<int> version_of(const std::filesystem::path& server) {
    FileDescriptor file(::open(server.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) {
        return os_error(errno, fmt::format("cannot open {}", server.string()));
    }
    return ServerBinary::open(std::move(file)).map([](const ServerBinary& binary) {
        return binary.version_num();
    });
}

std::string sentence_of(const Error& error) {
    return error.hint.empty() ? error.message : fmt::format("{}; {}", error.message, error.hint);
}

// What to try, but what the server is too old for: that is Trial::not_run.
Result<Trial> run_one(const TrialConditions& conditions,
                      const Intervention& intervention,
                      const TrialPlan& plan,
                      int server_version_num) {
    if (server_version_num < intervention.since_version) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("PostgreSQL has this setting since {}",
                                   intervention.since_version / 10000));
    }
    return run_trial(conditions, plan);
}

// libpq's variables name a server, and those of ours must not be mixed with the caller's: a service
// (PGSERVICE) would come before our port, and lead to a server that is not ours (fe-connect.c,
// conninfo_add_defaults). What we start gets its own.
void forget_callers_server() {
    std::vector<std::string> names;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view variable = *entry;
        if (variable.starts_with("PG")) {
            names.emplace_back(variable.substr(0, variable.find('=')));
        }
    }
    for (const std::string& name : names) {
        unsetenv(name.c_str());
    }
}

}  // namespace

Result<Experiment> run_experiment(const ExperimentOptions& options) {
    forget_callers_server();
    const auto programs = find_server_programs(options.server_programs);
    if (!programs) {
        return tl::unexpected(programs.error());
    }
    const auto account = service_account();
    if (!account) {
        return tl::unexpected(account.error());
    }
    const auto version = version_of(*programs / "postgres");
    if (!version) {
        return tl::unexpected(version.error());
    }
    const TrialConditions conditions{.workload = options.workload,
                                     .server_programs = *programs,
                                     .account = *account,
                                     .server_settings = options.server_settings,
                                     .duration = options.duration,
                                     .sleep_until = options.sleep_until};
    Experiment experiment{.workload = options.workload.name(),
                          .unit = options.workload.kind() == WorkloadKind::kScenario
                                      ? GrowthUnit::kLoop
                                      : GrowthUnit::kSecond,
                          .server_version_num = *version};
    const std::vector<const Intervention*> list = chosen(options);
    std::optional<std::string> interrupted;
    for (const Intervention* const intervention : list) {
        const TrialPlan plan =
            plan_of(*intervention, options.workload.kind(), options.duration, options.every);
        Trial not_run{.intervention = plan.intervention,
                      .description = plan.description,
                      .not_run = interrupted};
        if (!interrupted) {
            options.progress(experiment.trials.size() + 1, list.size(), plan.description);
            auto trial = run_one(conditions, *intervention, plan, *version);
            if (trial) {
                experiment.trials.push_back(std::move(*trial));
                continue;
            }
            if (experiment.trials.empty()) {
                return tl::unexpected(std::move(trial.error()));
            }
            if (trial.error().kind == Error::Kind::kInterrupted) {
                interrupted = trial.error().message;
            }
            not_run.not_run = sentence_of(trial.error());
        }
        experiment.trials.push_back(std::move(not_run));
    }
    return experiment;
}

}  // namespace palloscope
