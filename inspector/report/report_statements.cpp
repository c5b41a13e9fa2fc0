#include "inspector/report/report_statements.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include <fmt/format.h>

#include "inspector/diagnosis/readable.hpp"
#include "inspector/report/clean_text.hpp"
#include "inspector/report/text_columns.hpp"

namespace palloscope {

namespace {

constexpr int kIndent = 5;
constexpr int kCallsColumns = 10;
constexpr int kBytesColumns = 13;
constexpr int kIntervalColumns = 24;
constexpr std::size_t kMostMembers = 8;

std::string blanks(int count) {
    return std::string(static_cast<std::size_t>(std::max(count, 0)), ' ');
}

class Table {
  public:
    Table(int columns, const TextStyle& style)
        : text_columns_(columns - kIndent - kCallsColumns - kBytesColumns - kIntervalColumns),
          columns_(columns),
          style_(style) {}

    void heading() {
        add(painted(style_, Paint::kStrong, left_aligned("Statements", text_columns_)) +
            right_aligned("calls", kCallsColumns) + right_aligned("each leaves", kBytesColumns) +
            right_aligned("95 % interval", kIntervalColumns));
    }

    void figures(const std::string& name, const AttributedStatement& statement) {
        const Estimate& bytes = statement.bytes_per_call;
        add(left_aligned(cut_to_columns(name, text_columns_, style_), text_columns_) +
            right_aligned(readable_count(static_cast<double>(statement.calls)), kCallsColumns) +
            painted(
                style_, Paint::kNumber, right_aligned(readable_bytes(bytes.value), kBytesColumns)) +
            right_aligned(
                fmt::format("{} to {}", readable_bytes(bytes.low), readable_bytes(bytes.high)),
                kIntervalColumns));
    }

    // Without figures: the whole line is for the text.
    void member(const AttributedStatement& statement) {
        std::string after;
        if (std::lround(statement.calls_in_a_round) > 1) {
            after += fmt::format(" {}{:.0f}", style_.ascii ? "x" : "×", statement.calls_in_a_round);
        }
        if (statement.own_bytes_per_call && std::abs(*statement.own_bytes_per_call) >= 1) {
            after += fmt::format("  {}{}",
                                 *statement.own_bytes_per_call > 0 ? "+" : "",
                                 readable_bytes(*statement.own_bytes_per_call));
        }
        const int room = columns_ - kIndent - 2 - ::palloscope::text_columns(after);
        add("  " + cut_to_columns(clean_line(statement.query), room, style_) +
            painted(style_, Paint::kFaint, after));
    }

    void remark(const std::string& text) { add(painted(style_, Paint::kFaint, text)); }

    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    void add(const std::string& line) { text_ += blanks(kIndent) + line + '\n'; }

    int text_columns_;
    int columns_;
    TextStyle style_;
    std::string text_;
};

void add_group(std::span<const AttributedStatement> members, Table& table) {
    const AttributedStatement& first = members.front();
    if (!first.group) {
        table.figures(clean_line(first.query), first);
        return;
    }
    table.figures(fmt::format("{} that run together:", members.size()), first);
    for (const AttributedStatement& member :
         members.first(std::min(members.size(), kMostMembers))) {
        table.member(member);
    }
    if (members.size() > kMostMembers) {
        table.remark(fmt::format("  and {} more", members.size() - kMostMembers));
    }
}

}  // namespace

std::string statements_table(const std::vector<AttributedStatement>& statements,
                             int columns,
                             const TextStyle& style) {
    if (statements.empty()) {
        return "";
    }
    Table table(columns, style);
    table.heading();
    std::span<const AttributedStatement> rest = statements;
    while (!rest.empty()) {
        std::size_t size = 1;
        while (rest.front().group && size < rest.size() && rest[size].group == rest.front().group) {
            ++size;
        }
        add_group(rest.first(size), table);
        rest = rest.subspan(size);
    }
    return table.text();
}

}  // namespace palloscope
