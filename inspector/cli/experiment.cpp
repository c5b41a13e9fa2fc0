#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "inspector/cli/command.hpp"
#include "inspector/cli/interruption.hpp"
#include "inspector/cli/options.hpp"
#include "inspector/diagnosis/experiment_outcome.hpp"
#include "inspector/experiment/experiment_run.hpp"
#include "inspector/experiment/interventions.hpp"
#include "inspector/report/experiment_text.hpp"

namespace palloscope {

namespace {

struct CommandOptions {
    ExperimentOptions experiment;
    std::string format = "text";
};

std::vector<std::string> intervention_ids() {
    std::vector<std::string> ids;
    for (const Intervention& intervention : interventions()) {
        ids.emplace_back(intervention.id);
    }
    return ids;
}

std::string interventions_help() {
    std::string text;
    for (const Intervention& intervention : interventions()) {
        text += fmt::format("  {:<27} {}\n", intervention.id, intervention.summary);
    }
    return text;
}

void show_progress(std::size_t number, std::size_t count, std::string_view description) {
    if (isatty(STDERR_FILENO) != 0) {
        fmt::print(stderr, "palloscope: trial {} of {}: {}\n", number, count, description);
    }
}

bool was_interrupted(const Experiment& experiment, const StopRequest& stop) {
    return stop.flag() && std::ranges::any_of(experiment.trials, [](const Trial& trial) {
               return trial.not_run.has_value();
           });
}

Result<ExitCode> run(CommandOptions options) {
    if (options.experiment.workload.scenario.empty() &&
        options.experiment.workload.arguments.empty()) {
        return failure(Error::Kind::kUsage,
                       "experiment needs something to run",
                       "palloscope experiment --scenario conjur, or palloscope experiment -- "
                       "COMMAND");
    }
    const StopRequest stop;
    options.experiment.sleep_until = [&](std::chrono::steady_clock::time_point until) {
        return stop.sleep_until(until);
    };
    options.experiment.progress = show_progress;
    const auto experiment = run_experiment(options.experiment);
    if (!experiment) {
        return tl::unexpected(experiment.error());
    }
    const ExperimentOutcome outcome = judge_experiment(*experiment);
    const std::string text = options.format == "json"
                                 ? experiment_json(*experiment, outcome)
                                 : experiment_text(*experiment, outcome, standard_output_style());
    return print(text).map([&] {
        return was_interrupted(*experiment, stop) ? ExitCode::kInterrupted : ExitCode::kDone;
    });
}

}  // namespace

CommandAction add_experiment(CLI::App& app) {
    auto options = std::make_shared<CommandOptions>();
    ExperimentOptions& experiment = options->experiment;
    app.add_option("COMMAND",
                   experiment.workload.arguments,
                   "what to run, after --; with --scenario, the scenario's own options");
    app.add_option("--scenario",
                   experiment.workload.scenario,
                   "run this scenario of palloscope-workload instead of a command");
    add_duration(app, "--duration", experiment.duration, "how long each trial lasts", "30s");
    app.add_option("--every",
                   experiment.every,
                   "a scenario's sessions: intervene after so many requests of each")
        ->check(CLI::PositiveNumber)
        // Of a command nobody counts requests: PgBouncer intervenes after each transaction.
        ->needs("--scenario")
        ->capture_default_str();
    app.add_option(
           "--try", experiment.tried, "only this intervention; repeat it for more (default: all)")
        ->check(CLI::IsMember(intervention_ids()))
        ->type_name("ID")
        ->expected(1)
        // Else CLI11 takes the -- that may follow as the end of a list.
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_option("--set",
                   experiment.server_settings,
                   "a setting of the servers, NAME=VALUE; repeat it for more")
        ->type_name("NAME=VALUE")
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_option("--server-programs",
                   experiment.server_programs,
                   "the folder of postgres and initdb (default: the ones in PATH, or the newest "
                   "installed)")
        ->type_name("DIR");
    add_format(app, options->format, {"text", "json"});
    app.footer(fmt::format(
        "Each trial runs in a fresh server of its own, never in one of yours; it listens on\n"
        "127.0.0.1 alone and is gone afterwards. A command finds it by PGHOST, PGPORT, PGUSER,\n"
        "PGPASSWORD, PGDATABASE and DATABASE_URL, makes what it needs there, and is ended by\n"
        "SIGTERM. Its own output goes to standard error. PgBouncer's times are a tenth of\n"
        "--duration. Growth is that of all client backends together, after the first third.\n\n"
        "Interventions:\n{}\n"
        "Example:\n"
        "  palloscope experiment --scenario conjur\n"
        "  palloscope experiment --try vacuum --try reconnect -- sh -c 'psql -f schema.sql && "
        "./load.sh'",
        interventions_help()));
    return [options] { return run(*options); };
}

}  // namespace palloscope
