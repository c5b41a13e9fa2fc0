#include "inspector/report/process_list.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "inspector/model/json_text.hpp"
#include "inspector/model/time_text.hpp"
#include "inspector/report/clean_text.hpp"
#include "inspector/report/confinement.hpp"
#include "inspector/report/size_text.hpp"
#include "inspector/report/text_columns.hpp"

namespace palloscope {

namespace {

struct Column {
    std::string_view title;
    bool right_aligned;
    std::vector<std::string> cells;
};

constexpr std::string_view kColumnGap = "  ";

using Cell = std::string (*)(const ProcessRow&);

Column column_of(const std::vector<ProcessRow>& rows,
                 std::string_view title,
                 bool right_aligned,
                 Cell cell) {
    Column column{title, right_aligned, {}};
    for (const ProcessRow& row : rows) {
        column.cells.push_back(cell(row));
    }
    return column;
}

constexpr std::string_view kUnknown = "-";

std::string shown(const std::optional<std::string>& text) {
    return text ? clean_line(*text) : std::string(kUnknown);
}

std::vector<Column> columns_of(const std::vector<ProcessRow>& rows, bool with_growth) {
    std::vector<Column> columns;
    const auto add = [&](std::string_view title, bool right_aligned, Cell cell) {
        columns.push_back(column_of(rows, title, right_aligned, cell));
    };
    const auto add_where_known = [&](std::string_view title, bool right_aligned, Cell cell) {
        add(title, right_aligned, cell);
        if (std::ranges::all_of(columns.back().cells,
                                [](const std::string& text) { return text == kUnknown; })) {
            columns.pop_back();
        }
    };
    add("PID", true, [](const ProcessRow& row) { return std::to_string(row.info.pid); });
    add_where_known("INSIDE", true, [](const ProcessRow& row) {
        const auto& pid = row.confinement.namespace_pid;
        return pid ? std::to_string(*pid) : std::string(kUnknown);
    });
    add_where_known("CONTAINER", false, [](const ProcessRow& row) {
        const auto& container = row.confinement.container;
        return container ? container_text(*container) : std::string(kUnknown);
    });
    add("VERSION", false, [](const ProcessRow& row) {
        return server_version_text(row.server_version_num);
    });
    add("TYPE", false, [](const ProcessRow& row) { return clean_line(row.info.backend_type); });
    add("DATABASE", false, [](const ProcessRow& row) { return shown(row.info.database); });
    add("USER", false, [](const ProcessRow& row) { return shown(row.info.user); });
    add("STATE", false, [](const ProcessRow& row) { return shown(row.info.state); });
    add("RSSANON", true, [](const ProcessRow& row) { return size_text(row.info.rss_anon_bytes); });
    add("RSSSHMEM", true, [](const ProcessRow& row) {
        return size_text(row.info.rss_shmem_bytes);
    });
    add_where_known("LIMIT", true, [](const ProcessRow& row) {
        const auto& limit = row.confinement.memory_limit;
        return limit ? size_text(limit->limit_bytes) : std::string(kUnknown);
    });
    add_where_known("LEFT", true, [](const ProcessRow& row) {
        const auto& limit = row.confinement.memory_limit;
        return limit ? size_text(limit->left_bytes()) : std::string(kUnknown);
    });
    add_where_known("CONTEXTS", true, [](const ProcessRow& row) {
        const auto& bytes = row.contexts_total_bytes;
        return bytes ? size_text(*bytes) : std::string(kUnknown);
    });
    if (with_growth) {
        add("GROWTH", true, [](const ProcessRow& row) {
            return size_change_text(row.growth_bytes);
        });
    }
    // Last, since it is the longest and may be cut.
    add("APPLICATION", false, [](const ProcessRow& row) {
        return shown(row.info.application_name);
    });
    return columns;
}

std::string aligned(const Column& column, std::string_view text, int width) {
    return column.right_aligned ? right_aligned(text, width) : left_aligned(text, width);
}

}  // namespace

std::string process_list_table(const std::vector<ProcessRow>& rows,
                               const TextStyle& style,
                               bool with_growth) {
    if (rows.empty()) {
        return "No PostgreSQL process fits.\n";
    }
    const std::vector<Column> columns = columns_of(rows, with_growth);
    std::vector<int> widths;
    for (const Column& column : columns) {
        int width = text_columns(column.title);
        for (const std::string& cell : column.cells) {
            width = std::max(width, text_columns(cell));
        }
        widths.push_back(width);
    }
    const auto line_of = [&](auto&& text_in) {
        std::string line;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            line += line.empty() ? "" : kColumnGap;
            line += aligned(columns[i], text_in(columns[i]), widths[i]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        return style.width > 0 ? cut_to_columns(line, style.width, style) : line;
    };
    std::string text =
        painted(style, Paint::kStrong, line_of([](const Column& column) { return column.title; })) +
        '\n';
    for (std::size_t row = 0; row < rows.size(); ++row) {
        text += line_of([&](const Column& column) { return std::string_view(column.cells[row]); }) +
                '\n';
    }
    return text;
}

std::string process_list_json(const std::vector<ProcessRow>& rows) {
    using Json = nlohmann::ordered_json;
    const auto text_or_null = [](const std::optional<std::string>& text) {
        return text ? Json(json_text(*text)) : Json(nullptr);
    };
    Json list = Json::array();
    for (const ProcessRow& row : rows) {
        Json process{{"pid", row.info.pid},
                     {"server_version_num", row.server_version_num},
                     {"backend_type", json_text(row.info.backend_type)},
                     {"database", text_or_null(row.info.database)},
                     {"user", text_or_null(row.info.user)},
                     {"application_name", text_or_null(row.info.application_name)},
                     {"state", text_or_null(row.info.state)},
                     {"query", text_or_null(row.info.query)},
                     {"rss_anon_bytes", row.info.rss_anon_bytes},
                     {"rss_file_bytes", row.info.rss_file_bytes},
                     {"rss_shmem_bytes", row.info.rss_shmem_bytes},
                     {"contexts_total_bytes",
                      row.contexts_total_bytes ? Json(*row.contexts_total_bytes) : Json(nullptr)},
                     {"growth_bytes", row.growth_bytes}};
        add_confinement(process, row.confinement);
        list.push_back(std::move(process));
    }
    return list.dump();
}

}  // namespace palloscope
