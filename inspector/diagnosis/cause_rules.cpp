#include "inspector/diagnosis/cause_rules.hpp"

#include <array>

namespace palloscope {

std::span<const CauseRule> cause_rules() {
    static const std::array rules{
        catalog_churn_rule(),
        unknown_cause_rule(),
    };
    return rules;
}

}  // namespace palloscope
