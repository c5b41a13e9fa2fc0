#include "inspector/report/explanation_json.hpp"

#include <cmath>
#include <string_view>

#include <nlohmann/json.hpp>

#include "inspector/model/time_text.hpp"
#include "inspector/report/clean_text.hpp"
#include "inspector/report/process_json.hpp"

namespace palloscope {

namespace {

using Json = nlohmann::ordered_json;

template <typename Items, typename ToJson>
Json array_of(const Items& items, ToJson to_json) {
    Json array = Json::array();
    for (const auto& item : items) {
        array.push_back(to_json(item));
    }
    return array;
}

Json catalog_cache_json(const CatalogCache& cache) {
    return {{"catalog", json_text(cache.catalog)},
            {"keys", array_of(cache.keys, [](const std::string& key) { return json_text(key); })},
            {"entries", cache.entries},
            {"negative_entries", cache.negative_entries},
            {"dead_entries", cache.dead_entries},
            {"lists", cache.lists},
            {"bytes", cache.bytes}};
}

Json relation_json(const CachedRelation& relation) {
    return {{"oid", relation.oid},
            {"name", json_text(relation.name)},
            {"schema", relation.schema ? Json(json_text(*relation.schema)) : Json()},
            {"kind", std::string(1, relation.kind)},
            {"valid", relation.valid},
            {"bytes", relation.bytes}};
}

Json prepared_json(const PreparedStatement& statement) {
    return {{"name", json_text(statement.name)},
            {"query", json_text(statement.query)},
            {"from_sql", statement.from_sql},
            {"prepared_at", iso_time_text(statement.prepared_at_ns)},
            {"generic", statement.generic},
            {"bytes", statement.bytes}};
}

Json plan_json(const KeptPlan& plan) {
    return {{"query", json_text(plan.query)},
            {"owner", json_text(plan.owner)},
            {"generic", plan.generic},
            {"bytes", plan.bytes}};
}

Json portal_json(const OpenPortal& portal) {
    return {{"name", json_text(portal.name)}, {"held", portal.held}, {"bytes", portal.bytes}};
}

Json function_json(const CompiledFunction& function) {
    return {{"signature", json_text(function.signature)}, {"bytes", function.bytes}};
}

Json table_json(const HashTable& table) {
    return {{"name", json_text(table.name)}, {"entries", table.entries}, {"bytes", table.bytes}};
}

Json accounting_json(const Accounting& accounting) {
    return {{"rss_anon_bytes", accounting.rss_anon_bytes},
            {"items",
             array_of(accounting.items,
                      [](const AccountItem& item) -> Json {
                          return {{"id", item.id}, {"bytes", item.bytes}};
                      })},
            {"unexplained_bytes", accounting.unexplained_bytes}};
}

Json chunks_json(const ContextTree& tree, const ChunkSizes& chunks) {
    return {{"path", json_text(tree.name_path(chunks.context))},
            {"sizes", array_of(chunks.sizes, [](const ChunkSize& size) -> Json {
                 return {{"size", size.size}, {"chunks", size.chunks}};
             })}};
}

}  // namespace

std::string explanation_json(const Explanation& explanation) {
    const Snapshot& snapshot = explanation.snapshot;
    Json object = {
        {"schema", "palloscope.explain/1"},
        {"taken_at", iso_time_text(snapshot.taken_at_ns)},
        {"method", to_string(snapshot.method)},
        {"pause_us", std::llround(snapshot.pause_us)},
        {"server_version_num", snapshot.server_version_num},
        {"process", Json::parse(process_json(snapshot.process))},
        {"catcaches", array_of(explanation.catalog_caches, catalog_cache_json)},
        {"relations", array_of(explanation.relations, relation_json)},
        {"prepared_statements", array_of(explanation.prepared_statements, prepared_json)},
        {"cached_plans", array_of(explanation.kept_plans, plan_json)},
        {"portals", array_of(explanation.portals, portal_json)},
        {"functions", array_of(explanation.functions, function_json)},
        {"locks",
         explanation.locks
             ? Json{{"entries", explanation.locks->entries}, {"bytes", explanation.locks->bytes}}
             : Json()},
        {"hash_tables", array_of(explanation.hash_tables, table_json)},
        {"cache_memory_context",
         {{"used_bytes", explanation.cache_memory_used_bytes},
          {"attributed_bytes", explanation.cache_memory_attributed_bytes}}},
        {"accounting", explanation.accounting ? accounting_json(*explanation.accounting) : Json()},
        {"trim",
         explanation.trim_would_return_bytes
             ? Json{{"would_return_bytes", *explanation.trim_would_return_bytes}}
             : Json()},
        {"unavailable", array_of(explanation.unavailable, [](const UnavailablePart& part) -> Json {
             return {{"part", json_text(part.part)}, {"reason", json_text(part.reason)}};
         })}};
    if (!explanation.chunks.empty()) {
        object["chunks"] = array_of(explanation.chunks, [&](const ChunkSizes& chunks) {
            return chunks_json(snapshot.tree, chunks);
        });
    }
    return object.dump();
}

}  // namespace palloscope
