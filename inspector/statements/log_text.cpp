#include "inspector/statements/log_text.hpp"

#include <algorithm>
#include <array>

#include "inspector/statements/followed_file.hpp"

namespace palloscope {

namespace {

constexpr std::string_view kVerboseSuccess = "00000: ";
constexpr std::size_t kSqlStateLength = 5;

// These belong to the message before.
bool is_part(std::string_view label) {
    constexpr std::array<std::string_view, 7> kParts{
        "STATEMENT", "DETAIL", "CONTEXT", "HINT", "QUERY", "LOCATION", "BACKTRACE"};
    return std::ranges::find(kParts, label) != kParts.end();
}

}  // namespace

std::optional<LogLinePrefix::Match> LogText::match(std::string_view line) {
    for (std::size_t i = 0; i < prefixes_.size(); ++i) {
        const std::size_t candidate = (last_fit_ + i) % prefixes_.size();
        if (auto match = prefixes_[candidate].match(line)) {
            last_fit_ = candidate;
            return match;
        }
    }
    return std::nullopt;
}

LogLine LogText::take(std::string_view line) {
    if (line.starts_with('\t')) {
        return go_on(line.substr(1));
    }
    const std::optional<LogLinePrefix::Match> found = match(line);
    if (!found) {
        // What follows may belong to what this line was.
        LogLine result = flush();
        result.skipped = true;
        return result;
    }
    if (!is_part(found->label)) {
        LogLine result = flush();
        begin(*found);
        return result;
    }
    within_ = Within::kOther;
    if (found->label == "STATEMENT" && entry_ && entry_->pid == found->pid) {
        entry_->statement = found->text;
        within_ = Within::kStatement;
    }
    return {};
}

LogLine LogText::go_on(std::string_view line) {
    if (within_ == Within::kMessage || within_ == Within::kStatement) {
        std::string& text = within_ == Within::kMessage ? entry_->message : entry_->statement;
        if (text.size() + line.size() <= FollowedFile::kMaxLine) {
            text += '\n';
            text += line;
        }
    }
    return {.entry = {}, .skipped = within_ == Within::kNothing};
}

void LogText::begin(const LogLinePrefix::Match& match) {
    std::string_view text = match.text;
    std::string_view sql_state = match.sql_state;
    verbose_ = verbose_ || (match.label == "LOG" && text.starts_with(kVerboseSuccess));
    if (verbose_ && text.substr(std::min(text.size(), kSqlStateLength)).starts_with(": ")) {
        sql_state = text.substr(0, kSqlStateLength);
        text.remove_prefix(kSqlStateLength + 2);
    }
    entry_ = LogEntry{.time = std::string(match.time),
                      .pid = match.pid,
                      .severity = std::string(match.label),
                      .sql_state = std::string(sql_state),
                      .message = std::string(text),
                      .statement = {}};
    within_ = Within::kMessage;
}

LogLine LogText::flush() {
    within_ = Within::kNothing;
    return {.entry = std::exchange(entry_, std::nullopt), .skipped = false};
}

}  // namespace palloscope
