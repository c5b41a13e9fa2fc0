#include "inspector/report/difference_text.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "inspector/model/difference.hpp"
#include "inspector/model/time_text.hpp"
#include "inspector/report/clean_text.hpp"
#include "inspector/report/size_text.hpp"
#include "inspector/report/snapshot_heading.hpp"
#include "inspector/report/text_columns.hpp"

namespace palloscope {

namespace {

constexpr int kSizeColumns = 11;
constexpr int kKindColumns = 10;
// Three sizes, the kind, and the gaps.
constexpr int kFiguresColumns = 3 * kSizeColumns + 2 + kKindColumns;

std::string_view arrow(const TextStyle& style) {
    return style.ascii ? "->" : "→";
}

std::string sum_line(std::string_view name,
                     std::string_view before,
                     std::string_view after,
                     std::string_view change,
                     const TextStyle& style) {
    return fmt::format("{}{} {} {}{}\n",
                       left_aligned(name, kKindColumns),
                       right_aligned(before, kSizeColumns),
                       arrow(style),
                       left_aligned(after, kSizeColumns),
                       change);
}

std::string bytes_line(std::string_view name,
                       std::int64_t before,
                       std::int64_t after,
                       const TextStyle& style) {
    return sum_line(
        name, size_text(before), size_text(after), size_change_text(after - before), style);
}

std::string heading_text(const Snapshot& before,
                         const Snapshot& after,
                         const Difference& sum,
                         const TextStyle& style) {
    std::string text = backend_heading(after, style) + '\n';
    if (before.process.pid != after.process.pid) {
        text += fmt::format("compared with another backend: pid {}\n", before.process.pid);
    }
    constexpr double kNanosecondsInMicrosecond = 1000;
    text += fmt::format("{} {} {}{}{} apart\n\n",
                        moment_text(before.taken_at_ns),
                        arrow(style),
                        moment_text(after.taken_at_ns),
                        heading_separator(style),
                        duration_text(static_cast<double>(after.taken_at_ns - before.taken_at_ns) /
                                      kNanosecondsInMicrosecond));
    text += bytes_line("used", sum.before.used_bytes, sum.after.used_bytes, style);
    text += bytes_line("total", sum.before.total_bytes, sum.after.total_bytes, style);
    text +=
        bytes_line("RssAnon", before.process.rss_anon_bytes, after.process.rss_anon_bytes, style);
    text += sum_line("contexts",
                     count_text(sum.count_before),
                     count_text(sum.count_after),
                     count_change_text(sum.count_after - sum.count_before),
                     style);
    return text + '\n';
}

std::string column_names(const TextStyle& style) {
    std::string names;
    for (const std::string_view name : {"used", "total", "free"}) {
        names += right_aligned(name, kSizeColumns);
    }
    return painted(style,
                   Paint::kStrong,
                   names + "  " + left_aligned("change", kKindColumns) + "context") +
           '\n';
}

std::string change_line(const ContextChange& change, const TextStyle& style) {
    const std::int64_t count = std::max(change.count_before, change.count_after);
    std::string name = clean_line(change.name) + (count > 1 ? times_text(count, style) : "");
    std::string detail = count == 1 && change.ident ? ": " + clean_line(*change.ident) : "";
    if (change.path.size() > change.name.size()) {
        // The path without the name and the slash before it.
        detail += "  in " + clean_line(std::string_view(change.path)
                                           .substr(0, change.path.size() - change.name.size() - 1));
    }
    if (style.width > 0) {
        const int room = std::max(0, style.width - kFiguresColumns);
        name = cut_to_columns(name, room, style);
        detail = cut_to_columns(detail, room - text_columns(name), style);
    }
    const Paint paint = change.delta.used_bytes > 0 ? Paint::kGrew : Paint::kShrank;
    return painted(style,
                   paint,
                   right_aligned(size_change_text(change.delta.used_bytes), kSizeColumns)) +
           right_aligned(size_change_text(change.delta.total_bytes), kSizeColumns) +
           right_aligned(size_change_text(change.delta.free_bytes), kSizeColumns) + "  " +
           left_aligned(to_string(change.kind), kKindColumns) + name +
           painted(style, Paint::kFaint, detail) + '\n';
}

}  // namespace

std::string difference_text(const Snapshot& before, const Snapshot& after, const TextStyle& style) {
    const Difference result = difference(before.tree, after.tree);
    std::string text = heading_text(before, after, result, style);
    if (result.changes.empty()) {
        return text + "No context changed.\n";
    }
    text += column_names(style);
    for (const ContextChange& change : result.changes) {
        text += change_line(change, style);
    }
    return text;
}

}  // namespace palloscope
