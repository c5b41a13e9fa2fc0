#pragma once

#include <span>

#include "inspector/diagnosis/cause_rule.hpp"

namespace palloscope {

// All rules, in the order in which they are asked: the more specific first, "unknown" last. A new
// rule is a file of its own and a line here.
[[nodiscard]] std::span<const CauseRule> cause_rules();

// catalog_churn.cpp: relations, schemas and functions made and dropped.
[[nodiscard]] CauseRule catalog_churn_rule();
// unknown_cause.cpp: grows, and no other rule explains it.
[[nodiscard]] CauseRule unknown_cause_rule();

}  // namespace palloscope
