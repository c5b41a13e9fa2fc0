#include "inspector/report/explanation_sections.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "inspector/report/clean_text.hpp"
#include "inspector/report/size_text.hpp"

namespace palloscope {

namespace {

// pg_class.relkind in psql's words (\d).
std::string_view kind_text(char kind) {
    switch (kind) {
        case 'r':
            return "table";
        case 'i':
            return "index";
        case 'S':
            return "sequence";
        case 'v':
            return "view";
        case 'm':
            return "materialized view";
        case 'c':
            return "composite type";
        case 't':
            return "TOAST table";
        case 'f':
            return "foreign table";
        case 'p':
            return "partitioned table";
        case 'I':
            return "partitioned index";
        default:
            return "relation";
    }
}

std::string joined(const std::vector<std::string>& parts) {
    return fmt::format("{}", fmt::join(parts, ", "));
}

// Rows of the same label and detail become one.
ExplainedSection section(std::string title, std::string counted, std::vector<ExplainedRow> rows) {
    std::map<std::pair<std::string, std::string>, ExplainedRow> by_label;
    for (ExplainedRow& row : rows) {
        ExplainedRow& sum = by_label[{row.label, row.detail}];
        row.count += sum.count;
        row.bytes += sum.bytes;
        sum = std::move(row);
    }
    ExplainedSection result{.title = std::move(title), .counted = std::move(counted), .rows = {}};
    for (auto& [label, row] : by_label) {
        result.rows.push_back(std::move(row));
    }
    std::ranges::stable_sort(result.rows, std::ranges::greater{}, &ExplainedRow::bytes);
    return result;
}

template <typename Items, typename ToRow>
std::vector<ExplainedRow> rows_of(const Items& items, ToRow to_row) {
    std::vector<ExplainedRow> rows;
    for (const auto& item : items) {
        rows.push_back(to_row(item));
    }
    return rows;
}

ExplainedRow row_of_cache(const CatalogCache& cache) {
    std::vector<std::string> details;
    const auto add = [&](std::int64_t count, std::string_view what) {
        if (count > 0) {
            details.push_back(fmt::format("{} {}", count_text(count), what));
        }
    };
    add(cache.negative_entries, "negative");
    add(cache.dead_entries, "dead");
    add(cache.lists, "lists");
    std::vector<std::string> keys;
    keys.reserve(cache.keys.size());
    for (const std::string& key : cache.keys) {
        keys.push_back(clean_line(key));
    }
    return {.label = clean_line(cache.catalog) +
                     (keys.empty() ? "" : fmt::format(" ({})", joined(keys))),
            .detail = joined(details),
            .count = cache.entries + cache.negative_entries + cache.dead_entries,
            .bytes = cache.bytes};
}

ExplainedRow row_of_relation(const CachedRelation& relation) {
    return {
        .label = relation.schema
                     ? fmt::format("{}.{}", clean_line(*relation.schema), clean_line(relation.name))
                     : clean_line(relation.name),
        .detail = fmt::format(
            "{} {}{}", kind_text(relation.kind), relation.oid, relation.valid ? "" : ", invalid"),
        .count = 1,
        .bytes = relation.bytes};
}

ExplainedRow row_of_statement(const PreparedStatement& statement) {
    return {.label = fmt::format("{}: {}", clean_line(statement.name), clean_line(statement.query)),
            .detail = statement.generic ? "generic plan" : "",
            .count = 1,
            .bytes = statement.bytes};
}

ExplainedRow row_of_plan(const KeptPlan& plan) {
    return {.label = clean_line(plan.query),
            .detail = clean_line(plan.owner) + (plan.generic ? ", generic plan" : ""),
            .count = 1,
            .bytes = plan.bytes};
}

ExplainedRow row_of_portal(const OpenPortal& portal) {
    return {.label = portal.name.empty() ? "(unnamed)" : clean_line(portal.name),
            .detail = portal.held ? "held" : "",
            .count = 1,
            .bytes = portal.bytes};
}

}  // namespace

std::vector<ExplainedSection> explained_sections(const Explanation& explanation) {
    std::vector<ExplainedSection> all;
    all.push_back(
        section("Catalog caches", "entries", rows_of(explanation.catalog_caches, row_of_cache)));
    all.push_back(
        section("Relation cache", "relations", rows_of(explanation.relations, row_of_relation)));
    all.push_back(section("Prepared statements",
                          "statements",
                          rows_of(explanation.prepared_statements, row_of_statement)));
    all.push_back(section("Cached plans of functions and SPI",
                          "plans",
                          rows_of(explanation.kept_plans, row_of_plan)));
    all.push_back(section("Portals", "portals", rows_of(explanation.portals, row_of_portal)));
    all.push_back(section("Functions in PL/pgSQL",
                          "functions",
                          rows_of(explanation.functions, [](const CompiledFunction& function) {
                              return ExplainedRow{.label = clean_line(function.signature),
                                                  .count = 1,
                                                  .bytes = function.bytes};
                          })));
    all.push_back(section(
        "Hash tables", "entries", rows_of(explanation.hash_tables, [](const HashTable& table) {
            return ExplainedRow{
                .label = clean_line(table.name), .count = table.entries, .bytes = table.bytes};
        })));
    for (const ChunkSizes& chunks : explanation.chunks) {
        all.push_back(section(
            "Chunks of " + clean_line(explanation.snapshot.tree.name_path(chunks.context)),
            "chunks",
            rows_of(chunks.sizes, [](const ChunkSize& size) {
                return ExplainedRow{.label = fmt::format("of {} bytes", count_text(size.size)),
                                    .count = size.chunks,
                                    .bytes = size.size * size.chunks};
            })));
    }
    std::erase_if(all, [](const ExplainedSection& section) { return section.rows.empty(); });
    return all;
}

}  // namespace palloscope
