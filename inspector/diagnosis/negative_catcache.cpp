// negative-catcache: look-ups of names that do not exist, and never the same twice.
//
// A look-up in vain is remembered too, as a negative entry for each schema that was searched, and
// is dropped only when something is made under that very name, or when the session ends
// (catcache.c, SearchCatCacheMiss). to_regclass() and IF EXISTS ask this way.

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

constexpr double kFewestNames = 50;

// Of statements that ask for what may not be there.
constexpr std::array<std::string_view, 3> kAsking{"TO_REG", "::REG", "IF EXISTS"};

bool covers(std::string_view path) {
    return context_kind(path) == "CacheMemoryContext";
}

std::optional<int> rank(std::string_view query) {
    const bool asks = std::ranges::any_of(
        kAsking, [&](std::string_view words) { return mentions(query, words); });
    return asks ? std::optional(0) : std::nullopt;
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    const CatalogGrowth growth = catalog_growth(suspicion.backend);
    const std::vector<std::size_t> asking = ranked_groups(suspicion, rank);
    // Without explanations only the statements tell, and that nothing becomes known which exists.
    const bool found = growth.explained
                           ? growth.missing_names >= kFewestNames &&
                                 growth.missing_names > growth.existing() &&
                                 growth.missing_names > growth.missing_of_objects
                           : bytes_of(suspicion, asking) > suspicion.lasting_bytes / 2 &&
                                 growth.relations < kFewestNames;
    if (!found) {
        return std::nullopt;
    }
    Finding finding{
        .title = "Names are looked up that do not exist, ever new ones",
        .confidence = usual_confidence(
            suspicion, {.explained = growth.explained, .telling_statements = !asking.empty()}),
        .groups = all_groups(suspicion),
        .remedies = {
            "Ask the catalogs by a query, SELECT ... FROM pg_class WHERE relname = $1, in place of "
            "to_regclass() or ::regclass: it finds the same and leaves nothing in the caches.",
            "Ask once and keep the answer in the application, or make the names few: what is asked "
            "again under the same name takes no new entry.",
            "Qualify names by their schema: a name alone leaves an entry for each schema of "
            "search_path that was searched in vain.",
            "Else end connections after a number of uses: the memory goes with the backend. "
            "DISCARD "
            "ALL leaves these caches alone, and no setting limits them.",
            kPoolsThatEndConnectionsByAge}};
    finding.whole = growth.explained;
    finding.evidence = usual_evidence(
        suspicion,
        finding.groups,
        {growth.explained
             ? fmt::format("{} more names are remembered as not there, beside {} more entries for "
                           "what exists.",
                           readable_count(growth.missing_names),
                           readable_count(growth.existing()))
             : std::string(
                   "The statements ask for names that may not exist, and the relation cache "
                   "does not grow.")});
    return finding;
}

}  // namespace

CauseRule negative_catcache_rule() {
    return {.id = "negative-catcache", .covers = covers, .rank = rank, .explain = explain};
}

}  // namespace palloscope
