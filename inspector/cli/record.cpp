#include <unistd.h>

#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "attach/end_watch.hpp"
#include "attach/memory_headroom.hpp"
#include "attach/proc.hpp"
#include "attach/stopped_process.hpp"
#include "inspector/backend/explainer.hpp"
#include "inspector/backend/snapshotter.hpp"
#include "inspector/cli/command.hpp"
#include "inspector/cli/interruption.hpp"
#include "inspector/cli/options.hpp"
#include "inspector/cli/recording_summary.hpp"
#include "inspector/cli/target_search.hpp"
#include "inspector/diagnosis/readable.hpp"
#include "inspector/recording/recorder.hpp"
#include "inspector/sql/server_facts.hpp"

namespace palloscope {

namespace {

using std::chrono::milliseconds;

struct RecordOptions {
    TargetOptions target;
    // Busy backends must not keep the others waiting: a snapshot that cannot be had at once is
    // missed, and said.
    MethodOptions method{.timeout = milliseconds(200)};
    std::string output;
    bool force = false;
    std::chrono::nanoseconds interval = std::chrono::seconds(1);
    std::chrono::nanoseconds duration{};
    std::chrono::nanoseconds explain_every{};
    std::string statements = "activity";
    std::optional<std::string> log_line_prefix;
    std::optional<std::string> dsn;
};

constexpr std::string_view kJournalPrefix = "journal:";
constexpr std::string_view kLogPrefix = "log:";
constexpr std::string_view kStepPrefix = "step:";
constexpr milliseconds kNoTime{0};
constexpr milliseconds kTargetPollInterval{200};
constexpr std::chrono::seconds kServerAnswersWithin{2};

Result<StatementSource> open_statements(const RecordOptions& options) {
    const std::string& source = options.statements;
    if (options.log_line_prefix && !source.starts_with(kLogPrefix)) {
        return failure(Error::Kind::kUsage,
                       "--log-line-prefix is of use with --statements log:FILE only");
    }
    if (source == "none") {
        return NoStatements{};
    }
    if (source == "activity") {
        return ActivitySampler();
    }
    if (source.starts_with(kJournalPrefix)) {
        JournalReader journal(source.substr(kJournalPrefix.size()));
        return journal.open().map([&] { return StatementSource(std::move(journal)); });
    }
    if (source.starts_with(kLogPrefix)) {
        return ServerLogReader::open(source.substr(kLogPrefix.size()),
                                     {.line_prefix = options.log_line_prefix})
            .map([](ServerLogReader&& log) { return StatementSource(std::move(log)); });
    }
    if (source.starts_with(kStepPrefix)) {
        return StepServer::listen(source.substr(kStepPrefix.size())).map([](StepServer&& server) {
            return StatementSource(std::move(server));
        });
    }
    return failure(Error::Kind::kUsage,
                   fmt::format("'{}' is no source of statements", source),
                   "give activity, none, journal:FILE, log:FILE or step:SOCKET");
}

// Reads whichever backends are asked for, each by a reader of its own: a Snapshotter or an
// Explainer.
template <typename Reader>
class Readers {
  public:
    // What is no more asked for need not be kept.
    void forget(int pid) { by_pid_.erase(pid); }

    template <typename Options, typename Read>
    auto read(int pid, const Options& options, Read read)
        -> decltype(read(std::declval<Reader&>())) {
        auto found = by_pid_.find(pid);
        if (found == by_pid_.end()) {
            auto opened = Reader::open(pid, options);
            if (!opened) {
                return tl::unexpected(std::move(opened.error()));
            }
            found = by_pid_.emplace(pid, std::move(*opened)).first;
        }
        return read(found->second);
    }

