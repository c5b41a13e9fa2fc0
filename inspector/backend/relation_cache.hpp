#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "inspector/backend/cache_memory.hpp"
#include "inspector/backend/hash_tables.hpp"
#include "inspector/backend/still_backend.hpp"
#include "inspector/model/explanation.hpp"

namespace palloscope {

// Every entry of the relation cache, the most bytes first, and claims what belongs to it: all that
// can be reached from it and is no other entry's or catalog cache's. Ask after the catalog caches.
//
// They are found by the hash table "Relcache by OID" (relcache.c, RelationIdCache), and believed
// where each has the OID that it is stored under. `schemas` are those whose rows the catalog caches
// hold, by OID.
//
// Of a relation that was dropped an entry remains only until the end of a transaction that also
// made it, or gave it a new file (RelationForgetRelation, 13 and later); all others go with the
// drop, or when the backend reads the message of another one's.
[[nodiscard]] std::vector<CachedRelation> read_relation_cache(
    const StillBackend& backend,
    std::span<const DynamicHash> tables,
    const std::map<std::uint32_t, std::string>& schemas,
    CacheMemory& memory,
    std::vector<UnavailablePart>& unavailable);

}  // namespace palloscope
