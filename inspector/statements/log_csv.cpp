#include "inspector/statements/log_csv.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "inspector/statements/followed_file.hpp"
#include "inspector/statements/log_clock.hpp"

namespace palloscope {

namespace {

enum Field : std::size_t {
    kTime = 0,
    kPid = 3,
    kSession = 5,
    kSeverity = 11,
    kSqlState = 12,
    kMessage = 13,
    kStatement = 19,
    kFewestFields = 23,
};

// The field that begins at `at`, which is moved behind it and its comma. A quote within quotes is
// doubled.
std::string next_field(std::string_view text, std::size_t& at) {
    std::string field;
    bool quoted = false;
    for (; at < text.size() && (quoted || text[at] != ','); ++at) {
        if (text[at] != '"') {
            field += text[at];
        } else if (quoted && at + 1 < text.size() && text[at + 1] == '"') {
            field += text[++at];
        } else {
            quoted = !quoted;
        }
    }
    ++at;
    return field;
}

std::optional<LogEntry> entry_of(std::string_view text) {
    std::vector<std::string> fields;
    for (std::size_t at = 0; at <= text.size() && fields.size() < kFewestFields;) {
        fields.push_back(next_field(text, at));
    }
    if (fields.size() < kFewestFields) {
        return std::nullopt;
    }
    LogEntry entry{.time = std::move(fields[kTime]),
                   .session = std::move(fields[kSession]),
                   .severity = std::move(fields[kSeverity]),
                   .sql_state = std::move(fields[kSqlState]),
                   .message = std::move(fields[kMessage]),
                   .statement = std::move(fields[kStatement])};
    const std::string& pid = fields[kPid];
    const auto [end, error] = std::from_chars(pid.data(), pid.data() + pid.size(), entry.pid);
    if (error != std::errc{} || end != pid.data() + pid.size() || entry.pid <= 0) {
        return std::nullopt;
    }
    return entry;
}

}  // namespace

LogLine LogCsv::flush() {
    const bool begun = !text_.empty();
    text_.clear();
    quotes_ = 0;
    return {.entry = {}, .skipped = begun};
}

LogLine LogCsv::take(std::string_view line) {
    if (text_.empty() && !begins_with_log_time(line)) {
        return {.entry = {}, .skipped = true};
    }
    text_ += line;
    quotes_ += static_cast<std::size_t>(std::ranges::count(line, '"'));
    if (quotes_ % 2 != 0 && text_.size() <= FollowedFile::kMaxLine) {
        text_ += '\n';
        return {};
    }
    const bool complete = std::exchange(quotes_, 0) % 2 == 0;
    LogLine result;
    if (complete) {
        result.entry = entry_of(text_);
    }
    result.skipped = !result.entry;
    text_.clear();
    return result;
}

}  // namespace palloscope
