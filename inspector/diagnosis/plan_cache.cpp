// plan-cache: plans of functions and of SPI that are kept for statements which never run again.
//
// PL/pgSQL keeps a plan for each statement and expression of a function from its first execution on
// (pl_exec.c, exec_prepare_plan; spi.c, SPI_keepplan; plancache.c), and gives it up only where the
// same function is compiled anew: not where it was dropped.

#include <algorithm>
#include <string_view>

#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/common_evidence.hpp"
#include "inspector/diagnosis/common_remedies.hpp"
#include "inspector/diagnosis/function_contexts.hpp"
#include "inspector/diagnosis/plan_growth.hpp"
#include "inspector/diagnosis/query_word.hpp"

namespace palloscope {

namespace {

std::optional<int> rank(std::string_view query) {
    const std::string verb = next_word(query);
    if (verb == "SELECT" || verb == "CALL" || verb == "DO") {
        return 0;
    }
    return mentions(query, "FUNCTION") || mentions(query, "PROCEDURE") ? std::optional(1)
                                                                       : std::nullopt;
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    const PlanGrowth growth = plan_growth(suspicion.backend);
    if (growth.plans <= 0 || growth.plans < growth.prepared_statements ||
        growth.plans < growth.functions) {
        return std::nullopt;
    }
    Finding finding{
        .title = "Plans are kept for statements of functions, ever more of them",
        .confidence = usual_confidence(suspicion, {.explained = growth.explained}),
        .groups = all_groups(suspicion),
        .remedies = {
            "Do not make a function for each query. A DO block keeps its plans only while it runs, "
            "and EXECUTE in a function keeps none: EXECUTE format('...', ...) USING ...",
            "plan_cache_mode = force_custom_plan (12 and later; by ALTER ROLE or SET) keeps no "
            "generic plans of statements with parameters. Their texts and query trees stay.",
            "C functions: SPI_freeplan() what SPI_keepplan() or SPI_prepare() kept.",
            "Else end connections after a number of uses: the plans of a function stay in the "
            "backend though the function is dropped. DEALLOCATE ALL does not end them, and DISCARD "
            "PLANS only has them made anew.",
            kPoolsThatEndConnectionsByAge}};
    finding.whole = true;
    finding.evidence = usual_evidence(
        suspicion,
        finding.groups,
        {growth.explained ? "Explanations find them with functions and SPI, not among "
                            "the prepared statements."
                          : "The table of prepared statements (Prepared Queries) does "
                            "not grow with them: they belong to functions or SPI."});
    return finding;
}

}  // namespace

CauseRule plan_cache_rule() {
    return {.id = "plan-cache",
            .covers = covers_functions,
            .rank = rank,
            .explain = explain,
            .by_what_is_kept = true};
}

}  // namespace palloscope
