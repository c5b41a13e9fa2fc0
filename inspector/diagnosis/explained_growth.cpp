#include "inspector/diagnosis/explained_growth.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inspector/diagnosis/readable.hpp"

namespace palloscope {

namespace {

using Kind = GrownPart::Kind;
using Key = std::pair<Kind, std::string>;

struct Sum {
    std::int64_t count = 0;
    std::int64_t bytes = 0;
};

// More than these tell a reader nothing.
constexpr std::size_t kMostParts = 5;
// Nor does a part with less than this share of the largest one's growth.
constexpr std::int64_t kLeastShareOfLargest = 20;

class Sums {
  public:
    // Adds what an explanation holds, `sign` times.
    void add(const Explanation& explanation, int sign) {
        for (const CatalogCache& cache : explanation.catalog_caches) {
            const std::string name = cache_name(cache);
            add(Kind::kCatalogCache, name, cache.entries, cache.bytes, sign);
            add(Kind::kNegativeEntries, name, cache.negative_entries, cache.bytes, sign);
        }
        for (const CachedRelation& relation : explanation.relations) {
            add(Kind::kRelations, "", 1, relation.bytes, sign);
        }
        for (const PreparedStatement& statement : explanation.prepared_statements) {
            add(Kind::kPreparedStatement, statement.query, 1, statement.bytes, sign);
        }
        for (const KeptPlan& plan : explanation.kept_plans) {
            add(Kind::kPlan, plan.query, 1, plan.bytes, sign);
        }
        for (const CompiledFunction& function : explanation.functions) {
            add(Kind::kFunction, function.signature, 1, function.bytes, sign);
        }
        for (const OpenPortal& portal : explanation.portals) {
            if (portal.held) {
                add(Kind::kHeldCursor, "", 1, portal.bytes, sign);
            }
        }
        for (const ListenedChannel& channel : explanation.channels) {
            add(Kind::kChannel, "", 1, channel.bytes, sign);
        }
        for (const SessionSetting& setting : explanation.settings) {
            add(Kind::kSetting, "", 1, setting.bytes, sign);
        }
        for (const HashTable& table : explanation.hash_tables) {
            add(Kind::kHashTable, table.name, table.entries, table.bytes, sign);
        }
    }

    [[nodiscard]] std::vector<GrownPart> grown() const {
        std::vector<GrownPart> parts;
        for (const auto& [key, sum] : sums_) {
            if (sum.count > 0 && sum.bytes > 0 && !tells_less(key, sum)) {
                parts.push_back({.kind = key.first,
                                 .name = key.second,
                                 .count = sum.count,
                                 .bytes = sum.bytes});
            }
        }
        std::ranges::stable_sort(parts, std::ranges::greater(), &GrownPart::bytes);
        return parts;
    }

  private:
    static std::string cache_name(const CatalogCache& cache) {
        return cache.keys.empty()
                   ? cache.catalog
                   : fmt::format("{} ({})", cache.catalog, fmt::join(cache.keys, ", "));
    }

    void add(Kind kind, std::string name, std::int64_t count, std::int64_t bytes, int sign) {
        Sum& sum = sums_[{kind, std::move(name)}];
        sum.count += sign * count;
        sum.bytes += sign * bytes;
    }

    // Of a cache's two counts, the larger one stands for its growth.
    [[nodiscard]] bool tells_less(const Key& key, const Sum& sum) const {
        const bool of_cache =
            key.first == Kind::kCatalogCache || key.first == Kind::kNegativeEntries;
        const Kind other =
            key.first == Kind::kCatalogCache ? Kind::kNegativeEntries : Kind::kCatalogCache;
        const auto found = sums_.find({other, key.second});
        return of_cache && found != sums_.end() && found->second.count > sum.count;
    }

    std::map<Key, Sum> sums_;
};

// The beginning of a query, enough to know it by.
std::string shortened(std::string_view query) {
    constexpr std::size_t kMostBytes = 90;
    if (query.size() <= kMostBytes) {
        return std::string(query);
    }
    std::string_view begin = query.substr(0, kMostBytes);
    // Not within a character: UTF-8's later bytes begin with the bits 10.
    while (!begin.empty() && (static_cast<unsigned char>(query[begin.size()]) & 0xc0U) == 0x80) {
        begin.remove_suffix(1);
    }
    return std::string(begin) + "...";
}

std::string described(const GrownPart& part) {
    switch (part.kind) {
        case Kind::kNegativeEntries:
            return fmt::format("negative entries of {}: look-ups that found nothing", part.name);
        case Kind::kCatalogCache:
            return fmt::format("cached rows of {}", part.name);
        case Kind::kRelations:
            return "entries of the relation cache";
        case Kind::kPreparedStatement:
            return fmt::format("prepared statements: {}", shortened(part.name));
        case Kind::kPlan:
            return fmt::format("plans kept for: {}", shortened(part.name));
        case Kind::kFunction:
            return fmt::format("compiled functions: {}", part.name);
        case Kind::kHeldCursor:
            return "held cursors";
        case Kind::kChannel:
            return "channels listened to";
        case Kind::kSetting:
            return "settings of the session";
        case Kind::kHashTable:
            return fmt::format("entries of the hash table {}", part.name);
    }
    return part.name;
}

}  // namespace

std::vector<GrownPart> grown_parts(const Explanation& before, const Explanation& after) {
    Sums sums;
    sums.add(before, -1);
    sums.add(after, +1);
    return sums.grown();
}

std::optional<std::vector<GrownPart>> grown_parts(const BackendHistory& backend) {
    if (backend.explanations.size() < 2) {
        return std::nullopt;
    }
    return grown_parts(backend.explanations.front(), backend.explanations.back());
}

std::int64_t bytes_of(const std::vector<GrownPart>& parts, GrownPart::Kind kind) {
    std::int64_t bytes = 0;
    for (const GrownPart& part : parts) {
        bytes += part.kind == kind ? part.bytes : 0;
    }
    return bytes;
}

std::optional<std::string> what_the_bytes_are(const BackendHistory& backend) {
    const std::optional<std::vector<GrownPart>> parts = grown_parts(backend);
    if (!parts) {
        return std::nullopt;
    }
    std::vector<std::string> texts;
    for (const GrownPart& part : *parts) {
        if (texts.size() == kMostParts ||
            part.bytes * kLeastShareOfLargest < parts->front().bytes) {
            break;
        }
        texts.push_back(fmt::format("{} more {}, {}",
                                    readable_count(static_cast<double>(part.count)),
                                    described(part),
                                    readable_bytes(static_cast<double>(part.bytes))));
    }
    if (texts.empty()) {
        return std::nullopt;
    }
    const double seconds = static_cast<double>(backend.explanations.back().snapshot.taken_at_ns -
                                               backend.explanations.front().snapshot.taken_at_ns) /
                           1e9;
    return fmt::format("What grew most in the backend, from explanations {} apart: {}.",
                       readable_seconds(seconds),
                       fmt::join(texts, "; "));
}

}  // namespace palloscope
