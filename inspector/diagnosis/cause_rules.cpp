#include "inspector/diagnosis/cause_rules.hpp"

#include <array>

namespace palloscope {

std::span<const CauseRule> cause_rules() {
    static const std::array rules{
        catalog_churn_rule(),
        session_settings_rule(),
        malloc_retention_rule(),
        outside_contexts_rule(),
        shared_memory_touch_rule(),
        unknown_cause_rule(),
    };
    return rules;
}

}  // namespace palloscope
