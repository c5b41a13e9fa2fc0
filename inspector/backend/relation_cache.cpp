#include "inspector/backend/relation_cache.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "inspector/backend/chunk_header.hpp"
#include "inspector/backend/layout_of_version.hpp"

namespace palloscope {

namespace {

constexpr std::string_view kPart = "relation cache";
constexpr std::size_t kNameBytes = 64;  // NAMEDATALEN

// RelationData (utils/rel.h) and FormData_pg_class (catalog/pg_class.h), by the first version that
// has them so.
struct RelationLayout {
    int since_version_num;
    MaybeOffset dropped;  // rd_droppedSubid
    Offset rel;           // rd_rel: the row of pg_class
    Offset id;            // rd_id
    Offset name;          // in that row
    Offset namespace_oid;
    Offset kind;
};

constexpr std::array<RelationLayout, 4> kLayouts{{
    {.since_version_num = 100000,
     .dropped = {},
     .rel = 48,
     .id = 64,
     .name = 0,
     .namespace_oid = 64,
     .kind = 111},
    {.since_version_num = 120000,
     .dropped = {},
     .rel = 48,
     .id = 64,
     .name = 4,
     .namespace_oid = 68,
     .kind = 115},
    {.since_version_num = 130000,
     .dropped = 52,
     .rel = 56,
     .id = 72,
     .name = 4,
     .namespace_oid = 68,
     .kind = 115},
    {.since_version_num = 180000,
     .dropped = 52,
     .rel = 56,
     .id = 72,
     .name = 4,
     .namespace_oid = 68,
     .kind = 119},
}};

constexpr Offset kIsValid = 34;        // rd_isvalid
constexpr Offset kRelationBytes = 80;  // as far as it is looked at
constexpr Offset kRowBytes = 120;

using Schemas = std::map<std::uint32_t, std::string>;  // by OID

std::optional<std::string> schema_of(const Schemas& schemas, std::uint32_t oid) {
    // They have the same OID everywhere (catalog/pg_namespace.dat).
    constexpr std::uint32_t kPgCatalog = 11;
    constexpr std::uint32_t kPgToast = 99;
    switch (oid) {
        case kPgCatalog:
            return "pg_catalog";
        case kPgToast:
            return "pg_toast";
        default:
            const auto found = schemas.find(oid);
            return found == schemas.end() ? std::nullopt : std::optional(found->second);
    }
}

// pg_class.relkind: an index, a table, a sequence, …
bool is_kind(char kind) {
    return std::string_view("riSvmtcfpI").find(kind) != std::string_view::npos;
}

std::optional<CachedRelation> read_relation(const StillBackend& backend,
                                            const RelationLayout& layout,
                                            const Schemas& schemas,
                                            std::uint32_t oid,
                                            RemoteAddress address) {
    const auto relation = backend.pages().read<std::array<std::byte, kRelationBytes>>(address);
    if (!relation || value_at<std::uint32_t>(relation->data(), layout.id) != oid) {
        return std::nullopt;
    }
    const RemoteAddress row_address = pointer_at(relation->data(), layout.rel);
    const auto row = backend.pages().read<std::array<std::byte, kRowBytes>>(row_address);
    auto name = backend.pages().read_string(row_address + layout.name, kNameBytes);
    if (!row || !name) {
        return std::nullopt;
    }
    const char kind = value_at<char>(row->data(), layout.kind);
    if (!is_kind(kind)) {
        return std::nullopt;
    }
    return CachedRelation{
        .oid = oid,
        .name = std::move(*name),
        .schema = schema_of(schemas, value_at<std::uint32_t>(row->data(), layout.namespace_oid)),
        .kind = kind,
        .valid = value_at<std::uint8_t>(relation->data(), kIsValid) != 0,
        // relpersistence stands before relkind in every version.
        .temporary = value_at<char>(row->data(), layout.kind - 1) == 't',
        .dropped =
            layout.dropped && value_at<std::uint32_t>(relation->data(), *layout.dropped) != 0};
}

}  // namespace

std::vector<CachedRelation> read_relation_cache(const StillBackend& backend,
                                                std::span<const DynamicHash> tables,
                                                const Schemas& schemas,
                                                CacheMemory& memory,
                                                std::vector<UnavailablePart>& unavailable) {
    const auto layout = layout_of_version(kLayouts, backend.version());
    const auto table = std::ranges::find(tables, "Relcache by OID", &DynamicHash::name);
    if (table == tables.end() || !layout) {
        unavailable.push_back(
            {.part = std::string(kPart), .reason = "its hash table was not found"});
        return {};
    }
    // RelIdCacheEnt: reloid, reldesc.
    constexpr Offset kDescription = 8;
    std::vector<std::pair<RemoteAddress, CachedRelation>> found;
    std::size_t unlike = 0;
    const auto walked = for_each_entry(backend, *table, [&](RemoteAddress entry) {
        const auto oid = backend.pages().read<std::uint32_t>(entry);
        const auto address = backend.pages().read<RemoteAddress>(entry + kDescription);
        auto relation = oid && address ? read_relation(backend, *layout, schemas, *oid, *address)
                                       : std::nullopt;
        if (relation) {
            found.emplace_back(*address, std::move(*relation));
        } else {
            ++unlike;
        }
    });
    if (!walked) {
        unavailable.push_back({.part = std::string(kPart), .reason = walked.error().message});
        return {};
    }
    if (unlike > 0) {
        unavailable.push_back(
            {.part = std::string(kPart),
             .reason = fmt::format(
                 "{} of {} entries are not as this version's", unlike, table->entries)});
    }
    // First all heads, so that no entry takes another one's.
    for (auto& [address, relation] : found) {
        relation.bytes = memory.claim_at(address);
    }
    std::vector<CachedRelation> relations;
    for (auto& [address, relation] : found) {
        if (const auto chunk = memory.chunks().starting_at(address)) {
            relation.bytes += memory.claim_reachable(*chunk);
        }
        relations.push_back(std::move(relation));
    }
    std::ranges::stable_sort(relations, std::ranges::greater{}, &CachedRelation::bytes);
    return relations;
}

}  // namespace palloscope
