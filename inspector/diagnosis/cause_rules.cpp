#include "inspector/diagnosis/cause_rules.hpp"

#include <array>

namespace palloscope {

std::span<const CauseRule> cause_rules() {
    static const std::array rules{
        // Of contexts that no other rule covers: what it finds counts as no growth for the others.
        temporary_buffers_rule(),
        catalog_churn_rule(),
        open_cursors_rule(),
        long_transaction_rule(),
        session_state_rule(),
        prepared_statements_rule(),
        plan_cache_rule(),
        procedural_functions_rule(),
        catalog_breadth_rule(),
        negative_catcache_rule(),
        hidden_churn_rule(),
        session_settings_rule(),
        malloc_retention_rule(),
        outside_contexts_rule(),
        query_workspace_rule(),
        shared_memory_touch_rule(),
        unknown_cause_rule(),
    };
    return rules;
}

}  // namespace palloscope
