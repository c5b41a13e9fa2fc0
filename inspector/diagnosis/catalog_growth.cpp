#include "inspector/diagnosis/catalog_growth.hpp"

#include <algorithm>
#include <set>
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

// Fewer may be the first of objects that stay.
constexpr double kFewestOfGoneObjects = 50;

// Adds what the explanation holds, `sign` times.
void add(const Explanation& explanation, double sign, CatalogGrowth& growth) {
    growth.relations += sign * static_cast<double>(explanation.relations.size());
    for (const CatalogCache& cache : explanation.catalog_caches) {
        growth.rows += sign * static_cast<double>(cache.entries);
        (is_asked_by_name(cache) ? growth.missing_names : growth.missing_of_objects) +=
            sign * static_cast<double>(cache.negative_entries);
    }
    std::set<std::string_view> signatures;
    for (const CompiledFunction& function : explanation.functions) {
        const bool first = signatures.insert(function.signature).second;
        (first ? growth.compiled_first : growth.compiled_again) += sign;
    }
}

}  // namespace

bool CatalogGrowth::has_gone_objects() const {
    return explained && gone() >= kFewestOfGoneObjects && gone() > missing_names;
}

bool CatalogGrowth::of_gone_objects() const {
    return has_gone_objects() && gone() > existing();
}

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
    growth.compiled_again = std::max(growth.compiled_again, 0.0);
    growth.compiled_first = std::max(growth.compiled_first, 0.0);
    return growth;
}

}  // namespace palloscope
