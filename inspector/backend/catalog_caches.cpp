#include "inspector/backend/catalog_caches.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "inspector/backend/cached_schema.hpp"
#include "inspector/backend/catalog_cache_layout.hpp"
#include "inspector/backend/catalog_keys.hpp"
#include "inspector/backend/chunk_header.hpp"
#include "inspector/backend/layout_of_version.hpp"

namespace palloscope {

namespace {

constexpr Offset kMaxKeys = 4;    // CATCACHE_MAXKEYS
constexpr int kMaxCaches = 1000;  // there are 77 to 85
// Objects that initdb made have lower OIDs (access/transam.h, FirstNormalObjectId).
constexpr std::uint32_t kFirstNormalOid = 16384;
constexpr std::size_t kNameBytes = 64;  // NAMEDATALEN
// What a cache is called that was never used: it has no columns either (InitCatCache).
constexpr std::string_view kNotUsedYet = "(not known yet)";
constexpr std::int16_t kOidColumn = -2;  // ObjectIdAttributeNumber, up to 11

// sizeof(CatCache) is larger, but for 10.
constexpr std::size_t kCacheBytes = 432;
using CacheBytes = std::array<std::byte, kCacheBytes>;

struct FoundCache {
    CatalogCache cache;
    std::vector<std::uint32_t> key_types;  // OIDs, as cache.keys
    std::int64_t counted = 0;              // by the server
    RemoteAddress next;
};

class Reader {
  public:
    Reader(const StillBackend& backend, CacheMemory& memory, std::size_t samples)
        : backend_(backend),
          memory_(memory),
          samples_(static_cast<std::int64_t>(samples)),
          layout_(layout_of_version(kCatalogCacheLayouts, backend.version())
                      .value_or(kCatalogCacheLayouts.front())) {}

    CatalogCaches read(std::vector<UnavailablePart>& unavailable) {
        const std::vector<Chunk>& chunks = memory_.chunks().chunks();
        for (std::size_t i = 0; i < chunks.size(); ++i) {
            const std::span<const std::byte> bytes = memory_.chunks().bytes_of(i);
            if (bytes.size() >= layout_.entry_bytes &&
                value_at<std::uint32_t>(bytes.data(), layout_.entry_magic) == kCatalogEntryMagic) {
                add_entry(i, bytes.data());
            } else if (bytes.size() >= layout_.list_bytes &&
                       value_at<std::uint32_t>(bytes.data(), layout_.list_magic) ==
                           kCatalogListMagic) {
                add_list(i, bytes.data());
            }
        }
        find_empty_ones();
        if (samples_ > 0 && !layout_.entry_keys) {
            unavailable.push_back({.part = "keys of catalog caches",
                                   .reason = "PostgreSQL 10 has them in the rows themselves"});
        }
        return {.caches = finished(unavailable), .schemas = std::move(schemas_)};
    }

  private:
    struct Column {
        std::string name;
        std::uint32_t type = 0;  // its OID
    };

    // Null where there is none.
    FoundCache* cache_at(RemoteAddress address) {
        const auto [place, is_new] = caches_.try_emplace(address.value);
        if (is_new && caches_.size() <= kMaxCaches) {
            place->second = read_cache(address);
        }
        return place->second ? &*place->second : nullptr;
    }

    [[nodiscard]] std::optional<FoundCache> read_cache(RemoteAddress address) {
        const auto read = backend_.pages().read<CacheBytes>(address);
        if (!read || !memory_.chunks().holding(address)) {
            return std::nullopt;
        }
        const std::byte* const bytes = read->data();
        const auto id = value_at<std::int32_t>(bytes, 0);
        const auto nkeys = value_at<std::uint32_t>(bytes, layout_.nkeys);
        const auto ntup = value_at<std::int32_t>(bytes, layout_.ntup);
        const auto reloid = value_at<std::uint32_t>(bytes, layout_.reloid);
        if (id < 0 || id >= kMaxCaches || nkeys < 1 || nkeys > kMaxKeys || ntup < 0 ||
            reloid == 0 || reloid >= kFirstNormalOid) {
            return std::nullopt;
        }
        FoundCache found{.counted = ntup, .next = pointer_at(bytes, layout_.next)};
        const RemoteAddress name = pointer_at(bytes, layout_.relname);
        const RemoteAddress columns = pointer_at(bytes, layout_.tupdesc);
        auto catalog = backend_.pages().read_string(name, kNameBytes);
        if (!catalog || (*catalog != kNotUsedYet && !catalog->starts_with("pg_"))) {
            return std::nullopt;
        }
        found.cache.catalog = std::move(*catalog);
        for (Offset key = 0; key < nkeys && !columns.is_null(); ++key) {
            const auto number =
                static_cast<std::int16_t>(value_at<std::int32_t>(bytes, layout_.keyno + key * 4U));
            if (auto column = read_column(columns, reloid, number)) {
                found.cache.keys.push_back(std::move(column->name));
                found.key_types.push_back(column->type);
            }
        }
        found.cache.bytes = memory_.claim_holding(address) + memory_.claim_holding(name) +
                            memory_.claim_at(pointer_at(bytes, layout_.bucket));
        if (layout_.list_buckets) {
            found.cache.bytes += memory_.claim_at(pointer_at(bytes, *layout_.list_buckets));
        }
        descriptions_.emplace_back(address, columns);
        return found;
    }

