#include "inspector/diagnosis/catalog_growth.hpp"

#include <algorithm>
#include <string_view>

#include "inspector/diagnosis/context_kind.hpp"
#include "inspector/diagnosis/series_growth.hpp"

namespace palloscope {

namespace {

// An entry of "Relcache by OID" (relcache.c, RelIdCacheEnt) with the table's own part (dynahash.c,
// HASHELEMENT).
constexpr double kBytesOfRelation = 32;

bool counts_relations(std::string_view path) {
    return context_kind(path) == "Relcache by OID";
}

// relname, typname, proname, nspname, … come first in caches that are asked by name.
bool is_asked_by_name(const CatalogCache& cache) {
    return !cache.keys.empty() && cache.keys.front().ends_with("name");
}

// Adds what the explanation holds, `sign` times.
void add(const Explanation& explanation, double sign, CatalogGrowth& growth) {
    growth.relations += sign * static_cast<double>(explanation.relations.size());
    for (const CatalogCache& cache : explanation.catalog_caches) {
        growth.rows += sign * static_cast<double>(cache.entries);
        (is_asked_by_name(cache) ? growth.missing_names : growth.missing_of_objects) +=
            sign * static_cast<double>(cache.negative_entries);
    }
}

}  // namespace

CatalogGrowth catalog_growth(const BackendHistory& backend) {
    CatalogGrowth growth{.explained = backend.explanations.size() >= 2};
    if (growth.explained) {
        add(backend.explanations.front(), -1, growth);
        add(backend.explanations.back(), +1, growth);
    } else {
        growth.relations = series_growth(backend, counts_relations).bytes / kBytesOfRelation;
    }
    growth.relations = std::max(growth.relations, 0.0);
    growth.rows = std::max(growth.rows, 0.0);
    growth.missing_names = std::max(growth.missing_names, 0.0);
    growth.missing_of_objects = std::max(growth.missing_of_objects, 0.0);
    return growth;
}

}  // namespace palloscope
