#include <string>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "inspector/backend/snapshotter.hpp"
#include "inspector/backend/stats_text.hpp"
#include "inspector/cli/command.hpp"
#include "inspector/cli/options.hpp"
#include "inspector/report/snapshot_json.hpp"
#include "inspector/report/snapshot_table.hpp"
#include "inspector/report/snapshot_tree.hpp"

namespace palloscope {

namespace {

struct SnapshotOptions {
    TargetOptions target;
    MethodOptions method;
    std::string format;
    bool all = false;
    bool call_in_child = false;
    Literals literals = Literals::kMasked;
};

std::string rendered(const Snapshot& snapshot, const SnapshotOptions& options) {
    if (options.format == "json") {
        return snapshot_json(snapshot) + '\n';
    }
    if (options.format == "stats") {
        return stats_text(snapshot.tree, snapshot.server_version_num);
    }
    if (options.format == "table") {
        return snapshot_table(snapshot);
    }
    return snapshot_tree(snapshot,
                         standard_output_style(),
                         options.all ? TreeFolding::kNone : TreeFolding::kAlikeSiblings);
}

Result<Snapshot> take(int pid, const SnapshotOptions& options) {
    return Snapshotter::open(pid, options.literals).and_then([&](Snapshotter&& snapshotter) {
        return options.call_in_child
                   ? snapshotter.call_in_child(options.method.timeout_ms())
                   : snapshotter.take(options.method.method(), options.method.timeout_ms());
    });
}

// Where it was not the method asked for, or the one that auto likes best, says why.
void note_method(const Snapshot& snapshot, const MethodOptions& options) {
    const auto asked = options.method();
    if (!asked && snapshot.method != Method::kRead) {
        print_note(
            fmt::format("process {} kept running, where only a stop gives a consistent tree: "
                        "--method auto took {}",
                        snapshot.process.pid,
                        to_string(snapshot.method)));
    } else if (asked && *asked != snapshot.method) {
        print_note(fmt::format("process {} could make no child: {} took the place of --method {}",
                               snapshot.process.pid,
                               to_string(snapshot.method),
                               to_string(*asked)));
    }
}

Result<ExitCode> run_snapshot(const SnapshotOptions& options) {
    if (options.call_in_child && options.method.method() != Method::kFork) {
        return failure(Error::Kind::kUsage,
                       "--call goes with --method fork",
                       "--method call calls MemoryContextStats in the backend itself");
    }
    const auto pids = resolve_targets(options.target);
    if (!pids) {
        return tl::unexpected(pids.error());
    }
    // With several targets one that fails does not hide the others; its code is the command's.
    ExitCode exit_code = ExitCode::kDone;
    for (const int pid : *pids) {
        auto snapshot = take(pid, options);
        if (!snapshot) {
            print_error(snapshot.error());
            exit_code = exit_code_of(snapshot.error().kind);
            continue;
        }
        note_method(*snapshot, options.method);
        if (auto printed = print(rendered(*snapshot, options)); !printed) {
            return tl::unexpected(printed.error());
        }
    }
    return exit_code;
}

}  // namespace

CommandAction add_snapshot(CLI::App& app) {
    auto options = std::make_shared<SnapshotOptions>();
    options->format = standard_output_is_terminal() ? "tree" : "table";
    add_target(app, options->target);
    add_method(app, options->method);
    app.add_flag("--call",
                 options->call_in_child,
                 "with --method fork: take the tree that MemoryContextStats prints in the child");
    add_format(app, options->format, {"tree", "table", "json", "stats"});
    app.add_flag("--all", options->all, "in the tree, show each of many alike siblings");
    add_show_literals(app, options->literals);
    app.footer(
        "The default format is tree on a terminal, else table. json is palloscope.snapshot/1, one "
        "object a line;\n"
        "stats is the text that the server's own MemoryContextStats prints.\n\n"
        "Example:\n"
        "  palloscope snapshot 4242\n"
        "  palloscope snapshot all --application-name 'puma*' --format json");
    return [options] { return run_snapshot(*options); };
}

}  // namespace palloscope
