#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "inspector/backend/snapshotter.hpp"
#include "inspector/cli/command.hpp"
#include "inspector/cli/interruption.hpp"
#include "inspector/cli/options.hpp"
#include "inspector/cli/recorded_moment.hpp"
#include "inspector/cli/second_look.hpp"
#include "inspector/recording/reader.hpp"
#include "inspector/report/difference_text.hpp"
#include "inspector/report/snapshot_json.hpp"
#include "inspector/statements/io_error.hpp"

namespace palloscope {

namespace {

struct DiffOptions {
    std::string before;
    std::string after;
    std::optional<int> pid;
    std::chrono::nanoseconds wait{};
    MethodOptions method;
    std::string format = "text";
    Literals literals = Literals::kMasked;
};

struct Pair {
    Snapshot before;
    Snapshot after;
    ExitCode exit_code = ExitCode::kDone;
};

constexpr std::uintmax_t kMaxSnapshotFileBytes = std::uintmax_t{1} << 30;

Result<std::string> read_file(const std::string& path) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (error) {
        return io_error(error.value(), fmt::format("cannot read {}", path));
    }
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return io_error(errno, fmt::format("cannot read {}", path));
    }
    if (size > kMaxSnapshotFileBytes) {
        return failure(Error::Kind::kFailed, fmt::format("{} is larger than any snapshot", path));
    }
    return std::string(std::istreambuf_iterator<char>(file), {});
}

// A snapshot's file, or a moment of a recording.
Result<Snapshot> read_operand(const std::string& operand, std::optional<int> pid) {
    const auto moment = recorded_moment(operand);
    if (!moment) {
        return tl::unexpected(moment.error());
    }
    if (is_recording(moment->path)) {
        return snapshot_at(moment->path, pid, moment->time_ns);
    }
    return read_file(moment->path).and_then([&](const std::string& text) {
        return snapshot_from_json(text).map_error([&](Error error) {
            error.message = fmt::format("{}: {}", moment->path, error.message);
            return error;
        });
    });
}

Result<Pair> read_pair(const DiffOptions& options) {
    auto before = read_operand(options.before, options.pid);
    auto after = read_operand(options.after, options.pid);
    if (!before || !after) {
        return tl::unexpected(before ? after.error() : before.error());
    }
    return Pair{std::move(*before), std::move(*after)};
}

Result<Pair> take_pair(const DiffOptions& options) {
    const auto pids = resolve_targets({.target = options.before});
    if (!pids) {
        return tl::unexpected(pids.error());
    }
    if (pids->size() != 1) {
        return failure(Error::Kind::kUsage, "diff compares one backend: give its PID");
    }
    auto snapshotter = Snapshotter::open(pids->front(), options.literals);
    if (!snapshotter) {
        return tl::unexpected(snapshotter.error());
    }
    auto before = snapshotter->take(options.method.method(), options.method.timeout_ms());
    if (!before) {
        return tl::unexpected(before.error());
    }
    const StopRequest stop;
    const ExitCode exit_code = await_second_look(stop, options.wait);
    auto after = snapshotter->take(options.method.method(), options.method.timeout_ms());
    if (!after) {
        return tl::unexpected(after.error());
    }
    return Pair{std::move(*before), std::move(*after), exit_code};
}

Result<ExitCode> run_diff(const DiffOptions& options) {
    const bool live = options.wait.count() > 0;
    if (live == !options.after.empty()) {
        return failure(Error::Kind::kUsage,
                       "diff compares two files, or one live backend with itself --after a time",
                       "palloscope diff BEFORE AFTER, or palloscope diff PID --after 30s");
    }
    const auto pair = live ? take_pair(options) : read_pair(options);
    if (!pair) {
        return tl::unexpected(pair.error());
    }
    const std::string text =
        options.format == "json"
            ? difference_json(pair->before, pair->after) + '\n'
            : difference_text(pair->before, pair->after, standard_output_style());
    return print(text).map([&] { return pair->exit_code; });
}

}  // namespace

CommandAction add_diff(CLI::App& app) {
    auto options = std::make_shared<DiffOptions>();
    app.add_option("BEFORE",
                   options->before,
                   "a snapshot's file, a recording (FILE or FILE@TIME) or, with --after, a PID")
        ->required();
    app.add_option(
        "AFTER", options->after, "a snapshot's file or a recording; left out with --after");
    add_duration(app,
                 "--after",
                 options->wait,
                 "compare the backend BEFORE with itself after this time",
                 "");
    app.add_option("--pid", options->pid, "which backend of a recording of several");
    add_method(app, options->method);
    add_format(app, options->format, {"text", "json"});
    add_show_literals(app, options->literals);
    app.footer(
        "FILE@TIME is the snapshot of a recording at that time or nearest before it, FILE alone "
        "its last one.\n\n"
        "Example:\n"
        "  palloscope diff 4242 --after 30s\n"
        "  palloscope diff leak.palloscope@2026-11-23T09:00:00Z leak.palloscope\n"
        "  palloscope diff before.json after.json");
    return [options] { return run_diff(*options); };
}

}  // namespace palloscope
