#include "inspector/model/explanation_json.hpp"

#include <cmath>
#include <stdexcept>
#include <vector>

#include <nlohmann/json.hpp>

#include "inspector/model/json_text.hpp"
#include "inspector/model/process_json.hpp"
#include "inspector/model/time_text.hpp"

namespace palloscope {

namespace {

using Json = nlohmann::ordered_json;

// No process has 16 TiB, nor as many of anything; sums of less cannot overflow.
constexpr std::int64_t kMaxFigure = std::int64_t{1} << 44U;

template <typename Items, typename ToJson>
Json array_of(const Items& items, ToJson to_json) {
    Json array = Json::array();
    for (const auto& item : items) {
        array.push_back(to_json(item));
    }
    return array;
}

// What reads a member throws where it is missing or of another type: json::exception, or
// std::out_of_range where its value is impossible.

template <typename FromJson>
auto items_of(const Json& object, const char* name, FromJson from_json) {
    std::vector<decltype(from_json(object))> items;
    for (const Json& item : object.at(name)) {
        items.push_back(from_json(item));
    }
    return items;
}

// Of a member that explanations have since a later version of ours.
template <typename FromJson>
auto later_items_of(const Json& object, const char* name, FromJson from_json) {
    return object.contains(name) ? items_of(object, name, from_json)
                                 : decltype(items_of(object, name, from_json)){};
}

std::string text_of(const Json& object, const char* name) {
    return object.at(name).get<std::string>();
}

std::int64_t figure_of(const Json& object, const char* name) {
    const auto figure = object.at(name).get<std::int64_t>();
    if (figure < -kMaxFigure || figure > kMaxFigure) {
        throw std::out_of_range(name);
    }
    return figure;
}

Json texts_json(const std::vector<std::string>& texts) {
    return array_of(texts, [](const std::string& text) { return json_text(text); });
}

Json catalog_cache_json(const CatalogCache& cache) {
    Json object = {{"catalog", json_text(cache.catalog)},
                   {"keys", texts_json(cache.keys)},
                   {"entries", cache.entries},
                   {"negative_entries", cache.negative_entries},
                   {"dead_entries", cache.dead_entries},
                   {"lists", cache.lists},
                   {"bytes", cache.bytes}};
    if (!cache.samples.empty()) {
        object["samples"] = array_of(cache.samples, [](const SampleKeys& sample) -> Json {
            return {{"negative", sample.negative}, {"keys", texts_json(sample.keys)}};
        });
    }
    return object;
}

CatalogCache catalog_cache_from(const Json& object) {
    return {.catalog = text_of(object, "catalog"),
            .keys = object.at("keys").get<std::vector<std::string>>(),
            .entries = figure_of(object, "entries"),
            .negative_entries = figure_of(object, "negative_entries"),
            .dead_entries = figure_of(object, "dead_entries"),
            .lists = figure_of(object, "lists"),
            .bytes = figure_of(object, "bytes")};
}

Json relation_json(const CachedRelation& relation) {
    return {{"oid", relation.oid},
            {"name", json_text(relation.name)},
            {"schema", relation.schema ? Json(json_text(*relation.schema)) : Json()},
            {"kind", json_text(std::string_view(&relation.kind, 1))},
            {"valid", relation.valid},
            {"temporary", relation.temporary},
            {"dropped", relation.dropped},
            {"bytes", relation.bytes}};
}

CachedRelation relation_from(const Json& object) {
    const std::string kind = text_of(object, "kind");
    return {.oid = object.at("oid").get<std::uint32_t>(),
            .name = text_of(object, "name"),
            .schema = object.at("schema").is_null() ? std::nullopt
                                                    : std::optional(text_of(object, "schema")),
            .kind = kind.empty() ? ' ' : kind.front(),
            .valid = object.at("valid").get<bool>(),
            .temporary = object.value("temporary", false),
            .dropped = object.value("dropped", false),
            .bytes = figure_of(object, "bytes")};
}

Json prepared_json(const PreparedStatement& statement) {
    return {{"name", json_text(statement.name)},
            {"query", json_text(statement.query)},
            {"from_sql", statement.from_sql},
            {"prepared_at", iso_time_text(statement.prepared_at_ns)},
            {"generic", statement.generic},
            {"bytes", statement.bytes},
            {"used_bytes", statement.used_bytes}};
}

PreparedStatement prepared_from(const Json& object) {
    return {.name = text_of(object, "name"),
            .query = text_of(object, "query"),
            .from_sql = object.at("from_sql").get<bool>(),
            .prepared_at_ns = unix_ns_from_iso_time(text_of(object, "prepared_at")).value_or(0),
            .generic = object.at("generic").get<bool>(),
            .bytes = figure_of(object, "bytes"),
            .used_bytes = object.contains("used_bytes") ? figure_of(object, "used_bytes") : 0};
}

Json plan_json(const KeptPlan& plan) {
    return {{"query", json_text(plan.query)},
            {"owner", json_text(plan.owner)},
            {"generic", plan.generic},
            {"bytes", plan.bytes}};
}

KeptPlan plan_from(const Json& object) {
    return {.query = text_of(object, "query"),
            .owner = text_of(object, "owner"),
            .generic = object.at("generic").get<bool>(),
            .bytes = figure_of(object, "bytes")};
}

Json portal_json(const OpenPortal& portal) {
    return {{"name", json_text(portal.name)}, {"held", portal.held}, {"bytes", portal.bytes}};
}

OpenPortal portal_from(const Json& object) {
    return {.name = text_of(object, "name"),
            .held = object.at("held").get<bool>(),
            .bytes = figure_of(object, "bytes")};
}

Json function_json(const CompiledFunction& function) {
    return {{"signature", json_text(function.signature)}, {"bytes", function.bytes}};
}

CompiledFunction function_from(const Json& object) {
    return {.signature = text_of(object, "signature"), .bytes = figure_of(object, "bytes")};
}

Json setting_json(const SessionSetting& setting) {
    return {{"name", json_text(setting.name)},
            {"placeholder", setting.placeholder},
            {"bytes", setting.bytes}};
}

SessionSetting setting_from(const Json& object) {
    return {.name = text_of(object, "name"),
            .placeholder = object.at("placeholder").get<bool>(),
            .bytes = figure_of(object, "bytes")};
}

Json channel_json(const ListenedChannel& channel) {
    return {{"name", json_text(channel.name)}, {"bytes", channel.bytes}};
}

ListenedChannel channel_from(const Json& object) {
    return {.name = text_of(object, "name"), .bytes = figure_of(object, "bytes")};
}

Json invalidations_json(const PendingInvalidations& pending) {
    return {{"kind", json_text(pending.kind)},
            {"messages", pending.messages},
            {"bytes", pending.bytes}};
}

PendingInvalidations invalidations_from(const Json& object) {
    return {.kind = text_of(object, "kind"),
            .messages = figure_of(object, "messages"),
            .bytes = figure_of(object, "bytes")};
}

Json table_json(const HashTable& table) {
    return {{"name", json_text(table.name)}, {"entries", table.entries}, {"bytes", table.bytes}};
}

HashTable table_from(const Json& object) {
    return {.name = text_of(object, "name"),
            .entries = figure_of(object, "entries"),
            .bytes = figure_of(object, "bytes")};
}

Json accounting_json(const Accounting& accounting) {
    return {{"rss_anon_bytes", accounting.rss_anon_bytes},
            {"items",
             array_of(accounting.items,
                      [](const AccountItem& item) -> Json {
                          return {{"id", item.id}, {"bytes", item.bytes}};
                      })},
            {"unexplained_bytes", accounting.unexplained_bytes},
            {"swap_bytes", accounting.swap_bytes}};
}

Accounting accounting_from(const Json& object) {
    return {.rss_anon_bytes = figure_of(object, "rss_anon_bytes"),
            .items = items_of(object,
                              "items",
                              [](const Json& item) {
                                  return AccountItem{.id = text_of(item, "id"),
                                                     .bytes = figure_of(item, "bytes")};
                              }),
            .unexplained_bytes = figure_of(object, "unexplained_bytes"),
            .swap_bytes = object.contains("swap_bytes") ? figure_of(object, "swap_bytes") : 0};
}

Json unavailable_json(const UnavailablePart& part) {
    return {{"part", json_text(part.part)}, {"reason", json_text(part.reason)}};
}

UnavailablePart unavailable_from(const Json& object) {
    return {.part = text_of(object, "part"), .reason = text_of(object, "reason")};
}

Json chunks_json(const ContextTree& tree, const ChunkSizes& chunks) {
    return {{"path", json_text(tree.name_path(chunks.context))},
            {"sizes", array_of(chunks.sizes, [](const ChunkSize& size) -> Json {
                 return {{"size", size.size}, {"chunks", size.chunks}};
             })}};
}

// Adds to `object` what the explanation says beyond its snapshot.
void add_explained(const Explanation& explanation, Json& object) {
    object["catcaches"] = array_of(explanation.catalog_caches, catalog_cache_json);
    object["relations"] = array_of(explanation.relations, relation_json);
    object["prepared_statements"] = array_of(explanation.prepared_statements, prepared_json);
    object["cached_plans"] = array_of(explanation.kept_plans, plan_json);
    object["portals"] = array_of(explanation.portals, portal_json);
    object["functions"] = array_of(explanation.functions, function_json);
    object["settings"] = array_of(explanation.settings, setting_json);
    object["listened_channels"] = array_of(explanation.channels, channel_json);
    object["pending_invalidations"] =
        array_of(explanation.pending_invalidations, invalidations_json);
    object["temporary_files"] = {{"files", explanation.temporary_files.files},
                                 {"bytes", explanation.temporary_files.bytes}};
    object["locks"] = explanation.locks ? Json{{"entries", explanation.locks->entries},
                                               {"bytes", explanation.locks->bytes}}
                                        : Json();
    object["hash_tables"] = array_of(explanation.hash_tables, table_json);
    object["cache_memory_context"] = {
        {"used_bytes", explanation.cache_memory_used_bytes},
        {"attributed_bytes", explanation.cache_memory_attributed_bytes}};
    object["accounting"] =
        explanation.accounting ? accounting_json(*explanation.accounting) : Json();
    object["trim"] = explanation.trim_would_return_bytes
                         ? Json{{"would_return_bytes", *explanation.trim_would_return_bytes}}
                         : Json();
    object["unavailable"] = array_of(explanation.unavailable, unavailable_json);
}

Explanation explained_from(const Json& object) {
    Explanation explanation{
        .catalog_caches = items_of(object, "catcaches", catalog_cache_from),
        .relations = items_of(object, "relations", relation_from),
        .prepared_statements = items_of(object, "prepared_statements", prepared_from),
        .kept_plans = items_of(object, "cached_plans", plan_from),
        .portals = items_of(object, "portals", portal_from),
        .functions = items_of(object, "functions", function_from),
        .settings = later_items_of(object, "settings", setting_from),
        .channels = later_items_of(object, "listened_channels", channel_from),
        .pending_invalidations =
            later_items_of(object, "pending_invalidations", invalidations_from),
        .hash_tables = items_of(object, "hash_tables", table_from),
        .cache_memory_used_bytes = figure_of(object.at("cache_memory_context"), "used_bytes"),
        .cache_memory_attributed_bytes =
            figure_of(object.at("cache_memory_context"), "attributed_bytes"),
        .unavailable = items_of(object, "unavailable", unavailable_from)};
    if (object.contains("temporary_files")) {
        const Json& files = object.at("temporary_files");
        explanation.temporary_files = {.files = figure_of(files, "files"),
                                       .bytes = figure_of(files, "bytes")};
    }
    if (const Json& locks = object.at("locks"); !locks.is_null()) {
        explanation.locks = {.name = std::string(kLocalLockTable),
                             .entries = figure_of(locks, "entries"),
                             .bytes = figure_of(locks, "bytes")};
    }
    if (const Json& accounting = object.at("accounting"); !accounting.is_null()) {
        explanation.accounting = accounting_from(accounting);
    }
    if (const Json& trim = object.at("trim"); !trim.is_null()) {
        explanation.trim_would_return_bytes = figure_of(trim, "would_return_bytes");
    }
    return explanation;
}

}  // namespace

std::string explanation_json(const Explanation& explanation) {
    const Snapshot& snapshot = explanation.snapshot;
    Json object = {{"schema", "palloscope.explain/1"},
                   {"taken_at", iso_time_text(snapshot.taken_at_ns)},
                   {"method", to_string(snapshot.method)},
                   {"pause_us", std::llround(snapshot.pause_us)},
                   {"server_version_num", snapshot.server_version_num},
                   {"process", Json::parse(process_json(snapshot.process))}};
    add_explained(explanation, object);
    if (!explanation.chunks.empty()) {
        object["chunks"] = array_of(explanation.chunks, [&](const ChunkSizes& chunks) {
            return chunks_json(snapshot.tree, chunks);
        });
    }
    return object.dump();
}

std::string explained_json(const Explanation& explanation) {
    Json object = Json::object();
    add_explained(explanation, object);
    return object.dump();
}

std::optional<Explanation> explanation_from(std::string_view explained_json) {
    try {
        return explained_from(Json::parse(explained_json));
    } catch (const Json::exception&) {
        return std::nullopt;
    } catch (const std::out_of_range&) {
        return std::nullopt;
    }
}

}  // namespace palloscope
