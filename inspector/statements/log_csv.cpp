#include "inspector/statements/log_csv.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "inspector/statements/execution_json.hpp"
#include "inspector/statements/followed_file.hpp"
#include "inspector/statements/log_clock.hpp"

namespace palloscope {

namespace {

enum Field : std::size_t {
    kTime = 0,
    kPid = 3,
    kSessionBegan = 8,
    kSeverity = 11,
    kSqlState = 12,
    kMessage = 13,
    kStatement = 19,
    kFewestFields = 23,
};

using Fields = std::vector<std::string>;

// The field that begins at `at`, which is moved behind it and its comma. A quote within quotes is
// doubled; what is not closed goes on in the next line. None where a quote stands as no server
// writes it.
std::optional<std::string> next_field(std::string_view text, std::size_t& at) {
    std::string field;
    if (at < text.size() && text[at] == '"') {
        for (++at; at < text.size(); ++at) {
            if (text[at] == '"' && (++at == text.size() || text[at] != '"')) {
                break;
            }
            field += text[at];
        }
    } else {
        for (; at < text.size() && text[at] != ',' && text[at] != '"'; ++at) {
            field += text[at];
        }
    }
    if (at < text.size() && text[at] != ',') {
        return std::nullopt;
    }
    ++at;
    return field;
}

// So many fields, of which the first one begins at `at`, which is moved behind them.
std::optional<Fields> next_fields(std::string_view text, std::size_t count, std::size_t& at) {
    Fields fields;
    while (fields.size() < count) {
        std::optional<std::string> field = at <= text.size() ? next_field(text, at) : std::nullopt;
        if (!field) {
            return std::nullopt;
        }
        fields.push_back(*std::move(field));
    }
    return fields;
}

std::optional<int> pid_of(const Fields& fields) {
    const std::string& text = fields[kPid];
    int pid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    return whole && pid > 0 ? std::optional(pid) : std::nullopt;
}

// Whether the fields before the message are such as a server writes.
bool can_stand_before_a_message(const Fields& fields) {
    return begins_with_log_time(fields[kTime]) && pid_of(fields) &&
           begins_with_log_time(fields[kSessionBegan]) && is_sql_state(fields[kSqlState]);
}

// Whether a line that comes within a field begins an entry all the same. A text with the lines of a
// log in it does not look so: its quotes are doubled, and a message stands in one pair.
bool begins_entry(std::string_view line) {
    if (!begins_with_log_time(line)) {
        return false;
    }
    std::size_t at = 0;
    const std::optional<Fields> fields = next_fields(line, kMessage, at);
    return fields && can_stand_before_a_message(*fields) && at < line.size() && line[at] == '"' &&
           next_field(line, at);
}

std::optional<LogEntry> entry_of(std::string_view text) {
    std::size_t at = 0;
    std::optional<Fields> fields = next_fields(text, kFewestFields, at);
    if (!fields || !can_stand_before_a_message(*fields)) {
        return std::nullopt;
    }
    return LogEntry{.time = std::move((*fields)[kTime]),
                    .pid = *pid_of(*fields),
                    .severity = std::move((*fields)[kSeverity]),
                    .sql_state = std::move((*fields)[kSqlState]),
                    .message = std::move((*fields)[kMessage]),
                    .statement = std::move((*fields)[kStatement])};
}

}  // namespace

LogLine LogCsv::flush() {
    text_.clear();
    quotes_ = 0;
    return {.entry = {}, .skipped_before = std::exchange(lines_, 0)};
}

LogLine LogCsv::take(std::string_view line) {
    LogLine result;
    if (!text_.empty() && begins_entry(line)) {
        result = flush();
    }
    if (text_.empty() && !begins_with_log_time(line)) {
        return {.entry = {}, .skipped = true};
    }
    text_ += line;
    ++lines_;
    quotes_ += static_cast<std::size_t>(std::ranges::count(line, '"'));
    const bool complete = quotes_ % 2 == 0;
    if (!complete && text_.size() <= FollowedFile::kMaxLine) {
        text_ += '\n';
        return result;
    }
    if (complete) {
        result.entry = entry_of(text_);
    }
    if (!result.entry) {
        result.skipped = true;
        result.skipped_before += lines_ - 1;
    }
    text_.clear();
    quotes_ = 0;
    lines_ = 0;
    return result;
}

}  // namespace palloscope
