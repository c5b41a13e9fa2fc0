#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "inspector/backend/core_snapshot.hpp"
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
    std::string core;
    std::string executable;
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
    if (snapshot.detour.empty()) {
        return;
    }
    const auto asked = options.method();
    print_note(fmt::format(
        "{}: {}{}",
        snapshot.detour,
        asked ? fmt::format("{} took the place of --method ", to_string(snapshot.method))
              : std::string("--method auto took "),
        to_string(asked.value_or(snapshot.method))));
}

constexpr std::array<std::string_view, 5> kForACore{
    "--core", "--exe", "--format", "--all", "--show-literals"};

// What was given beside --core and has no meaning there: a core is at rest, and is one process.
std::string not_for_a_core(const CLI::App& app) {
    for (const CLI::Option* option : app.get_options()) {
        if (option->count() > 0 &&
            std::ranges::find(kForACore, option->get_name()) == kForACore.end()) {
            return option->get_name();
        }
    }
    return "";
}

Result<ExitCode> run_on_core(const SnapshotOptions& options, const std::string& not_for_it) {
    if (options.core.empty() || options.executable.empty()) {
        return failure(
            Error::Kind::kUsage,
            "--core and --exe go together",
            "palloscope snapshot --core core.4242 --exe /usr/lib/postgresql/15/bin/postgres");
    }
    if (!not_for_it.empty()) {
        return failure(Error::Kind::kUsage, fmt::format("{} is not for a --core", not_for_it));
    }
    return snapshot_of_core(options.core, options.executable, options.literals)
        .and_then([&](const Snapshot& snapshot) { return print(rendered(snapshot, options)); })
        .map([] { return ExitCode::kDone; });
}

Result<ExitCode> run_snapshot(const SnapshotOptions& options) {
    if (options.target.target.empty()) {
        return failure(Error::Kind::kUsage, "TARGET is required, or --core with --exe");
    }
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
    app.get_option("TARGET")->required(false);  // of a core there is none
    app.add_option("--core", options->core, "a core file of a backend, in the place of TARGET")
        ->type_name("FILE");
    app.add_option("--exe", options->executable, "the server's executable that made the core")
        ->type_name("FILE");
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
        "stats is the text that the server's own MemoryContextStats prints.\n"
        "A core, by gcore or by the kernel, needs no right but to read it. What it does not hold "
        "is null or 0: RssAnon,\n"
        "RssFile, RssShmem, and the state where shared memory was left out; taken_at is when the "
        "file was written.\n\n"
        "Example:\n"
        "  palloscope snapshot 4242\n"
        "  palloscope snapshot all --application-name 'puma*' --format json\n"
        "  palloscope snapshot --core core.4242 --exe /usr/lib/postgresql/15/bin/postgres");
    return [options, &app] {
        return options->core.empty() && options->executable.empty()
                   ? run_snapshot(*options)
                   : run_on_core(*options, not_for_a_core(app));
    };
}

}  // namespace palloscope