    // Of FormData_pg_attribute (catalog/pg_attribute.h): attrelid, attname, atttypid, …; its size
    // varies from version to version, and is told by where the next column of the same relation
    // begins.
    [[nodiscard]] std::optional<Column> read_column(RemoteAddress description,
                                                    std::uint32_t reloid,
                                                    std::int16_t number) const {
        constexpr Offset kNameAt = 4;
        constexpr Offset kTypeAt = kNameAt + kNameBytes;
        constexpr std::uint32_t kOidType = 26;
        if (number == kOidColumn) {
            return Column{.name = "oid", .type = kOidType};
        }
        const auto natts = backend_.pages().read<std::int32_t>(description);
        if (!natts || number < 1 || number > *natts) {
            return std::nullopt;
        }
        RemoteAddress column;
        if (layout_.columns_by_pointer) {
            const auto columns =
                backend_.pages().read<RemoteAddress>(description + layout_.columns);
            const auto pointer = columns.and_then([&](RemoteAddress first) {
                return backend_.pages().read<RemoteAddress>(
                    first + static_cast<std::uint64_t>(number - 1) * sizeof(std::uint64_t));
            });
            column = pointer.value_or(RemoteAddress{});
        } else {
            const RemoteAddress first =
                description + layout_.columns +
                static_cast<std::uint64_t>(*natts) * layout_.compact_column_bytes;
            const auto size = *natts > 1 ? column_bytes(first, reloid) : std::optional<Offset>(0);
            if (!size) {
                return std::nullopt;
            }
            column = first + static_cast<std::uint64_t>(number - 1) * *size;
        }
        const auto relation = backend_.pages().read<std::uint32_t>(column);
        if (!relation || *relation != reloid) {
            return std::nullopt;
        }
        auto name = backend_.pages().read_string(column + kNameAt, kNameBytes);
        const auto type = backend_.pages().read<std::uint32_t>(column + kTypeAt);
        return name && type ? std::optional(Column{.name = std::move(*name), .type = *type})
                            : std::nullopt;
    }

    [[nodiscard]] std::optional<Offset> column_bytes(RemoteAddress first,
                                                     std::uint32_t reloid) const {
        constexpr Offset kLeast = 80;
        constexpr Offset kMost = 160;
        for (Offset size = kLeast; size <= kMost; size += sizeof(std::uint32_t)) {
            const auto relation = backend_.pages().read<std::uint32_t>(first + size);
            const auto letter = backend_.pages().read<char>(first + size + sizeof(std::uint32_t));
            if (relation && letter && *relation == reloid && *letter >= 'a' && *letter <= 'z') {
                return size;
            }
        }
        return std::nullopt;
    }

    void add_entry(std::size_t chunk, const std::byte* bytes) {
        FoundCache* const found = cache_at(pointer_at(bytes, layout_.entry_cache));
        const auto dead = value_at<std::uint8_t>(bytes, layout_.entry_dead);
        const auto negative = value_at<std::uint8_t>(bytes, layout_.entry_negative);
        if (found == nullptr || dead > 1 || negative > 1) {
            return;
        }
        CatalogCache& cache = found->cache;
        ++(dead != 0 ? cache.dead_entries : negative != 0 ? cache.negative_entries : cache.entries);
        cache.bytes += memory_.claim(chunk);
        const RemoteAddress row = pointer_at(bytes, layout_.entry_row);
        if (layout_.row_apart) {
            cache.bytes += memory_.claim_at(row);
        }
        if (cache.catalog == "pg_namespace" && dead == 0 && negative == 0) {
            add_schema(row);
        }
        if (layout_.entry_keys && negative != 0) {
            cache.bytes += claim_keys(bytes, *layout_.entry_keys);
        }
        const std::int64_t alike = negative != 0 ? cache.negative_entries : cache.entries;
        if (layout_.entry_keys && dead == 0 && alike <= samples_) {
            cache.samples.push_back(sample_of(*found, bytes, negative != 0));
        }
    }