  private:
    std::map<int, Reader> by_pid_;
};

// Explanations are by freeze where only that was asked for, else by fork.
std::optional<Method> method_of_explanations(std::optional<Method> method) {
    return method == Method::kFreeze ? method : std::nullopt;
}

std::optional<MemoryAllowance> allowance_of(int pid) {
    const auto headroom = read_memory_headroom(pid);
    if (!headroom || !headroom->limit) {
        return std::nullopt;
    }
    return MemoryAllowance{.limit_bytes = headroom->limit->limit_bytes,
                           .left_bytes = headroom->limit->left_bytes(),
                           .group_id = headroom->limit->group_id};
}

// The server knows its backends by the PIDs of its own PID namespace. A session of another server
// that has the same PID is told apart by its database and user, when causes are looked for.
Result<std::map<int, std::vector<ServerFact>>> server_facts_of(const std::string& dsn,
                                                               const std::vector<int>& pids) {
    const Result<ServerFacts> asked = ask_server(dsn, kServerAnswersWithin);
    if (!asked) {
        return tl::unexpected(asked.error());
    }
    std::map<int, std::vector<ServerFact>> facts;
    for (const int pid : pids) {
        const auto server_pid = read_innermost_pid(pid);
        if (!server_pid) {
            continue;
        }
        const auto session = asked->sessions.find(*server_pid);
        if (session != asked->sessions.end()) {
            facts[pid] = asked->server;
            facts[pid].insert(facts[pid].end(), session->second.begin(), session->second.end());
        }
    }
    return facts;
}

// Whether the target can be recorded. Waits for the first backend that fits `all` and its filter:
// an application may be started after its recorder.
Result<> await_targets(const TargetOptions& target, const StopRequest& stop) {
    bool said = false;
    for (;;) {
        const auto pids = resolve_targets(target);
        if (pids && !target.all()) {
            return Snapshotter::open(pids->front(), Literals::kMasked).map([](const Snapshotter&) {
            });
        }
        if (pids) {
            return {};
        }
        if (!target.all() || pids.error().kind != Error::Kind::kGone) {
            return tl::unexpected(pids.error());
        }
        if (!std::exchange(said, true)) {
            print_note("no backend fits yet; waiting for one");
        }
        if (stop.sleep_until(std::chrono::steady_clock::now() + kTargetPollInterval)) {
            return failure(Error::Kind::kInterrupted,
                           "interrupted before a backend came; nothing was recorded");
        }
    }
}

void show_progress(const RecordingProgress& progress) {
    const double seconds = std::chrono::duration<double>(progress.elapsed).count();
    fmt::print(stderr,
               "\r{:.0f} s, {}, {}, {} missed\033[K",
               seconds,
               counted(static_cast<std::int64_t>(progress.backends), "backend"),
               counted(progress.snapshots, "snapshot"),
               progress.missed);
}

Result<ExitCode> run_record(const RecordOptions& options) {
    auto statements = open_statements(options);
    if (!statements) {
        return tl::unexpected(statements.error());
    }
    if (options.interval.count() == 0) {
        return failure(Error::Kind::kUsage, "--interval must be longer than nothing");
    }
    if (options.dsn) {
        if (auto checked = check_dsn(*options.dsn); !checked) {
            return tl::unexpected(checked.error());
        }
    }
    if (auto new_one = options.force ? Result<>() : require_new_recording(options.output);
        !new_one) {
        return tl::unexpected(new_one.error());
    }
    const StopRequest stop;
    if (auto awaited = await_targets(options.target, stop); !awaited) {
        return tl::unexpected(awaited.error());
    }
    // Only now: a wrong PID must not cost the recording that --force replaces.
    auto writer =
        RecordingWriter::create(options.output,
                                options.force ? ExistingFile::kReplace : ExistingFile::kRefuse,
                                options.statements);
    if (!writer) {
        return tl::unexpected(writer.error());
    }
    TargetSearch search(options.target);
    Readers<Snapshotter> snapshotters;
    Readers<Explainer> explainers;
    const auto method = options.method.method();
    const auto timeout = options.method.timeout_ms();
    EndWatch ends;
    const auto take = [&](std::optional<Method> by, milliseconds at_most, milliseconds read_for) {
        return [&, by, at_most, read_for](int pid) {
            auto snapshot =
                snapshotters.read(pid, Literals::kMasked, [&](Snapshotter& snapshotter) {
                    return snapshotter.take(by, at_most, read_for);
                });
            if (snapshot) {
                const ProcessInfo& process = snapshot->process;
                ends.watch(
                    pid, process.rss_anon_bytes + process.rss_file_bytes + process.rss_shmem_bytes);
            }
            return snapshot;
        };
    };
    RecorderCalls calls{
        .take = take(method, timeout, Snapshotter::kTryReadFor),
        .at_rest = {},
        .explain =
            [&](int pid) {
                return explainers.read(pid, Explainer::Options{}, [&](Explainer& explainer) {
                    return explainer.explain(method_of_explanations(method), timeout);
                });
            },
        .find_targets = [&] { return search.find(); },
        .allowance = allowance_of,
        .server_facts = {},
        .server_pid =
            [](int pid) {
                const auto server_pid = read_innermost_pid(pid);
                return server_pid ? std::optional<int>(*server_pid) : std::nullopt;
            },
        .end_reason =
            [&](int pid) {
                return std::string(ends.killed_for_memory(pid) ? kKilledForMemory : "");
            },
        .forget =
            [&](int pid) {
                snapshotters.forget(pid);
                explainers.forget(pid);
            },
        .wait = [&](milliseconds time) { ends.wait(time); },
        .progress = {},
        // What a stop could not let go of, since it slept in the kernel, must not wait for the next
        // round.
        .between = [] { StoppedProcess::release_late_stops(); },
        .unix_time_ns = {}};
    if (method.value_or(Method::kRead) == Method::kRead) {
        calls.at_rest = {.read = take(Method::kRead, kNoTime, kNoTime),
                         .within = method ? timeout : Snapshotter::kTryReadFor,
                         .otherwise = take(method, method ? kNoTime : timeout, kNoTime)};
    }
    if (options.dsn) {
        calls.server_facts = [&](const std::vector<int>& pids) {
            return server_facts_of(*options.dsn, pids);
        };
    }
    const bool on_terminal = isatty(STDERR_FILENO) != 0;
    if (on_terminal) {
        calls.progress = show_progress;
    }
    const auto if_given = [](std::chrono::nanoseconds time) {
        return time.count() > 0 ? std::optional(time) : std::nullopt;
    };
    Recorder recorder({.interval = options.interval,
                       .duration = if_given(options.duration),
                       .explain_every = if_given(options.explain_every),
                       .awaits_targets = options.target.all(),
                       .outlasts_targets = options.target.all() && options.duration.count() > 0},
                      std::move(calls),
                      std::move(*statements),
                      *writer,
                      stop.flag());
    const auto summary = recorder.run();
    if (on_terminal) {
        fmt::print(stderr, "\r\033[K");
    }
    if (!summary) {
        return tl::unexpected(summary.error());
    }
    return print(recording_summary_text(*summary, options.output)).map([&] {
        return summary->end == "interrupted" ? ExitCode::kInterrupted : ExitCode::kDone;
    });
}

}  // namespace

CommandAction add_record(CLI::App& app) {
    auto options = std::make_shared<RecordOptions>();
    add_target(app, options->target);
    app.add_option("-o,--output", options->output, "the recording's file, made with mode 0600")
        ->required();
    app.add_flag("--force", options->force, "replace that file if it exists");
    add_duration(app, "--interval", options->interval, "time from one snapshot to the next", "1s");
    add_duration(app,
                 "--duration",
                 options->duration,
                 "end after this time, counted from the first backend that is there, or when the "
                 "backend of that PID has gone; without it when interrupted or all have gone",
                 "");
    add_duration(app,
                 "--explain-every",
                 options->explain_every,
                 "record what the bytes are, too (as 'palloscope explain' does), at the start and "
                 "every so often; of a\n"
                 "large backend this takes seconds, and the snapshots due meanwhile are missed",
                 "");
    app.add_option(
           "--statements",
           options->statements,
           "where statements come from: activity (what each backend tells of itself, read from its "
           "memory as often as\n"
           "takes 6 % of one processor, or 2 % where none is idle), none, journal:FILE "
           "(palloscope-workload's),\n"
           "log:FILE (the server's log: .csv, .json or else stderr's format; with '*' the newest "
           "file that matches, and\n"
           "those that follow it), or step:SOCKET (a snapshot after every statement of a driver "
           "that waits for it)")
        ->capture_default_str();
    app.add_option("--log-line-prefix",
                   options->log_line_prefix,
                   "the server's log_line_prefix, with %p and %m, %t or %n, for a log in stderr's "
                   "format; else PostgreSQL's\n"
                   "and Debian's defaults and other known ones are tried");
    app.add_option(
        "--dsn",
        options->dsn,
        "ask the server by SQL, too, now and then: a connection string of libpq. Settings, dead "
        "rows of the catalogs\n"
        "and what pg_stat_activity says of the sessions become evidence of the report. Keep the "
        "password in ~/.pgpass");
    add_method(app, options->method, "200ms");
    app.footer(
        "The recording is valid at any moment: after an interrupt (exit code 130), kill -9 or a "
        "full disk it holds\n"
        "all up to its last snapshot, and it can be reported while it is being written. With "
        "'all', backends that\n"
        "come later are recorded too.\n\n"
        "Example:\n"
        "  palloscope record 4242 -o leak.palloscope --duration 10min --explain-every 2min\n"
        "  palloscope record all --application-name 'puma*' -o leak.palloscope --statements "
        "journal:journal.jsonl\n"
        "  palloscope record all --database app -o leak.palloscope --statements "
        "'log:/var/log/postgresql/*.csv'\n\n"
        "A log tells of all statements where the server has log_min_duration_statement = 0, or "
        "log_statement = 'all'\n"
        "(better with log_duration = on).");
    return [options] { return run_record(*options); };
}

}  // namespace palloscope
