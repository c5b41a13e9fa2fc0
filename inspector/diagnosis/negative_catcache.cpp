// negative-catcache: look-ups of names that do not exist, and never the same twice.
//
// A look-up in vain is remembered too, as a negative entry for each schema that was searched, and
// is dropped only when something is made under that very name, or when the session ends
// (catcache.c, SearchCatCacheMiss). to_regclass() and IF EXISTS ask this way, and so does every
// statement that fails since what it names does not exist: the entry outlives the abort. Of
// functions it is an empty list (SearchCatCacheList).

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

// Whether most of its calls failed since there is nothing of a name in them.
bool fails_in_vain(const SuspectedStatement& member) {
    return 2 * member.statement->in_vain > member.statement->total();
}

bool has_failing(const SuspectedGroup& group) {
    return std::ranges::any_of(group.statements, fails_in_vain);
}

// The groups whose statements ask for what may not be there, or fail since it is not.
std::vector<std::size_t> asking_groups(const Suspicion& suspicion) {
    std::vector<std::size_t> groups = all_groups(suspicion);
    std::erase_if(groups, [&](std::size_t index) {
        const SuspectedGroup& group = suspicion.groups[index];
        return !rank(group.statements.front().statement->query) && !has_failing(group);
    });
    return groups;
}

std::string what_tells(const CatalogGrowth& growth, bool failing) {
    if (growth.explained) {
        return fmt::format(
            "{} more names are remembered as not there, beside {} more entries for what exists.",
            readable_count(growth.missing_names),
            readable_count(growth.existing()));
    }
    return fmt::format(
        "The statements {}, and the relation cache does not grow.",
        failing ? "fail, since there is no table, function, type or schema of a name in them"
                : "ask for names that may not exist");
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    const CatalogGrowth growth = catalog_growth(suspicion.backend);
    const std::vector<std::size_t> asking = asking_groups(suspicion);
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
            "Ask the catalogs by a query that names the schema, SELECT ... FROM pg_class WHERE "
            "relname = $1 AND relnamespace = 'app'::regnamespace, in place of to_regclass() or "
            "::regclass: a name that it does not find leaves nothing in the caches.",
            "Ask once and keep the answer in the application, or make the names few: what is asked "
            "again under the same name takes no new entry.",
            "Qualify names by their schema: a name alone leaves an entry for each schema of "
            "search_path that was searched in vain.",
            "Else end connections after a number of uses: the memory goes with the backend. "
            "DISCARD ALL leaves these caches alone, and no setting limits them.",
            kPoolsThatEndConnectionsByAge}};
    const bool failing = !asking.empty() && has_failing(suspicion.groups[asking.front()]);
    if (failing) {
        finding.remedies.insert(
            finding.remedies.begin(),
            "Do not find out that something is missing by a statement that fails: the entry stays "
            "after the error and the rollback.");
    }
    finding.whole = growth.explained;
    finding.evidence = usual_evidence(suspicion, finding.groups, {what_tells(growth, failing)});
    return finding;
}

}  // namespace

CauseRule negative_catcache_rule() {
    return {.id = "negative-catcache", .covers = covers, .rank = rank, .explain = explain};
}

}  // namespace palloscope
