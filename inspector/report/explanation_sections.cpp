#include "inspector/report/explanation_sections.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "inspector/report/clean_text.hpp"
#include "inspector/report/hash_table_words.hpp"
#include "inspector/report/size_text.hpp"
#include "inspector/statements/form.hpp"

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
    rows.reserve(items.size());
    for (const auto& item : items) {
        rows.push_back(to_row(item));
    }
    return rows;
}

std::string cleaned(const std::vector<std::string>& texts) {
    std::vector<std::string> clean;
    clean.reserve(texts.size());
    for (const std::string& text : texts) {
        clean.push_back(clean_line(text));
    }
    return joined(clean);
}

// "(x1, 2200) (x2, 2200)".
std::string samples_text(const CatalogCache& cache, bool negative) {
    std::vector<std::string> samples;
    for (const SampleKeys& sample : cache.samples) {
        if (sample.negative == negative) {
            samples.push_back(fmt::format("({})", cleaned(sample.keys)));
        }
    }
    return fmt::format("{}", fmt::join(samples, " "));
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
    for (const bool negative : {true, false}) {
        if (const std::string samples = samples_text(cache, negative); !samples.empty()) {
            details.push_back((negative ? "negative such as " : "such as ") + samples);
        }
    }
    return {.label = clean_line(cache.catalog) +
                     (cache.keys.empty() ? "" : fmt::format(" ({})", cleaned(cache.keys))),
            .detail = joined(details),
            .count = cache.entries + cache.negative_entries + cache.dead_entries,
            .bytes = cache.bytes};
}

ExplainedRow row_of_relation(const CachedRelation& relation) {
    return {
        .label = relation.schema
                     ? fmt::format("{}.{}", clean_line(*relation.schema), clean_line(relation.name))
                     : clean_line(relation.name),
        .detail = fmt::format("{}{} {}{}",
                              relation.temporary ? "temporary " : "",
                              kind_text(relation.kind),
                              relation.oid,
                              relation.dropped  ? ", dropped"
                              : !relation.valid ? ", invalid"
                                                : ""),
        .count = 1,
        .bytes = relation.bytes};
}

// "relations, 3 temporary, 2 dropped".
std::string counted_relations(const std::vector<CachedRelation>& relations) {
    std::vector<std::string> counted{"relations"};
    const auto add = [&](bool CachedRelation::*member, std::string_view what) {
        if (const auto count = std::ranges::count(relations, true, member); count > 0) {
            counted.push_back(fmt::format("{} {}", count_text(count), what));
        }
    };
    add(&CachedRelation::temporary, "temporary");
    add(&CachedRelation::dropped, "dropped");
    return joined(counted);
}

ExplainedRow row_of_statement(const PreparedStatement& statement) {
    return {.label = fmt::format("{}: {}", clean_line(statement.name), clean_line(statement.query)),
            .detail = statement.generic ? "generic plan" : "",
            .count = 1,
            .bytes = statement.bytes};
}

// Statements of one family become one row: "s1 ... s8000: prepare s* as select ...".
std::vector<ExplainedRow> rows_of_families(const std::vector<PreparedStatement>& statements) {
    std::map<std::pair<std::string, bool>, std::vector<const PreparedStatement*>> families;
    for (const PreparedStatement& statement : statements) {
        families[{statement_form(statement.query).family, statement.generic}].push_back(&statement);
    }
    std::vector<ExplainedRow> rows;
    for (const auto& [family, members] : families) {
        ExplainedRow row = row_of_statement(*members.front());
        if (members.size() > 1) {
            row.label = fmt::format("{} ... {}: {}",
                                    clean_line(members.front()->name),
                                    clean_line(members.back()->name),
                                    clean_line(family.first));
            row.count = std::ssize(members);
            row.bytes = 0;
            for (const PreparedStatement* const member : members) {
                row.bytes += member->bytes;
            }
        }
        rows.push_back(std::move(row));
    }
    return rows;
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

std::vector<ExplainedSection> explained_sections(const Explanation& explanation, Alike alike) {
    std::vector<ExplainedSection> all;
    all.push_back(
        section("Catalog caches", "entries", rows_of(explanation.catalog_caches, row_of_cache)));
    all.push_back(section("Relation cache",
                          counted_relations(explanation.relations),
                          rows_of(explanation.relations, row_of_relation)));
    all.push_back(section("Prepared statements",
                          "statements",
                          alike == Alike::kFolded
                              ? rows_of_families(explanation.prepared_statements)
                              : rows_of(explanation.prepared_statements, row_of_statement)));
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
    all.push_back(section("Settings of the session",
                          "settings",
                          rows_of(explanation.settings, [](const SessionSetting& setting) {
                              return ExplainedRow{
                                  .label = clean_line(setting.name),
                                  .detail = setting.placeholder ? "placeholder" : "",
                                  .count = 1,
                                  .bytes = setting.bytes};
                          })));
    all.push_back(section("Channels listened to",
                          "channels",
                          rows_of(explanation.channels, [](const ListenedChannel& channel) {
                              return ExplainedRow{.label = clean_line(channel.name),
                                                  .count = 1,
                                                  .bytes = channel.bytes};
                          })));
    all.push_back(
        section("Pending invalidations",
                "messages",
                rows_of(explanation.pending_invalidations, [](const PendingInvalidations& pending) {
                    return ExplainedRow{.label = clean_line(pending.kind),
                                        .count = pending.messages,
                                        .bytes = pending.bytes};
                })));
    all.push_back(section(
        "Hash tables", "entries", rows_of(explanation.hash_tables, [](const HashTable& table) {
            return ExplainedRow{.label = clean_line(table.name),
                                .detail = std::string(hash_table_words(table.name)),
                                .count = table.entries,
                                .bytes = table.bytes};
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
