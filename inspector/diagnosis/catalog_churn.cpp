// catalog-churn: schemas, relations and functions that are made, used and dropped again and again.
//
// What a backend learns of a catalog object it keeps in its own memory: tuples in the catcaches and
// descriptors in the relcache (both in CacheMemoryContext), an index's and a rule's in contexts of
// their own below it, compiled functions, hash entries. Dropping the object invalidates what is
// there, but leaves behind, above all, the negative catcache entries ("no such relation", kept
// for the rest of the session: catcache.c, SearchCatCacheMiss) and functions compiled by PL/pgSQL
// (pl_comp.c). With names that never come back nothing of it is ever used again.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "inspector/diagnosis/catalog_growth.hpp"
#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/common_evidence.hpp"
#include "inspector/diagnosis/common_remedies.hpp"
#include "inspector/diagnosis/context_kind.hpp"
#include "inspector/diagnosis/data_definition.hpp"
#include "inspector/diagnosis/explained_growth.hpp"
#include "inspector/diagnosis/plan_growth.hpp"
#include "inspector/diagnosis/readable.hpp"

namespace palloscope {

namespace {

// A group with data definition must account for this much of the growth to be its cause.
constexpr double kLeastShare = 0.5;
// Below this share of the growth, other things do not stand in the way of taking it as a whole.
constexpr double kMostOthers = 0.1;
// What is dropped has been made, by a statement that runs this often at least beside the rounds put
// down to the drop: the two need not have been counted together where they were seen now and then.
constexpr double kLeastMade = 0.1;
// Where the growth was put down to what runs beside the definitions, or to nothing: as many
// relations that are gone, for each of its rounds or for each context that stays.
constexpr double kLeastGone = 0.5;
// Of the relations that were made, so many at most are still known where they are dropped again.
constexpr double kMostStayOfMade = 0.25;

// Contexts whose content belongs to objects in the catalogs, with the file that makes them. They
// are children of TopMemoryContext, which belongs to them too: the descriptor of every compiled
// function lies in it (pl_comp.c, do_compile; funccache.c from 18 on).
constexpr std::array<std::string_view, 18> kCatalogContexts{
    "CacheMemoryContext",                      // catcache.c, relcache.c, typcache.c
    "Relcache by OID",                         // relcache.c
    "Type information cache",                  // typcache.c
    "Record information cache",                // typcache.c
    "Operator lookup cache",                   // parse_oper.c
    "smgr relation table",                     // smgr.c
    "MdSmgr",                                  // md.c
    "RI constraint cache",                     // ri_triggers.c
    "RI query cache",                          // ri_triggers.c
    "RI compare cache",                        // ri_triggers.c
    "PL/pgSQL function",                       // pl_comp.c
    "PL/pgSQL function context",               // pl_comp.c, up to 10
    "PLpgSQL function cache",                  // pl_comp.c, up to 10
    "PLpgSQL function hash",                   // pl_comp.c, 11 to 17
    "Cached function hash",                    // funccache.c, from 18 on
    "PgStat Shared Ref",                       // pgstat_shmem.c, from 15 on
    "PgStat Shared Ref Hash",                  // pgstat_shmem.c, from 15 on
    "pgstat TabStatusArray lookup hash table"  // pgstat.c, up to 14
};

bool covers(std::string_view path) {
    const std::string_view family = context_family(path);
    return family == "TopMemoryContext" ||
           std::ranges::find(kCatalogContexts, family) != kCatalogContexts.end();
}

// Schemas and tables say most about a load; then whatever else is defined; in the order of a life.
std::optional<int> rank(std::string_view query) {
    const std::optional<DataDefinition> definition = data_definition(query);
    if (!definition) {
        return std::nullopt;
    }
    const int kind = definition->object == "SCHEMA" ? 0 : definition->object == "TABLE" ? 1 : 2;
    switch (definition->verb) {
        case DefinitionVerb::kCreate:
            return 3 * kind;
        case DefinitionVerb::kDrop:
            return 3 * kind + 1;
        case DefinitionVerb::kAlter:
            return 3 * kind + 2;
    }
    return std::nullopt;
}

// How often relations were made, and dropped, they or their schemas.
struct Turnover {
    double makes = 0;
    double drops = 0;
};

// What the statements that the growth is put down to define, as far as it bears on the verdict.
struct Churn {
    std::vector<std::size_t> groups;
    double bytes = 0;
    bool makes = false;
    bool drops = false;
    bool temporary = false;
    // Whether anything else than functions is defined.
    bool relations = false;
    // Whether the growth was put down to them.
    bool accounts = false;
    // What was made and dropped beside the statements that the growth was put down to, where that
    // is all that there is to go by.
    std::optional<Turnover> beside;
    // What explanations show, whatever the growth was put down to.
    CatalogGrowth growth;
    // The one of those with ever new names that has the most.
    const StatementColumn* widest = nullptr;
};

bool is_routine(const DataDefinition& definition) {
    return definition.object == "FUNCTION" || definition.object == "PROCEDURE";
}

// Whether the backend ran it under another name nearly each time that was seen.
bool has_ever_new_names(const StatementColumn& statement) {
    constexpr double kNearlyAll = 0.9;
    return statement.forms_run > 1 &&
           static_cast<double>(statement.forms_run) >= kNearlyAll * statement.seen;
}

void note_definition(const StatementColumn& statement, Churn& churn) {
    const std::optional<DataDefinition> definition = data_definition(statement.query);
    if (!definition) {
        return;
    }
    churn.makes = churn.makes || definition->verb == DefinitionVerb::kCreate;
    churn.drops = churn.drops || definition->verb == DefinitionVerb::kDrop;
    churn.temporary = churn.temporary || definition->temporary;
    churn.relations = churn.relations || !is_routine(*definition);
    if (has_ever_new_names(statement) &&
        (churn.widest == nullptr || statement.forms_run > churn.widest->forms_run)) {
        churn.widest = &statement;
    }
}

// What statements define that run this often at least.
void note_definitions(const Suspicion& suspicion, double calls, Churn& churn) {
    for (const StatementColumn* const statement : suspicion.ranked) {
        if (statement->total() >= calls) {
            note_definition(*statement, churn);
        }
    }
}

Turnover turnover_of_relations(const Suspicion& suspicion) {
    Turnover turnover;
    for (const StatementColumn* const statement : suspicion.ranked) {
        const auto definition = data_definition(statement->query);
        if (definition && definition->verb == DefinitionVerb::kDrop && !is_routine(*definition)) {
            turnover.drops += statement->total();
        } else if (definition && definition->verb == DefinitionVerb::kCreate &&
                   definition->object == "TABLE") {
            turnover.makes += statement->total();
        }
    }
    return turnover;
}

// How many contexts more there are of the path that became the most; none where those that were
// there have grown.
double contexts_that_stay(const Suspicion& suspicion) {
    std::int64_t most = 0;
    for (const ContextGrowth& context : suspicion.contexts) {
        most = std::max(most, context.contexts);
    }
    return static_cast<double>(most);
}

bool seen_now_and_then(const Suspicion& suspicion) {
    return std::ranges::any_of(suspicion.ranked, &StatementColumn::estimated);
}

// The turnover of relations where it goes on all along and no more relations are known, so that
// what is kept is of others each time; else none. Statements that are seen now and then cannot
// always be told apart: any of a round may be the one that its growth was put down to, one that
// runs twenty times in it too, or none where few were seen.
std::optional<Turnover> turnover_beside(const Suspicion& suspicion, const CatalogGrowth& growth) {
    if (!seen_now_and_then(suspicion) || (growth.explained && !growth.has_gone_objects())) {
        return std::nullopt;
    }
    const Turnover turnover = turnover_of_relations(suspicion);
    // A schema is dropped with all its relations; and what was made and is not known any more was
    // dropped, though no drop was seen.
    const double gone = std::max(turnover.makes - growth.relations, turnover.drops);
    const bool others_each_time =
        turnover.drops > growth.relations || growth.relations < kMostStayOfMade * turnover.makes;
    // Where neither is known, no number is enough.
    constexpr double kUnknown = std::numeric_limits<double>::infinity();
    const double rounds = suspicion.groups.empty() ? kUnknown : suspicion.groups.front().rounds;
    const double stay = contexts_that_stay(suspicion);
    const double kept = stay > 0 ? std::min(rounds, stay) : rounds;
    return gone >= kLeastGone * kept && others_each_time ? std::optional(turnover) : std::nullopt;
}

// Whether what has the bytes may be a part only of what is defined in a round: a drop without what
// it drops, or any one statement of those that were seen now and then.
bool seems_incomplete(const Churn& churn, const Suspicion& suspicion) {
    return seen_now_and_then(suspicion) ? !churn.makes || !churn.relations
                                        : !churn.makes && churn.drops;
}

// How far apart the ends of an interval are, as the logarithm of their ratio.
double width(const Estimate& estimate) {
    return estimate.low > 0 ? std::log(estimate.high / estimate.low)
                            : std::numeric_limits<double>::infinity();
}

// Whether the number of a statement says far more of what a load leaves than the fit, which few
// sightings cannot tell one statement of a load from another by.
bool is_better_counted(const Suspicion& suspicion, const SuspectedGroup& fitted) {
    constexpr double kFar = 1.5;
    return suspicion.best_counted && seen_now_and_then(suspicion) &&
           width(fitted.bytes_per_round) > kFar * width(suspicion.best_counted->bytes_per_round);
}

Churn churn_in(const Suspicion& suspicion) {
    Churn churn{.growth = catalog_growth(suspicion.backend)};
    for (std::size_t i = 0; i < suspicion.groups.size(); ++i) {
        const SuspectedGroup& group = suspicion.groups[i];
        // Members with a rank come first.
        if (rank(group.statements.front().statement->query)) {
            churn.groups.push_back(i);
            churn.bytes += group.bytes();
            for (const SuspectedStatement& member : group.statements) {
                note_definition(*member.statement, churn);
            }
        }
    }
    churn.accounts = churn.bytes >= kLeastShare * suspicion.lasting_bytes;
    const bool of_gone_objects = churn.growth.of_gone_objects();
    if (!churn.accounts && !of_gone_objects) {
        churn.beside = turnover_beside(suspicion, churn.growth);
    }
    if (!churn.accounts && (churn.beside || of_gone_objects)) {
        churn.groups = all_groups(suspicion);
        churn.bytes = bytes_of(suspicion, churn.groups);
        note_definitions(suspicion, 0, churn);
    } else if (!churn.groups.empty() && churn.accounts && seems_incomplete(churn, suspicion)) {
        // What was seen less often than what has the bytes: the rest of a load, such as of ALTER.
        const double rounds = suspicion.groups[churn.groups.front()].rounds;
        note_definitions(suspicion, kLeastMade * rounds, churn);
    }
    if (!churn.groups.empty() &&
        is_better_counted(suspicion, suspicion.groups[churn.groups.front()])) {
        churn.groups.clear();
    }
    return churn;
}

// Half for the statements being there at all, less where they are only beside those that the growth
// was put down to; the rest for what else the cause would show.
double confidence(const Suspicion& suspicion, const Churn& churn) {
    double sum = churn.beside ? 0.3 : 0.5;
    sum += suspicion.straightness >= 0.9 ? 0.15 : 0.0;
    sum += churn.bytes >= 0.8 * suspicion.lasting_bytes ? 0.1 : 0.0;
    sum += churn.makes && churn.drops ? 0.08 : 0.0;
    sum += churn.widest != nullptr || churn.temporary ? 0.08 : 0.0;
    sum += suspicion.share_of_growth >= 0.5 ? 0.08 : 0.0;
    return sum;
}

// "CacheMemoryContext 3.80 MB and PL/pgSQL function 3.21 MB": the families of contexts that grew
// most.
std::string largest_families(const Suspicion& suspicion) {
    constexpr std::size_t kNamed = 2;
    std::map<std::string_view, std::int64_t> sums;
    for (const ContextGrowth& context : suspicion.contexts) {
        sums[context.family()] += context.bytes;
    }
    std::vector<std::pair<std::int64_t, std::string_view>> families;
    families.reserve(sums.size());
    for (const auto& [family, bytes] : sums) {
        families.emplace_back(bytes, family);
    }
    std::ranges::sort(families, std::ranges::greater());
    std::string text;
    for (std::size_t i = 0; i < std::min(families.size(), kNamed); ++i) {
        text += fmt::format("{}{} with all below it {}",
                            i == 0 ? "" : ", ",
                            families[i].second,
                            readable_bytes(static_cast<double>(families[i].first)));
    }
    return text;
}

std::string share_of_contexts(const Suspicion& suspicion) {
    return fmt::format("The backend's copies of the catalogs are {} of all its growth: {}.",
                       readable_share(suspicion.share_of_growth),
                       largest_families(suspicion));
}

// Whether all that there is to go by are the numbers of statements that were seen now and then.
bool is_put_down_by_count(const Suspicion& suspicion, const Churn& churn) {
    return churn.groups.empty() && suspicion.best_counted && seen_now_and_then(suspicion);
}

std::string what_runs_beside(const Suspicion& suspicion,
                             const Turnover& turnover,
                             const CatalogGrowth& growth) {
    return fmt::format(
        "Tables were made {} times{}{}, and the backend knows {} more relations: what it keeps is "
        "of ever new ones.",
        readable_count(turnover.makes),
        turnover.drops > 0 ? fmt::format(", and they or their schemas dropped {} times",
                                         readable_count(turnover.drops))
                           : "",
        suspicion.groups.empty() ? "" : ", beside these statements",
        readable_count(growth.relations));
}

std::vector<std::string> evidence(const Suspicion& suspicion, const Churn& churn) {
    std::vector<std::string> sentences;
    if (!churn.groups.empty()) {
        const SuspectedGroup& main = suspicion.groups[churn.groups.front()];
        sentences.push_back(stays_after_a_round(main, suspicion.seconds));
        for (std::string& sentence : takes_and_gives(main)) {
            sentences.push_back(std::move(sentence));
        }
    } else if (is_put_down_by_count(suspicion, churn)) {
        sentences.push_back(stays_after_a_round(*suspicion.best_counted, suspicion.seconds));
        sentences.push_back(fmt::format(
            "Too few statements were seen to tie the bytes to one of a load: they are put down to "
            "{}.",
            suspicion.best_counted->statements.size() > 1
                ? "those that run once in each of its transactions, which were counted"
                : "the one whose number is known best"));
    }
    sentences.push_back(share_of_contexts(suspicion));
    if (churn.beside) {
        sentences.push_back(what_runs_beside(suspicion, *churn.beside, churn.growth));
    }
    if (churn.growth.of_gone_objects()) {
        sentences.push_back(what_is_of_gone_objects(churn.growth));
    }
    if (auto sentence = what_the_bytes_are(suspicion.backend)) {
        sentences.push_back(*std::move(sentence));
    }
    if (!suspicion.groups.empty()) {
        sentences.push_back(straight_line(suspicion));
    }
    if (churn.widest != nullptr) {
        sentences.push_back(fmt::format(
            "No name is used twice: {} different forms of {}. What the backend keeps of a "
            "dropped name can never serve again.",
            readable_count(static_cast<double>(churn.widest->forms_run)),
            churn.widest->query));
    } else if (churn.temporary) {
        sentences.emplace_back(
            "The tables are temporary: each is a new entry in the catalogs, and is "
            "dropped again.");
    }
    sentences.push_back(beside_rss_anon(suspicion));
    return sentences;
}

std::vector<std::string> remedies(const Churn& churn) {
    std::vector<std::string> sentences{
        "End the connection after each such load, or after every few hundred: the memory goes with "
        "the backend. In Sequel DB.disconnect, in ActiveRecord connection_pool.disconnect!; Conjur "
        "does so from 1.17.7 on.",
        "Or keep the objects and empty them: fixed tables, or temporary ones made once a session, "
        "with ON COMMIT DELETE ROWS or TRUNCATE, instead of making and dropping them.",
        kPoolsThatEndConnectionsByAge};
    sentences.emplace_back(
        "VACUUM does not help: it frees dead rows in the tables of the catalogs, and this is "
        "memory of the backend itself. Nor does DISCARD ALL, which leaves these caches alone.");
    if (churn.temporary) {
        sentences.emplace_back(
            "Where a temporary table only carries a result from one statement to "
            "the next, WITH ... AS or an array parameter needs none.");
    }
    return sentences;
}

// Whether few of the bytes are plans of anything but the functions that were compiled.
bool holds_little_else(const Suspicion& suspicion) {
    const PlanGrowth growth = plan_growth(suspicion.backend);
    const double others =
        growth.prepared_statements + std::max(growth.plans - growth.functions, 0.0);
    return others < kMostOthers * suspicion.bytes;
}

// Whether what is made is there to stay: nothing is dropped, and as many more relations are known.
bool stay_all(const Suspicion& suspicion, const Churn& churn) {
    // A backend that begins comes to know some hundred.
    constexpr double kEnough = 200;
    const Turnover turnover = turnover_of_relations(suspicion);
    return !churn.drops && turnover.drops == 0 && turnover.makes >= kEnough &&
           !churn.growth.has_gone_objects() &&
           churn.growth.relations >= (1 - kMostStayOfMade) * turnover.makes;
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    const Churn churn = churn_in(suspicion);
    // To drop what may be there makes nothing; and functions that are made, called and dropped
    // leave their code and plans behind (plan_cache.cpp), which is another matter.
    const bool objects_are_gone = churn.growth.of_gone_objects();
    const bool found = churn.accounts || churn.beside || objects_are_gone;
    if (!found || !churn.makes || !churn.relations || stay_all(suspicion, churn)) {
        return std::nullopt;
    }
    Finding finding{
        .title = "Objects made and dropped again and again stay in the backend's catalog caches",
        .confidence = confidence(suspicion, churn),
        .groups = churn.groups,
        .by_count = is_put_down_by_count(suspicion, churn),
        .evidence = evidence(suspicion, churn),
        .remedies = remedies(churn)};
    finding.whole = objects_are_gone && holds_little_else(suspicion);
    return finding;
}

}  // namespace

CauseRule catalog_churn_rule() {
    return {.id = "catalog-churn", .covers = covers, .rank = rank, .explain = explain};
}

}  // namespace palloscope
