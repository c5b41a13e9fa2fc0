#include "inspector/cli/options.hpp"

#include <langinfo.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "attach/stopped_process.hpp"
#include "inspector/report/clean_text.hpp"

namespace palloscope {

namespace {

using Unit = std::pair<std::string_view, double>;

constexpr std::array<Unit, 5> kTimeUnits{{
    {"us", 1e3},
    {"ms", 1e6},
    {"s", 1e9},
    {"min", 60e9},
    {"h", 3600e9},
}};

// Sizes need no unit: a bare number is bytes.
constexpr std::array<Unit, 6> kSizeUnits{{
    {"", 1},
    {"B", 1},
    {"kB", 1024.0},
    {"MB", 1024.0 * 1024},
    {"GB", 1024.0 * 1024 * 1024},
    {"TB", 1024.0 * 1024 * 1024 * 1024},
}};

// A number followed by one of the units, as a number of the smallest.
template <std::size_t N>
std::optional<std::int64_t> parse_with_unit(std::string_view text,
                                            const std::array<Unit, N>& units) {
    double number = 0;
    const auto [stop, err] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (err != std::errc{} || number < 0) {
        return std::nullopt;
    }
    const std::string_view suffix = text.substr(static_cast<std::size_t>(stop - text.data()));
    for (const auto& [unit, factor] : units) {
        const double value = number * factor;
        if (suffix == unit && value < 9e18) {
            return std::llround(value);
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(const std::string& text) {
    const auto nanoseconds = parse_with_unit(text, kTimeUnits);
    return nanoseconds ? std::optional(std::chrono::nanoseconds(*nanoseconds)) : std::nullopt;
}

std::optional<std::int64_t> parse_size(const std::string& text) {
    return parse_with_unit(text, kSizeUnits);
}

void add_duration(CLI::App& app,
                  const std::string& name,
                  std::chrono::nanoseconds& into,
                  const std::string& description,
                  const std::string& default_text) {
    auto* const option = app.add_option_function<std::string>(
        name,
        [&into, name](const std::string& text) {
            const auto duration = parse_duration(text);
            if (!duration) {
                throw CLI::ValidationError(
                    name, fmt::format("'{}' is no time such as 500ms, 2s or 5min", text));
            }
            into = *duration;
        },
        description);
    option->type_name("TIME");
    if (!default_text.empty()) {
        option->default_str(default_text);
    }
}

void add_filter(CLI::App& app, ProcessFilter& filter) {
    app.add_option("--database", filter.database, "only backends of this database")
        ->type_name("NAME");
    app.add_option("--user", filter.user, "only backends of this user")->type_name("NAME");
    app.add_option("--application-name",
                   filter.application_name,
                   "only where application_name matches: 'puma*'")
        ->type_name("GLOB");
    app.add_option("--backend-type",
                   filter.backend_type,
                   "as in pg_stat_activity: 'client backend', 'walsender', …")
        ->type_name("TYPE");
    app.add_option_function<std::string>(
           "--min-anon",
           [&filter](const std::string& text) {
               const auto size = parse_size(text);
               if (!size) {
                   throw CLI::ValidationError("--min-anon",
                                              fmt::format("'{}' is no size such as 64MB", text));
               }
               filter.min_rss_anon_bytes = *size;
           },
           "only processes with at least so much anonymous memory (RssAnon)")
        ->type_name("SIZE");
}

void add_target(CLI::App& app, TargetOptions& options) {
    app.add_option("TARGET", options.target, "a PID, or 'all', which the options below narrow")
        ->required();
    add_filter(app, options.filter);
}

Error unreadable_processes(const ServerProcesses& processes, std::string_view consequence) {
    const std::size_t number = processes.unreadable.size();
    return {.kind = Error::Kind::kPermission,
            .message = fmt::format("{} PostgreSQL process{} may not be read{}",
                                   number,
                                   number == 1 ? "" : "es",
                                   consequence),
            .hint = fmt::format("'palloscope check {}' says what is missing",
                                processes.unreadable.front())};
}

ProcessFilter filter_of(const TargetOptions& options) {
    ProcessFilter filter = options.filter;
    if (!filter.backend_type) {
        filter.backend_type = "client backend";
    }
    return filter;
}

Result<std::vector<int>> resolve_targets(const TargetOptions& options) {
    if (!options.all()) {
        int pid = 0;
        const char* const end = options.target.data() + options.target.size();
        const auto [stop, err] = std::from_chars(options.target.data(), end, pid);
        if (err != std::errc{} || stop != end || pid <= 0) {
            return failure(Error::Kind::kUsage,
                           fmt::format("'{}' is neither a PID nor 'all'", options.target));
        }
        return std::vector{pid};
    }
    const ServerProcesses processes = find_server_processes(filter_of(options));
    std::vector<int> pids;
    for (const ServerProcess& process : processes.found) {
        pids.push_back(process.info.pid);
    }
    if (pids.empty() && !processes.unreadable.empty()) {
        return tl::unexpected(unreadable_processes(processes));
    }
    if (pids.empty()) {
        return failure(Error::Kind::kGone,
                       "no PostgreSQL backend fits",
                       "'palloscope list' shows the PostgreSQL processes of this machine");
    }
    return pids;
}

void add_method(CLI::App& app, MethodOptions& options, const std::string& default_timeout) {
    app.add_option(
           "--method",
           options.name,
           "read does nothing to the backend, freeze stops it while its memory is copied, fork "
           "studies a\n"
           "copy-on-write child of it, call has it print its own MemoryContextStats; auto takes "
           "read "
           "where that\n"
           "is consistent, else freeze")
        ->check(CLI::IsMember({"auto", "read", "freeze", "fork", "call"}))
        ->capture_default_str();
    add_duration(
        app, "--timeout", options.timeout, "how long to wait for a safe moment", default_timeout);
}

void add_show_literals(CLI::App& app, Literals& literals) {
    app.add_flag_callback(
        "--show-literals",
        [&literals] { literals = Literals::kShown; },
        "show the literals of SQL texts, which are replaced by $1, $2, … else: they may be "
        "secrets");
}

void add_format(CLI::App& app, std::string& format, const std::vector<std::string>& choices) {
    app.add_option("--format", format, "how to print it")->check(CLI::IsMember(choices));
}

bool standard_output_is_terminal() {
    return isatty(STDOUT_FILENO) != 0;
}

TextStyle standard_output_style() {
    TextStyle style;
    style.ascii = std::string_view(nl_langinfo(CODESET)) != "UTF-8";
    if (standard_output_is_terminal()) {
        winsize size{};
        style.width = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
        // https://no-color.org: any value but the empty one.
        const char* const no_color = std::getenv("NO_COLOR");
        style.color = no_color == nullptr || *no_color == '\0';
    }
    return style;
}

Result<> print(const std::string& text) {
    // A reader may take its time (less), and what has stopped since we gave it up must not.
    constexpr int kReleaseEveryMs = 100;
    std::string_view rest = text;
    while (!rest.empty()) {
        StoppedProcess::release_late_stops();
        pollfd out{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
        if (poll(&out, 1, kReleaseEveryMs) <= 0) {
            continue;
        }
        const ssize_t written =
            write(STDOUT_FILENO, rest.data(), std::min<std::size_t>(rest.size(), PIPE_BUF));
        if (written < 0 && errno != EINTR && errno != EAGAIN) {
            return os_error(errno, "cannot write to standard output");
        }
        rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
    return {};
}

void print_error(const Error& error) {
    fmt::print(stderr, "palloscope: {}\n", clean_text(error.message));
    if (!error.hint.empty()) {
        fmt::print(stderr, "hint: {}\n", clean_text(error.hint));
    }
}

void print_note(const std::string& text) {
    fmt::print(stderr, "note: {}\n", clean_text(text));
}

}  // namespace palloscope