    void add_schema(RemoteAddress row) {
        if (auto schema = cached_schema(backend_.pages(), backend_.version(), row)) {
            schemas_.insert(std::move(*schema));
        }
    }

    [[nodiscard]] SampleKeys sample_of(const FoundCache& found,
                                       const std::byte* bytes,
                                       bool negative) const {
        SampleKeys sample{.negative = negative, .keys = {}};
        for (std::size_t key = 0; key < found.key_types.size(); ++key) {
            const auto at = static_cast<Offset>(*layout_.entry_keys + key * sizeof(std::uint64_t));
            sample.keys.push_back(catalog_key_text(
                backend_.pages(), found.key_types[key], value_at<std::uint64_t>(bytes, at)));
        }
        return sample;
    }

    void add_list(std::size_t chunk, const std::byte* bytes) {
        FoundCache* const found = cache_at(pointer_at(bytes, layout_.list_cache));
        if (found == nullptr) {
            return;
        }
        ++found->cache.lists;
        found->cache.bytes += memory_.claim(chunk);
        if (layout_.list_tuple) {
            found->cache.bytes += memory_.claim_at(pointer_at(bytes, *layout_.list_tuple));
        }
        if (layout_.list_keys) {
            found->cache.bytes += claim_keys(bytes, *layout_.list_keys);
        }
    }

    // Keys that are pointers are chunks of their own.
    std::int64_t claim_keys(const std::byte* bytes, Offset keys) {
        std::int64_t claimed = 0;
        for (Offset key = 0; key < kMaxKeys; ++key) {
            claimed += memory_.claim_at(pointer_at(bytes, keys + key * 8U));
        }
        return claimed;
    }

    void find_empty_ones() {
        std::vector<RemoteAddress> to_follow;
        for (const auto& [address, found] : caches_) {
            if (found) {
                to_follow.push_back(found->next);
            }
        }
        while (!to_follow.empty() && caches_.size() <= kMaxCaches) {
            const RemoteAddress link = to_follow.back();
            to_follow.pop_back();
            if (link.value <= layout_.next || caches_.contains(link.value - layout_.next)) {
                continue;
            }
            const FoundCache* const found = cache_at({link.value - layout_.next});
            if (found != nullptr) {
                to_follow.push_back(found->next);
            }
        }
    }

    std::vector<CatalogCache> finished(std::vector<UnavailablePart>& unavailable) {
        // What hangs on the columns' descriptions, once all entries are claimed.
        for (const auto& [address, columns] : descriptions_) {
            const auto chunk = memory_.chunks().starting_at(columns);
            if (chunk && !memory_.is_claimed(*chunk)) {
                caches_.at(address.value)->cache.bytes += memory_.claim_reachable(*chunk);
            }
        }
        std::vector<CatalogCache> result;
        CatalogCache unused{.catalog = std::string(kNotUsedYet), .keys = {}};
        for (auto& [address, found] : caches_) {
            if (!found) {
                continue;
            }
            CatalogCache& cache = found->cache;
            if (cache.catalog == kNotUsedYet) {
                unused.bytes += cache.bytes;
                continue;
            }
            const std::int64_t entries =
                cache.entries + cache.negative_entries + cache.dead_entries;
            if (entries != found->counted) {
                unavailable.push_back(
                    {.part = "catalog cache of " + cache.catalog,
                     .reason = fmt::format(
                         "it counts {} entries, and {} were found", found->counted, entries)});
                continue;
            }
            result.push_back(std::move(cache));
        }
        if (unused.bytes > 0) {
            result.push_back(std::move(unused));
        }
        std::ranges::stable_sort(result, std::ranges::greater{}, &CatalogCache::bytes);
        return result;
    }

    const StillBackend& backend_;
    CacheMemory& memory_;
    std::int64_t samples_;
    CatalogCacheLayout layout_;
    std::map<std::uint64_t, std::optional<FoundCache>>
        caches_;  // by address; none where it is none
    std::vector<std::pair<RemoteAddress, RemoteAddress>>
        descriptions_;  // cache, its tuple descriptor
    std::map<std::uint32_t, std::string> schemas_;
};

}  // namespace

CatalogCaches read_catalog_caches(const StillBackend& backend,
                                  CacheMemory& memory,
                                  std::size_t samples,
                                  std::vector<UnavailablePart>& unavailable) {
    return Reader(backend, memory, samples).read(unavailable);
}

}  // namespace palloscope
