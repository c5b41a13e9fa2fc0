#include "inspector/statements/log_executions.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "inspector/statements/execution_json.hpp"

namespace palloscope {

namespace {

// Sessions that ended leave their last statement behind.
constexpr std::size_t kMostBegun = 10'000;
constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::size_t kDurationDigits = 3;  // behind the point
constexpr std::int64_t kMicrosecond = 1'000;

// What a message says of a statement.
struct Said {
    std::optional<std::int64_t> duration_ns;
    // None where it tells of none, or not by itself.
    std::optional<std::string_view> sql;
    bool nothing_else = false;  // but the duration
};

bool drop(std::string_view& text, std::string_view begin) {
    if (!text.starts_with(begin)) {
        return false;
    }
    text.remove_prefix(begin.size());
    return true;
}

std::optional<std::int64_t> drop_number(std::string_view& text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    // Years are longer than anything that runs; it keeps the sums in range.
    if (error != std::errc{} || value < 0 || value > std::int64_t{1} << 40U) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

// "duration: 0.332 ms", always in milliseconds with three digits behind the point
// (check_log_duration).
std::optional<std::int64_t> drop_duration(std::string_view& text) {
    if (!drop(text, "duration: ")) {
        return std::nullopt;
    }
    const std::optional<std::int64_t> millis = drop_number(text);
    if (!millis || !drop(text, ".")) {
        return std::nullopt;
    }
    const std::size_t before = text.size();
    const std::optional<std::int64_t> micros = drop_number(text);
    if (!micros || before - text.size() != kDurationDigits || !drop(text, " ms")) {
        return std::nullopt;
    }
    return *millis * kMillisecond + *micros * kMicrosecond;
}

// exec_simple_query and exec_execute_message of postgres.c. An execute's name is that of a prepared
// statement, with its portal's behind a slash.
Said said_by(std::string_view message) {
    Said said{.duration_ns = drop_duration(message)};
    said.nothing_else = said.duration_ns && message.empty();
    if (said.duration_ns && !drop(message, "  ")) {
        return said;
    }
    if (drop(message, "statement: ")) {
        said.sql = message;
    } else if (!message.starts_with("execute fetch from ") && drop(message, "execute ")) {
        const std::size_t behind_name = message.find(": ");
        if (behind_name != std::string_view::npos) {
            said.sql = message.substr(behind_name + 2);
        }
    }
    return said;
}

bool is_failure(const std::string& severity) {
    return severity == "ERROR" || severity == "FATAL" || severity == "PANIC";
}

}  // namespace

void LogExecutions::take(const LogEntry& entry,
                         std::int64_t logged_ns,
                         std::vector<Execution>& executions) {
    if (is_failure(entry.severity)) {
        take_error(entry, logged_ns, executions);
        return;
    }
    // RAISE LOG can write anything, but never without the statement that it came from.
    if (entry.severity != "LOG" || !entry.statement.empty()) {
        return;
    }
    const Said said = said_by(entry.message);
    if (!said.sql && !said.nothing_else) {
        return;
    }
    std::optional<Begun> begun = take_begun(entry.pid);
    if (begun && !said.nothing_else) {
        add_without_duration(entry.pid, *begun, executions);
    }
    if (!said.duration_ns) {
        if (begun_.size() >= kMostBegun) {
            for (const auto& [pid, last] : std::exchange(begun_, {})) {
                add_without_duration(pid, last, executions);
            }
        }
        begun_[entry.pid] = {.form = forms_.form_of(*said.sql), .at_ns = logged_ns};
        return;
    }
    if (with_durations_.size() >= kMostBegun) {
        with_durations_.clear();
    }
    with_durations_.insert(entry.pid);
    // Durations of Parse and Bind stand alone as well.
    if (!said.sql && !begun) {
        return;
    }
    ++with_duration_;
    shortest_ns_ = std::min(shortest_ns_, *said.duration_ns);
    add({.backend_pid = entry.pid,
         .form = said.sql ? forms_.form_of(*said.sql) : std::move(begun->form),
         .started_at_ns = std::max<std::int64_t>(logged_ns - *said.duration_ns, 0),
         .ended_at_ns = logged_ns},
        executions);
}

void LogExecutions::take_error(const LogEntry& entry,
                               std::int64_t logged_ns,
                               std::vector<Execution>& out) {
    std::optional<Begun> begun = take_begun(entry.pid);
    if (entry.statement.empty()) {
        // Not of a statement ("terminating connection"), or log_min_error_statement leaves it out.
        if (begun && entry.severity != "ERROR") {
            add_without_duration(entry.pid, *begun, out);
            return;
        }
        if (!begun) {
            return;
        }
    }
    const StatementForm form =
        entry.statement.empty() ? begun->form : forms_.form_of(entry.statement);
    if (begun && begun->form != form) {
        add_without_duration(entry.pid, *begun, out);
        begun.reset();
    }
    add({.backend_pid = entry.pid,
         .form = form,
         .started_at_ns = begun ? std::min(begun->at_ns, logged_ns) : logged_ns,
         .ended_at_ns = logged_ns,
         .error = is_sql_state(entry.sql_state) ? entry.sql_state : std::string(kUnknownSqlState)},
        out);
}

void LogExecutions::finish(int pid, std::vector<Execution>& executions) {
    const std::optional<Begun> begun = take_begun(pid);
    if (begun && !with_durations_.contains(pid)) {
        add_without_duration(pid, *begun, executions);
    }
}

std::optional<LogExecutions::Begun> LogExecutions::take_begun(int pid) {
    auto found = begun_.extract(pid);
    return found.empty() ? std::nullopt : std::optional(std::move(found.mapped()));
}

void LogExecutions::add_without_duration(int pid, const Begun& begun, std::vector<Execution>& out) {
    ++without_duration_;
    add({.backend_pid = pid,
         .form = begun.form,
         .started_at_ns = begun.at_ns,
         .ended_at_ns = begun.at_ns},
        out);
}

void LogExecutions::add(Execution execution, std::vector<Execution>& out) {
    execution.seq = ++count_;
    out.push_back(std::move(execution));
}

}  // namespace palloscope
