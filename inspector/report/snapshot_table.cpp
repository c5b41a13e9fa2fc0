#include "inspector/report/snapshot_table.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "inspector/report/clean_text.hpp"
#include "inspector/report/text_columns.hpp"

namespace palloscope {

namespace {

enum class Alignment { kLeft, kRight };

struct Column {
    std::string_view name;
    Alignment alignment;
};

constexpr std::array<Column, 10> kColumns{{
    {"name", Alignment::kLeft},
    {"ident", Alignment::kLeft},
    {"type", Alignment::kLeft},
    {"level", Alignment::kRight},
    {"path", Alignment::kLeft},
    {"total_bytes", Alignment::kRight},
    {"total_nblocks", Alignment::kRight},
    {"free_bytes", Alignment::kRight},
    {"free_chunks", Alignment::kRight},
    {"used_bytes", Alignment::kRight},
}};

using Row = std::array<std::string, kColumns.size()>;

// Of a path thousands of levels deep the last ids: one such path would make the whole table wide.
std::string path_text(const ContextTree& tree, std::size_t index) {
    constexpr std::size_t kMaxIds = 20;
    std::vector<std::size_t> ids;
    std::optional<std::size_t> at = index;
    for (; at && ids.size() < kMaxIds; at = tree.contexts[*at].parent) {
        ids.push_back(*at + 1);
    }
    std::ranges::reverse(ids);
    return fmt::format("{{{}{}}}", at ? "...," : "", fmt::join(ids, ","));
}

Row row_of(const ContextTree& tree, std::size_t index) {
    // pg_get_backend_memory_contexts (mcxtfuncs.c), MEMORY_CONTEXT_IDENT_DISPLAY_SIZE
    constexpr std::size_t kMaxIdentBytes = 1024;
    const MemoryContext& context = tree.contexts[index];
    const std::string_view ident = context.ident ? *context.ident : std::string_view();
    return {clean_text(context.name),
            clean_text(ident.substr(0, kMaxIdentBytes)),
            std::string(to_string(context.type)),
            std::to_string(context.level),
            path_text(tree, index),
            std::to_string(context.figures.total_bytes),
            std::to_string(context.figures.total_nblocks),
            std::to_string(context.figures.free_bytes),
            std::to_string(context.figures.free_chunks),
            std::to_string(context.figures.used_bytes)};
}

// psql centres the names of columns, and leaves the odd blank at the right.
std::string centred(std::string_view text, int columns) {
    const int left = (columns - text_columns(text)) / 2;
    return left_aligned(right_aligned(text, text_columns(text) + left), columns);
}

}  // namespace

std::string snapshot_table(const Snapshot& snapshot) {
    std::vector<Row> rows;
    std::array<int, kColumns.size()> widths{};
    for (std::size_t column = 0; column < kColumns.size(); ++column) {
        widths.at(column) = text_columns(kColumns.at(column).name);
    }
    for (std::size_t i = 0; i < snapshot.tree.contexts.size(); ++i) {
        rows.push_back(row_of(snapshot.tree, i));
        for (std::size_t column = 0; column < kColumns.size(); ++column) {
            widths.at(column) = std::max(widths.at(column), text_columns(rows.back().at(column)));
        }
    }
    std::string text;
    std::string ruler;
    for (std::size_t column = 0; column < kColumns.size(); ++column) {
        text += column == 0 ? " " : " | ";
        text += centred(kColumns.at(column).name, widths.at(column));
        ruler += column == 0 ? "" : "+";
        ruler += std::string(static_cast<std::size_t>(widths.at(column)) + 2, '-');
    }
    text += " \n" + ruler + '\n';
    for (const Row& row : rows) {
        for (std::size_t column = 0; column < kColumns.size(); ++column) {
            text += column == 0 ? " " : " | ";
            text += kColumns.at(column).alignment == Alignment::kLeft
                        ? left_aligned(row.at(column), widths.at(column))
                        : right_aligned(row.at(column), widths.at(column));
        }
        text += '\n';
    }
    text += fmt::format("({} row{})\n", rows.size(), rows.size() == 1 ? "" : "s");
    return text;
}

}  // namespace palloscope
