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

CheckedProcess check(int pid, const CheckOptions& options) {
    CheckedProcess checked{.pid = pid};
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
    // The proof of a method is a snapshot taken by it.
    auto snapshot = snapshotter->take(options.method.method(), options.method.timeout_ms());
    if (snapshot) {
        checked.pause_us = snapshot->pause_us;
        checked.contexts = snapshot->tree.contexts.size();
    } else {
        checked.failure = std::move(snapshot.error());
    }
    return checked;
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
        if (const auto& failure = processes.back().failure) {
            exit_code = exit_code_of(failure->kind);
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
        "Takes one snapshot to prove that the method works. The exit code is 0 where it did, else "
        "the reason's.\n\n"
        "Example:\n"
        "  palloscope check 4242\n"
        "  palloscope check all --database orders");
    return [options] { return run_check(*options); };
}

}  // namespace palloscope
