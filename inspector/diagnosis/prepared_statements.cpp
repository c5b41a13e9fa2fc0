// prepared-statements: statements are prepared under ever new names and never given up.
//
// A named statement, whether by PREPARE or by the protocol's Parse message, keeps its text, its
// query tree and, once it was executed often, a generic plan, until DEALLOCATE (or the message
// Close) or the end of the session (prepare.c, plancache.c).

#include <string_view>

#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/common_evidence.hpp"
#include "inspector/diagnosis/context_kind.hpp"
#include "inspector/diagnosis/plan_growth.hpp"
#include "inspector/diagnosis/query_word.hpp"

namespace palloscope {

namespace {

bool covers(std::string_view path) {
    return is_plan_context(path) || context_kind(path) == "Prepared Queries";
}

std::optional<int> rank(std::string_view query) {
    const std::string verb = next_word(query);
    return verb == "PREPARE"   ? std::optional(0)
           : verb == "EXECUTE" ? std::optional(1)
                               : std::nullopt;
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    const PlanGrowth growth = plan_growth(suspicion.backend);
    if (growth.prepared_statements <= growth.plans) {
        return std::nullopt;
    }
    const bool by_sql = !ranked_groups(suspicion, rank).empty();
    Finding finding{
        .title = "Prepared statements are made under ever new names and never deallocated",
        .confidence = usual_confidence(suspicion,
                                       // The names themselves are counted either way.
                                       {.explained = true, .telling_statements = by_sql}),
        .groups = all_groups(suspicion),
        .remedies = {
            "Bound the driver's cache of statements, or turn it off: pgjdbc prepareThreshold=0, or "
            "a small preparedStatementCacheQueries where each PreparedStatement is closed (it "
            "bounds those only); ActiveRecord statement_limit, or prepared_statements: false; "
            "psycopg 3 prepare_threshold=None, or a small prepared_max; pgx a small "
            "statement_cache_capacity, or default_query_exec_mode=exec (statement_cache_mode="
            "describe in version 4, which cannot connect with the former).",
            "Give lists as one array, WHERE id = ANY ($1), in place of IN ($1, $2, ...): each "
            "length of a list is another text, and so another statement.",
            "What the application prepares by itself, DEALLOCATE, or prepare once a connection; in "
            "Sequel prepare(:select, :name) under names that come again, or call(:select) without. "
            "DEALLOCATE ALL and DISCARD ALL end all of them; pgbouncer runs its "
            "server_reset_query (DISCARD ALL) between clients in session pooling only.",
            "In transaction and statement pooling, pgbouncer's max_prepared_statements (from 1.21 "
            "on; 0, which is off, unless set before 1.24) bounds those that are prepared by "
            "messages (not by PREPARE) in each server connection."}};
    finding.whole = true;
    finding.evidence = usual_evidence(
        suspicion,
        finding.groups,
        {growth.explained ? "Explanations find the statements in the backend's table "
                            "of prepared statements (pg_prepared_statements)."
                          : "The table of prepared statements (Prepared Queries) "
                            "grows with the plans that are kept."});
    return finding;
}

}  // namespace

CauseRule prepared_statements_rule() {
    return {.id = "prepared-statements",
            .covers = covers,
            .rank = rank,
            .explain = explain,
            .by_what_is_kept = true};
}

}  // namespace palloscope
