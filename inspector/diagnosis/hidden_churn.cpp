// catalog-churn, where the statements do not show it: relations that functions make, use and drop.
//
// The statement only calls the function, but what stays in the caches is that of catalog_churn.cpp:
// negative entries under the numbers of objects that are gone (no statistics of a column of a table
// that just was made), the code of triggers once for each of them, and no more relations than
// before.

#include <algorithm>
#include <string_view>

#include "inspector/diagnosis/catalog_growth.hpp"
#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/common_evidence.hpp"
#include "inspector/diagnosis/common_remedies.hpp"
#include "inspector/diagnosis/context_kind.hpp"
#include "inspector/diagnosis/function_contexts.hpp"
#include "inspector/diagnosis/query_word.hpp"

namespace palloscope {

namespace {

constexpr double kFewRelations = 50;

bool covers(std::string_view path) {
    return context_kind(path) == "CacheMemoryContext" || covers_functions(path);
}

std::optional<int> rank(std::string_view query) {
    const std::string verb = next_word(query);
    return verb == "SELECT" || verb == "CALL" || verb == "DO" ? std::optional(0) : std::nullopt;
}

// Whether the backend has read or written a temporary table (localbuf.c).
bool uses_temporary_tables(const BackendHistory& backend) {
    return std::ranges::any_of(backend.contexts, [](const ContextSeries& series) {
        return is_for_temporary_tables(series.path);
    });
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    const CatalogGrowth growth = catalog_growth(suspicion.backend);
    const bool temporary = uses_temporary_tables(suspicion.backend);
    const bool found = growth.explained ? growth.of_gone_objects()
                                        : temporary && growth.relations < kFewRelations &&
                                              suspicion.has_statements;
    if (!found) {
        return std::nullopt;
    }
    Finding finding{
        .title = "Tables that functions make and drop stay in the backend's catalog caches",
        .confidence = usual_confidence(
            suspicion, {.explained = growth.explained, .telling_statements = temporary}),
        .groups = all_groups(suspicion),
        .remedies = {
            "In the function, make the temporary table once a session (CREATE TEMPORARY TABLE IF "
            "NOT EXISTS ... ON COMMIT DELETE ROWS, or TRUNCATE at the start) in place of making "
            "and dropping it at each call; or do without: WITH ... AS, or an array in a variable.",
            "Else end connections after a number of uses: the memory goes with the backend. VACUUM "
            "does not help, nor does DISCARD ALL, which leaves these caches alone.",
            kPoolsThatEndConnectionsByAge}};
    std::vector<std::string> own;
    if (growth.explained) {
        own.push_back(what_is_of_gone_objects(growth));
    }
    if (temporary && suspicion.has_statements) {
        own.emplace_back(
            "The backend has buffers for temporary tables (LocalBufferContext), and no statement "
            "that was recorded often makes any: functions do.");
    }
    finding.whole = growth.explained;
    finding.evidence = usual_evidence(suspicion, finding.groups, std::move(own));
    return finding;
}

}  // namespace

CauseRule hidden_churn_rule() {
    return {.id = "catalog-churn", .covers = covers, .rank = rank, .explain = explain};
}

}  // namespace palloscope
