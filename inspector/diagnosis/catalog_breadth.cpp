// catalog-breadth: one session touches very many tables, indexes, partitions or other objects.
//
// What a backend once learnt of an object it keeps until the object changes or the session ends: a
// descriptor of each relation (relcache.c), the rows of the catalogs that describe it (catcache.c),
// an open file (smgr.c), a place for its statistics (pgstat_relation.c). There is no limit to it
// and no setting that would set one.

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "inspector/diagnosis/catalog_growth.hpp"
#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/common_evidence.hpp"
#include "inspector/diagnosis/common_remedies.hpp"
#include "inspector/diagnosis/context_kind.hpp"
#include "inspector/diagnosis/query_word.hpp"
#include "inspector/diagnosis/readable.hpp"

namespace palloscope {

namespace {

// Fewer are the catalogs' own tables and a first query or two.
constexpr double kFewestObjects = 50;
// A relation with its rows takes 2 to 5 kB: where the contexts grew by more for each that is known,
// something else grew.
constexpr double kMostBytesOfRelation = 16384;

constexpr std::array<std::string_view, 13> kKinds{
    "CacheMemoryContext",                      // catcache.c, relcache.c
    "index info",                              // relcache.c, as all that follow up to
    "relation rules",                          //
    "partition key",                           // partcache.c
    "partition descriptor",                    // partdesc.c
    "partition constraint",                    // partcache.c
    "Relcache by OID",                         // here
    "smgr relation table",                     // smgr.c
    "MdSmgr",                                  // md.c
    "Type information cache",                  // typcache.c
    "PgStat Shared Ref",                       // pgstat_shmem.c, from 15 on
    "PgStat Shared Ref Hash",                  // pgstat_shmem.c, from 15 on
    "pgstat TabStatusArray lookup hash table"  // pgstat.c, up to 14
};

bool covers(std::string_view path) {
    return std::ranges::find(kKinds, context_kind(path)) != kKinds.end();
}

// One that names the same tables each time comes to know no others, but where search_path changes.
std::optional<int> rank(std::string_view query) {
    return has_generated_name(query) ? std::optional(0) : std::nullopt;
}

bool is_breadth(const Suspicion& suspicion, const CatalogGrowth& growth) {
    if (growth.existing() < kFewestObjects) {
        return false;
    }
    return growth.explained ? growth.existing() > growth.missing()
                            : suspicion.bytes < growth.relations * kMostBytesOfRelation;
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    const CatalogGrowth growth = catalog_growth(suspicion.backend);
    if (!is_breadth(suspicion, growth)) {
        return std::nullopt;
    }
    Finding finding{
        .title = "Ever more tables, indexes or other objects are touched in one session",
        .groups = all_groups(suspicion),
        .remedies = {
            "End connections after a number of uses or some minutes: the caches go with the "
            "backend.",
            kPoolsThatEndConnectionsByAge,
            "Have each worker serve a part of the tenants, schemas or partitions, so that no "
            "session comes to know all of them.",
            "Fewer and larger partitions: each one is a relation, and so is each of its indexes. "
            "From PostgreSQL 12 on, a query on the parent whose WHERE compares the partition key "
            "with values that are known when it is planned opens only the partitions that it "
            "needs.",
            "No setting of PostgreSQL limits these caches, and DISCARD ALL leaves them alone."}};
    finding.confidence = usual_confidence(suspicion, {.explained = growth.explained});
    finding.whole = growth.explained;
    finding.evidence = usual_evidence(
        suspicion,
        finding.groups,
        {fmt::format("{} more relations are known to the backend{}: they exist, none was dropped.",
                     readable_count(growth.relations),
                     growth.explained ? fmt::format(", and {} more rows of the catalogs",
                                                    readable_count(growth.rows))
                                      : "")});
    return finding;
}

}  // namespace

CauseRule catalog_breadth_rule() {
    return {.id = "catalog-breadth", .covers = covers, .rank = rank, .explain = explain};
}

}  // namespace palloscope
