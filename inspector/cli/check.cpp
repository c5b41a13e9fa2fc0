#include <algorithm>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "attach/permissions.hpp"
#include "inspector/backend/snapshotter.hpp"
#include "inspector/cli/command.hpp"
#include "inspector/cli/options.hpp"
#include "inspector/report/check_report.hpp"

namespace palloscope {

namespace {

struct CheckOptions {
    TargetOptions target;
    MethodOptions method{.timeout = std::chrono::seconds(1)};
    std::string format = "text";
};

// The least intrusive first.
std::vector<Method> methods_of(const MethodOptions& options) {
    if (const auto method = options.method()) {
        return {*method};
    }
    return {Method::kRead, Method::kFreeze, Method::kFork, Method::kCall};
}

CheckedProcess check(int pid, const CheckOptions& options) {
    CheckedProcess checked{.pid = pid, .confinement = read_confinement(pid)};
    for (Obstacle& obstacle : find_obstacles(pid)) {
        checked.obstacles.push_back(
            {.message = std::move(obstacle.message), .hint = std::move(obstacle.remedy)});
    }
    auto snapshotter = Snapshotter::open(pid, Literals::kMasked);
    if (!snapshotter) {
        checked.failure = std::move(snapshotter.error());
        return checked;
    }
    checked.server_version_num = snapshotter->backend().server_version_num();
    if (auto info = read_process_info(
            snapshotter->backend(), snapshotter->backend().memory(), Literals::kMasked)) {
        checked.info = std::move(*info);
    }
    if (!options.method.method()) {
        if (const auto snapshot = snapshotter->take({}, options.method.timeout_ms())) {
            checked.automatic = snapshot->method;
        }
    }
    for (const Method method : methods_of(options.method)) {
        auto snapshot = snapshotter->take(method, options.method.timeout_ms());
        CheckedProcess::Trial trial{.method = method};
        if (snapshot && snapshot->method != method) {
            trial.failure = Error{.kind = Error::Kind::kUnsupported,
                                  .message = std::move(snapshot->detour),
                                  .hint = ""};
        } else if (snapshot) {
            trial.pause_us = snapshot->pause_us;
            trial.contexts = snapshot->tree.contexts.size();
        } else {
            trial.failure = std::move(snapshot.error());
        }
        checked.trials.push_back(std::move(trial));
    }
    return checked;
}

// Done where the process can be inspected by the method asked for or, without one, by any.
ExitCode exit_code_of(const CheckedProcess& checked) {
    if (checked.failure) {
        return exit_code_of(checked.failure->kind);
    }
    const bool any_works = std::ranges::any_of(
        checked.trials,
        [](const CheckedProcess::Trial& trial) { return !trial.failure.has_value(); });
    return any_works ? ExitCode::kDone : exit_code_of(checked.trials.front().failure->kind);
}

Result<ExitCode> run_check(const CheckOptions& options) {
    const auto pids = resolve_targets(options.target);
    if (!pids) {
        return tl::unexpected(pids.error());
    }
    ExitCode exit_code = ExitCode::kDone;
    std::vector<CheckedProcess> processes;
    for (const int pid : *pids) {
        processes.push_back(check(pid, options));
        if (const ExitCode code = exit_code_of(processes.back()); code != ExitCode::kDone) {
            exit_code = code;
        }
    }
    const std::string text = options.format == "json"
                                 ? check_json(processes) + '\n'
                                 : check_text(processes, standard_output_style());
    return print(text).map([&] { return exit_code; });
}

}  // namespace

CommandAction add_check(CLI::App& app) {
    auto options = std::make_shared<CheckOptions>();
    add_target(app, options->target);
    add_method(app, options->method, "1s");
    add_format(app, options->format, {"text", "json"});
    app.footer(
        "Takes a snapshot by each method, or by the one given, to prove that it works. The exit "
        "code "
        "is 0 where\none did, else the reason's.\n\n"
        "Example:\n"
        "  palloscope check 4242\n"
        "  palloscope check all --database orders");
    return [options] { return run_check(*options); };
}

}  // namespace palloscope
