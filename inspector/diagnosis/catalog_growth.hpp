#pragma once

#include "inspector/model/history.hpp"

namespace palloscope {

// What a backend knows of the catalogs more at the end of a recording than at its beginning, by
// number.
struct CatalogGrowth {
    // Relations in the relation cache, and rows in the catalog caches: of what exists.
    double relations = 0;
    double rows = 0;
    // Negative entries under a name: somebody asked for it, and there was no such thing.
    double missing_names = 0;
    // Negative entries under the number of an object, of which something is missing: the statistics
    // of a table that never had any. Each object needs its own, and a new one has a new number.
    double missing_of_objects = 0;
    // Compilations of functions that are compiled already: a trigger's function is once for each
    // table (pl_comp.c, plpgsql_compile; funccache.c from 18 on). And those of no such function.
    double compiled_again = 0;
    double compiled_first = 0;
    // Whether explanations say so. Else only `relations` is known, by the size of the hash table
    // "Relcache by OID" (relcache.c).
    bool explained = false;

    [[nodiscard]] double existing() const { return relations + rows; }

    [[nodiscard]] double missing() const { return missing_names + missing_of_objects; }

    [[nodiscard]] double gone() const { return missing_of_objects + compiled_again; }

    // Whether explanations show that something of other objects is missing each time, as of ones
    // that were dropped: more than of names that never were.
    [[nodiscard]] bool has_gone_objects() const;

    // The same, and whether there is more of that than of objects that are there.
    [[nodiscard]] bool of_gone_objects() const;
};

[[nodiscard]] CatalogGrowth catalog_growth(const BackendHistory& backend);

}  // namespace palloscope
