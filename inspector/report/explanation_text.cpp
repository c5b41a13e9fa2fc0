#include "inspector/report/explanation_text.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "inspector/model/time_text.hpp"
#include "inspector/report/clean_text.hpp"
#include "inspector/report/explanation_sections.hpp"
#include "inspector/report/size_text.hpp"
#include "inspector/report/snapshot_heading.hpp"
#include "inspector/report/text_columns.hpp"

namespace palloscope {

namespace {

constexpr int kSizeColumns = 11;
constexpr int kCountColumns = 10;
constexpr std::string_view kGap = "  ";

struct AccountName {
    std::string_view id;
    std::string_view name;
};

// What a person reads for the contract's ids.
constexpr std::array<AccountName, 10> kAccountNames{{
    {"contexts-used", "memory contexts: in use"},
    {"contexts-free", "memory contexts: free"},
    {"contexts-overhead", "memory contexts: headers of contexts and blocks"},
    {"contexts-kept", "dead contexts that PostgreSQL keeps for reuse"},
    {"malloc-used", "malloc: in use by others than contexts"},
    {"malloc-free", "malloc: free, and kept"},
    {"stack", "stack"},
    {"library-data", "variables of the server and its libraries"},
    {"jit", "code made at run time (JIT)"},
    {"other-mappings", "other mappings"},
}};

std::string_view account_name(std::string_view id) {
    const auto* const found = std::ranges::find(kAccountNames, id, &AccountName::id);
    return found == kAccountNames.end() ? id : found->name;
}

std::string cut(const std::string& text, int used, const TextStyle& style) {
    return style.width > 0 ? cut_to_columns(text, std::max(0, style.width - used), style) : text;
}

// Numbers in their columns, then the label and, fainter, what there is to add.
std::string row_line(const std::string& size,
                     const std::string& count,
                     std::string_view label,
                     std::string_view detail,
                     Paint paint,
                     const TextStyle& style) {
    const int used = kSizeColumns + (count.empty() ? 0 : kCountColumns) + 2;
    const std::string name = cut(std::string(label), used, style);
    const std::string more =
        detail.empty() ? ""
                       : cut(fmt::format("{}{}", kGap, detail), used + text_columns(name), style);
    return painted(style, paint, right_aligned(size, kSizeColumns)) +
           (count.empty() ? "" : right_aligned(count, kCountColumns)) + std::string(kGap) + name +
           painted(style, Paint::kFaint, more) + '\n';
}

std::string percent_text(std::int64_t part, std::int64_t whole) {
    return whole > 0 ? fmt::format("{:.1f} %",
                                   100 * static_cast<double>(part) / static_cast<double>(whole))
                     : "-";
}

std::string accounting_text(const Accounting& accounting, const TextStyle& style) {
    std::string text = painted(
        style, Paint::kStrong, fmt::format("RssAnon: {}", size_text(accounting.rss_anon_bytes)));
    if (accounting.swap_bytes > 0) {
        text += fmt::format(", and {} swapped out", size_text(accounting.swap_bytes));
    }
    text += '\n';
    const auto line = [&](std::int64_t bytes, std::string_view name) {
        text += row_line(size_text(bytes),
                         percent_text(bytes, accounting.rss_anon_bytes),
                         name,
                         /*detail=*/"",
                         Paint::kNumber,
                         style);
    };
    const bool free_is_known =
        std::ranges::find(accounting.items, "malloc-free", &AccountItem::id) !=
        accounting.items.end();
    for (const AccountItem& item : accounting.items) {
        if (item.id == "malloc-used" && !free_is_known) {
            line(item.bytes, "malloc: in use by others than contexts, or free and kept");
        } else if (item.bytes != 0) {
            line(item.bytes, account_name(item.id));
        }
    }
    line(accounting.unexplained_bytes, "unexplained");
    return text + '\n';
}

std::string section_text(const ExplainedSection& section,
                         const TextStyle& style,
                         std::size_t most_rows) {
    ExplainedRow sum;
    ExplainedRow rest;
    for (std::size_t i = 0; i < section.rows.size(); ++i) {
        sum.bytes += section.rows[i].bytes;
        sum.count += section.rows[i].count;
        rest.bytes += i < most_rows ? 0 : section.rows[i].bytes;
        rest.count += i < most_rows ? 0 : section.rows[i].count;
    }
    std::string text = painted(style,
                               Paint::kStrong,
                               fmt::format("{}: {} in {} {}",
                                           section.title,
                                           size_text(sum.bytes),
                                           count_text(sum.count),
                                           section.counted)) +
                       '\n';
    for (std::size_t i = 0; i < std::min(most_rows, section.rows.size()); ++i) {
        const ExplainedRow& row = section.rows[i];
        text += row_line(size_text(row.bytes),
                         count_text(row.count),
                         row.label,
                         row.detail,
                         Paint::kNumber,
                         style);
    }
    if (section.rows.size() > most_rows) {
        text += row_line(
            size_text(rest.bytes),
            count_text(rest.count),
            fmt::format("{} more",
                        count_text(static_cast<std::int64_t>(section.rows.size() - most_rows))),
            /*detail=*/"",
            Paint::kNumber,
            style);
    }
    return text + '\n';
}

std::string unavailable_text(const Explanation& explanation, const TextStyle& style) {
    std::string text;
    for (const UnavailablePart& part : explanation.unavailable) {
        text += cut(fmt::format(
                        "not available: {}: {}", clean_line(part.part), clean_line(part.reason)),
                    /*used=*/0,
                    style) +
                '\n';
    }
    return text;
}

std::string heading_text(const Snapshot& snapshot, const TextStyle& style) {
    return fmt::format("{}\n{}{}{}{}pause {}\n\n",
                       backend_heading(snapshot, style),
                       moment_text(snapshot.taken_at_ns),
                       heading_separator(style),
                       to_string(snapshot.method),
                       heading_separator(style),
                       duration_text(snapshot.pause_us));
}

// --- differences
// ----------------------------------------------------------------------------------

using Key = std::pair<std::string, std::string>;  // section, label

struct Change {
    std::int64_t count = 0;
    std::int64_t bytes = 0;
};

void add(std::map<Key, Change>& changes, const Explanation& explanation, int sign) {
    for (const ExplainedSection& section : explained_sections(explanation, Alike::kEach)) {
        for (const ExplainedRow& row : section.rows) {
            Change& change = changes[{section.title, row.label}];
            change.count += sign * row.count;
            change.bytes += sign * row.bytes;
        }
    }
    if (explanation.accounting) {
        for (const AccountItem& item : explanation.accounting->items) {
            changes[{"RssAnon", std::string(account_name(item.id))}].bytes += sign * item.bytes;
        }
        changes[{"RssAnon", "unexplained"}].bytes +=
            sign * explanation.accounting->unexplained_bytes;
    }
}

}  // namespace

std::string explanation_text(const Explanation& explanation,
                             const TextStyle& style,
                             std::optional<std::size_t> most_rows) {
    std::string text = heading_text(explanation.snapshot, style);
    if (explanation.accounting) {
        text += accounting_text(*explanation.accounting, style);
    }
    if (explanation.trim_would_return_bytes) {
        text += fmt::format("malloc_trim would give {} back to the kernel\n",
                            size_text(*explanation.trim_would_return_bytes));
    }
    if (explanation.temporary_files.files > 0) {
        text += fmt::format("Temporary files, on disk: {} in {} files\n",
                            size_text(explanation.temporary_files.bytes),
                            count_text(explanation.temporary_files.files));
    }
    if (explanation.cache_memory_used_bytes > 0) {
        text += fmt::format("CacheMemoryContext: {} used, {} of it explained below\n",
                            size_text(explanation.cache_memory_used_bytes),
                            percent_text(explanation.cache_memory_attributed_bytes,
                                         explanation.cache_memory_used_bytes));
    }
    text += '\n';
    const Alike alike = most_rows ? Alike::kFolded : Alike::kEach;
    for (const ExplainedSection& section : explained_sections(explanation, alike)) {
        text += section_text(section, style, most_rows.value_or(section.rows.size()));
    }
    text += unavailable_text(explanation, style);
    return text;
}

std::string explanation_difference_text(const Explanation& before,
                                        const Explanation& after,
                                        const TextStyle& style,
                                        std::optional<std::size_t> most_rows) {
    std::map<Key, Change> changes;
    add(changes, before, -1);
    add(changes, after, +1);
    std::vector<std::pair<Key, Change>> sorted;
    for (const auto& change : changes) {
        if (change.second.bytes != 0 || change.second.count != 0) {
            sorted.emplace_back(change);
        }
    }
    std::ranges::stable_sort(sorted, std::ranges::greater{}, [](const auto& change) {
        return std::abs(change.second.bytes);
    });
    std::string text = backend_heading(after.snapshot, style) + '\n';
    text += fmt::format(
        "RssAnon {} in {}\n\n",
        size_change_text(after.snapshot.process.rss_anon_bytes -
                         before.snapshot.process.rss_anon_bytes),
        duration_text(
            static_cast<double>(after.snapshot.taken_at_ns - before.snapshot.taken_at_ns) / 1000));
    if (sorted.empty()) {
        return text + "Nothing changed.\n";
    }
    const std::size_t shown = std::min(most_rows.value_or(sorted.size()), sorted.size());
    for (const auto& [key, change] : std::span(sorted).first(shown)) {
        text +=
            row_line(size_change_text(change.bytes),
                     change.count == 0 ? "" : count_change_text(change.count),
                     change.count == 0 ? std::string(kCountColumns, ' ') + key.second : key.second,
                     key.first,
                     change.bytes > 0 ? Paint::kGrew : Paint::kShrank,
                     style);
    }
    if (shown < sorted.size()) {
        text += fmt::format("{} and {} smaller changes\n",
                            style.ascii ? "..." : "…",
                            count_text(static_cast<std::int64_t>(sorted.size() - shown)));
    }
    return text;
}

}  // namespace palloscope
