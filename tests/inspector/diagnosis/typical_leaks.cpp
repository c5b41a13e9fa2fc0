#include "tests/inspector/diagnosis/typical_leaks.hpp"

#include <cstddef>

#include "tests/inspector/diagnosis/calls_of.hpp"

namespace palloscope {

void explain_ends(SyntheticBackend& backend, const std::function<void(Explanation&)>& grow) {
    Explanation before;
    before.snapshot.taken_at_ns = backend.backend().snapshots.front().taken_at_ns;
    Explanation after;
    after.snapshot.taken_at_ns = backend.backend().snapshots.back().taken_at_ns;
    for (Explanation* const explanation : {&before, &after}) {
        explanation->catalog_caches = {
            {.catalog = "pg_class", .keys = {"relname", "relnamespace"}, .bytes = 1000},
            {.catalog = "pg_statistic", .keys = {"starelid", "staattnum"}, .bytes = 1000}};
    }
    grow(after);
    backend.backend().explanations = {before, after};
}

SyntheticBackend caches_filled_by(const std::string& query) {
    return calls_of(query, [](SyntheticBackend& backend) { backend.grow(kCatalogCache, 450); });
}

SyntheticBackend triggers_compiled_by(const std::string& query, const std::string& makes) {
    SyntheticBackend backend = calls_of(query, [&](SyntheticBackend& grown) {
        grown.grow(kTop + "/PL/pgSQL function", 20000);
        grown.add_contexts(kTop + "/PL/pgSQL function", 1);
        grown.grow(kCatalogCache, 5000);
    });
    for (std::size_t i = 0; i < backend.backend().snapshots.size(); i += 2) {
        backend.run(static_cast<double>(i) + 0.5, makes);
    }
    explain_ends(backend, [](Explanation& after) {
        after.functions.resize(300, {.signature = "grant_to_owner()", .bytes = 20000});
        after.catalog_caches[1].negative_entries += 900;
    });
    return backend;
}

SyntheticBackend plans_kept_by(const std::string& query,
                               const std::string& owner,
                               double owner_bytes) {
    return calls_of(query, [&](SyntheticBackend& backend) {
        for (const char* const name : {"/CachedPlanSource", "/CachedPlanSource/CachedPlanQuery"}) {
            backend.grow(kCatalogCache + name, 4000);
            backend.add_contexts(kCatalogCache + name, 1);
        }
        backend.grow(owner, owner_bytes);
        backend.add_contexts(owner, 1);
    });
}

SyntheticBackend outside_grown_by(const std::string& query) {
    return calls_of(query, [](SyntheticBackend& backend) { backend.grow_outside(20'000); });
}

}  // namespace palloscope
