#include "inspector/report/process_list.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "inspector/model/json_text.hpp"
#include "inspector/model/time_text.hpp"
#include "inspector/report/clean_text.hpp"
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

std::string shown(const std::optional<std::string>& text) {
    return text ? clean_line(*text) : "-";
}

std::vector<Column> columns_of(const std::vector<ProcessRow>& rows, bool with_growth) {
    std::vector<Column> columns{{"PID", true, {}},
                                {"VERSION", false, {}},
                                {"TYPE", false, {}},
                                {"DATABASE", false, {}},
                                {"USER", false, {}},
                                {"STATE", false, {}},
                                {"RSSANON", true, {}},
                                {"RSSSHMEM", true, {}}};
    const bool with_contexts = std::ranges::any_of(
        rows, [](const ProcessRow& row) { return row.contexts_total_bytes.has_value(); });
    if (with_contexts) {
        columns.push_back({"CONTEXTS", true, {}});
    }
    if (with_growth) {
        columns.push_back({"GROWTH", true, {}});
    }
    // Last, since it is the longest and may be cut.
    columns.push_back({"APPLICATION", false, {}});
    for (const ProcessRow& row : rows) {
        std::vector<std::string> cells{std::to_string(row.info.pid),
                                       server_version_text(row.server_version_num),
                                       clean_line(row.info.backend_type),
                                       shown(row.info.database),
                                       shown(row.info.user),
                                       shown(row.info.state),
                                       size_text(row.info.rss_anon_bytes),
                                       size_text(row.info.rss_shmem_bytes)};
        if (with_contexts) {
            cells.push_back(row.contexts_total_bytes ? size_text(*row.contexts_total_bytes) : "-");
        }
        if (with_growth) {
            cells.push_back(size_change_text(row.growth_bytes));
        }
        cells.push_back(shown(row.info.application_name));
        for (std::size_t i = 0; i < columns.size(); ++i) {
            columns[i].cells.push_back(std::move(cells[i]));
        }
    }
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
        list.push_back(
            {{"pid", row.info.pid},
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
             {"growth_bytes", row.growth_bytes}});
    }
    return list.dump();
}

}  // namespace palloscope
