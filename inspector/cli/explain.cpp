#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "inspector/backend/explainer.hpp"
#include "inspector/cli/command.hpp"
#include "inspector/cli/interruption.hpp"
#include "inspector/cli/options.hpp"
#include "inspector/cli/recorded_moment.hpp"
#include "inspector/cli/second_look.hpp"
#include "inspector/model/explanation_json.hpp"
#include "inspector/recording/reader.hpp"
#include "inspector/report/explanation_text.hpp"

namespace palloscope {

namespace {

// Of each kind, in the tree.
constexpr std::size_t kMostRows = 10;

struct ExplainOptions {
    TargetOptions target;
    std::optional<int> pid;
    MethodOptions method;
    std::string format;
    std::vector<std::string> chunks_of;
    std::size_t sample_keys = 0;
    std::chrono::nanoseconds wait{};
    Literals literals = Literals::kMasked;
};

std::optional<std::size_t> most_rows(const ExplainOptions& options) {
    return options.format == "tree" ? std::optional(kMostRows) : std::nullopt;
}

Result<> show(const Explanation& explanation, const ExplainOptions& options) {
    return print(options.format == "json"
                     ? explanation_json(explanation) + '\n'
                     : explanation_text(explanation, standard_output_style(), most_rows(options)));
}

Result<ExitCode> explain(int pid, const ExplainOptions& options) {
    auto explainer = Explainer::open(pid,
                                     {.literals = options.literals,
                                      .chunks_of = options.chunks_of,
                                      .sample_keys = options.sample_keys});
    if (!explainer) {
        return tl::unexpected(explainer.error());
    }
    const auto method = options.method.method();
    const auto timeout = options.method.timeout_ms();
    const auto explanation = explainer->explain(method, timeout);
    if (!explanation) {
        return tl::unexpected(explanation.error());
    }
    if (!explanation->snapshot.detour.empty()) {
        print_note(fmt::format("{}: {} took its place",
                               explanation->snapshot.detour,
                               to_string(explanation->snapshot.method)));
    }
    if (options.wait.count() == 0) {
        return show(*explanation, options).map([] { return ExitCode::kDone; });
    }
    const StopRequest stop;
    const ExitCode exit_code = await_second_look(stop, options.wait);
    const auto after = explainer->explain(method, timeout);
    if (!after) {
        return tl::unexpected(after.error());
    }
    const Result<> shown =
        options.format == "json"
            ? show(*explanation, options).and_then([&] { return show(*after, options); })
            : print(explanation_difference_text(
                  *explanation, *after, standard_output_style(), most_rows(options)));
    return shown.map([&] { return exit_code; });
}

Result<ExitCode> explain_recorded(const RecordedMoment& moment, const ExplainOptions& options) {
    if (options.wait.count() > 0 || !options.chunks_of.empty() || options.sample_keys > 0) {
        return failure(Error::Kind::kUsage,
                       "--after, --chunks and --keys ask a backend, not a recording");
    }
    return explanation_at(moment.path, options.pid, moment.time_ns)
        .and_then([&](const Explanation& explanation) { return show(explanation, options); })
        .map([] { return ExitCode::kDone; });
}

Result<ExitCode> run_explain(const ExplainOptions& options) {
    const auto moment = recorded_moment(options.target.target);
    if (!moment) {
        return tl::unexpected(moment.error());
    }
    if (is_recording(moment->path)) {
        return explain_recorded(*moment, options);
    }
    const auto pids = resolve_targets(options.target);
    if (!pids) {
        return tl::unexpected(pids.error());
    }
    if (options.wait.count() > 0 && pids->size() != 1) {
        return failure(
            Error::Kind::kUsage, "--after compares one backend with itself", "give its PID");
    }
    // With several targets one that fails does not hide the others; its code is the command's.
    ExitCode exit_code = ExitCode::kDone;
    for (const int pid : *pids) {
        if (const auto explained = explain(pid, options); !explained) {
            print_error(explained.error());
            exit_code = exit_code_of(explained.error().kind);
        } else if (*explained != ExitCode::kDone) {
            exit_code = *explained;
        }
    }
    return exit_code;
}

}  // namespace

CommandAction add_explain(CLI::App& app) {
    auto options = std::make_shared<ExplainOptions>();
    options->format = standard_output_is_terminal() ? "tree" : "table";
    add_target(app, options->target);
    app.add_option("--pid", options->pid, "which backend, where TARGET is a recording of several");
    app.add_option("--method",
                   options->method.name,
                   "fork studies a copy-on-write child of the backend, and asks malloc; freeze "
                   "holds the backend\n"
                   "itself meanwhile; auto takes fork, and freeze where the backend can make no "
                   "child")
        ->check(CLI::IsMember({"auto", "freeze", "fork"}))
        ->capture_default_str();
    add_duration(app,
                 "--timeout",
                 options->method.timeout,
                 "how long to wait for a consistent moment",
                 "5s");
    add_format(app, options->format, {"tree", "table", "json"});
    app.add_option("--chunks",
                   options->chunks_of,
                   "count the chunks of the contexts of this name by their size; may be repeated")
        // Else a PID that follows would be another name.
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_option("--keys",
                   options->sample_keys,
                   "show what so many entries of each catalog cache stand for, negative ones and "
                   "others: names (which\n"
                   "may have come from literals) and OIDs")
        ->check(CLI::Range(0, 1000));
    add_duration(
        app,
        "--after",
        options->wait,
        "explain what became more, and less, within this time (as json: both explanations)",
        "");
    add_show_literals(app, options->literals);
    app.footer(
        "tree (the default on a terminal) shows the ten largest of each kind, table all of them; "
        "json is\npalloscope.explain/1. TARGET may be a recording made with --explain-every too: "
        "FILE@TIME is its\n"
        "explanation at that time or nearest before it, FILE alone the last one.\n\n"
        "Example:\n"
        "  palloscope explain 4242\n"
        "  palloscope explain 4242 --after 60s\n"
        "  palloscope explain 4242 --keys 5\n"
        "  palloscope explain leak.palloscope@2026-11-23T09:00:00Z\n"
        "  palloscope explain 4242 --chunks CacheMemoryContext --format json");
    return [options] { return run_explain(*options); };
}

}  // namespace palloscope
