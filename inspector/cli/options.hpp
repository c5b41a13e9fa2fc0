#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attach/error.hpp"
#include "inspector/backend/process_info.hpp"
#include "inspector/backend/server_processes.hpp"
#include "inspector/model/snapshot.hpp"
#include "inspector/report/text_style.hpp"

namespace CLI {
class App;
}

// Options that several commands have, each declared once.
namespace palloscope {

// "100us", "5ms", "1.5s", "2min", "1h"; none where it is no time, or no unit is given.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_duration(const std::string& text);

// "512B", "64kB", "12.5MB", "1GB" (1024-based, as PostgreSQL's settings), or a number of bytes.
[[nodiscard]] std::optional<std::int64_t> parse_size(const std::string& text);

// An option that takes a time, with a default that --help shows.
void add_duration(CLI::App& app,
                  const std::string& name,
                  std::chrono::nanoseconds& into,
                  const std::string& description,
                  const std::string& default_text);

// TARGET and what narrows it.
struct TargetOptions {
    std::string target;
    ProcessFilter filter;

    [[nodiscard]] bool all() const { return target == "all"; }
};

void add_filter(CLI::App& app, ProcessFilter& filter);
void add_target(CLI::App& app, TargetOptions& options);

// The PIDs that TARGET stands for now: one, or those that `all` and the filter find (client
// backends, where no
// --backend-type is given). kUsage where it is neither, kGone where there is none.
[[nodiscard]] Result<std::vector<int>> resolve_targets(const TargetOptions& options);

// That processes of PostgreSQL may not be read, of which there is one; `consequence` ends the
// sentence.
[[nodiscard]] Error unreadable_processes(const ServerProcesses& processes,
                                         std::string_view consequence = "");

// Which processes 'all' means, with its filter.
[[nodiscard]] ProcessFilter filter_of(const TargetOptions& options);

// --method and --timeout.
struct MethodOptions {
    std::string name = "auto";
    std::chrono::nanoseconds timeout = std::chrono::seconds(5);

    // None for "auto".
    [[nodiscard]] std::optional<Method> method() const { return method_from(name); }

    [[nodiscard]] std::chrono::milliseconds timeout_ms() const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(timeout);
    }
};

void add_method(CLI::App& app, MethodOptions& options, const std::string& default_timeout = "5s");

// --show-literals.
void add_show_literals(CLI::App& app, Literals& literals);

// --format with the given choices.
void add_format(CLI::App& app, std::string& format, const std::vector<std::string>& choices);

// How text on standard output is laid out: its terminal's width, colour only there and never under
// NO_COLOR.
[[nodiscard]] TextStyle standard_output_style();

[[nodiscard]] bool standard_output_is_terminal();

// Writes to standard output. kFailed where that is full or closed.
[[nodiscard]] Result<> print(const std::string& text);

// An Error on standard error, in one form for all commands: "palloscope: message" and "hint: …"
// below.
void print_error(const Error& error);

// Something that the user must know, on standard error.
void print_note(const std::string& text);

}  // namespace palloscope
