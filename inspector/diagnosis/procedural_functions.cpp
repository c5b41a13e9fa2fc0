// procedural-functions: ever more functions are called for the first time in one session.
//
// A function is compiled at its first call, as a whole, and stays compiled until it changes or the
// session ends (pl_comp.c, plpgsql_compile; funccache.c from 18 on); a trigger's function once for
// each table, a polymorphic one once for each set of types. Where those tables are gone, the cause
// is catalog_churn.cpp's.

#include <string_view>

#include "inspector/diagnosis/catalog_growth.hpp"
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
    return verb == "SELECT" || verb == "CALL" ? std::optional(0) : std::nullopt;
}

bool of_gone_tables(const BackendHistory& backend) {
    const CatalogGrowth growth = catalog_growth(backend);
    return growth.of_gone_objects() && growth.compiled_again > growth.compiled_first;
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    const PlanGrowth growth = plan_growth(suspicion.backend);
    if (growth.functions <= 0 || growth.functions < growth.plans ||
        of_gone_tables(suspicion.backend)) {
        return std::nullopt;
    }
    Finding finding{
        .title = "Ever more functions are compiled in one session",
        .confidence = usual_confidence(suspicion, {.explained = growth.explained}),
        .groups = all_groups(suspicion),
        .remedies = {
            "End connections after a number of uses: a compiled function stays in the backend, "
            "also when it was dropped. No setting limits them, and DISCARD ALL leaves them alone.",
            kPoolsThatEndConnectionsByAge,
            "One function with a parameter, or a table of rules that it reads, in place of a "
            "function for each rule, tenant or table.",
            "Short functions: all branches are compiled, also those that never run. LANGUAGE sql "
            "is not kept from call to call up to PostgreSQL 17.",
            "Have each worker serve a part of the functions, so that no session compiles all of "
            "them."}};
    finding.whole = true;
    finding.evidence = usual_evidence(
        suspicion,
        finding.groups,
        {growth.explained
             ? "Explanations find compiled functions, which take more than the plans in them."
             : "Contexts of compiled functions take more than the plans that are kept."});
    return finding;
}

}  // namespace

CauseRule procedural_functions_rule() {
    return {.id = "procedural-functions",
            .covers = covers_functions,
            .rank = rank,
            .explain = explain,
            .by_what_is_kept = true};
}

}  // namespace palloscope
