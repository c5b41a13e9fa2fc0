#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "inspector/backend/cache_memory.hpp"
#include "inspector/backend/still_backend.hpp"
#include "inspector/model/explanation.hpp"

namespace palloscope {

struct CatalogCaches {
    std::vector<CatalogCache> caches;              // the most bytes first
    std::map<std::uint32_t, std::string> schemas;  // whose rows are among the entries, by OID
};

// Every catalog cache, and claims what belongs to it.
//
// They are found by their entries: each chunk that begins with the magic number of one (CT_MAGIC,
// catcache.h) names its cache, which must have a known head, and count as many entries as were
// found. From each cache the list of all goes on (cc_next) to those that are empty. Those that were
// never used have no name yet, and stand together under the one that PostgreSQL gives them. A cache
// that does not fit is left out, and added to `unavailable`.
//
// Gives the keys of up to `samples` negative entries and as many others of each; PostgreSQL 10 has
// them in tuples, which are not read.
[[nodiscard]] CatalogCaches read_catalog_caches(const StillBackend& backend,
                                                CacheMemory& memory,
                                                std::size_t samples,
                                                std::vector<UnavailablePart>& unavailable);

}  // namespace palloscope
