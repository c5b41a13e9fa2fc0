#pragma once

#include <span>

#include "inspector/diagnosis/cause_rule.hpp"

namespace palloscope {

// All rules, in the order in which they are asked: the more specific first, "unknown" last. A new
// rule is a file of its own and a line here.
[[nodiscard]] std::span<const CauseRule> cause_rules();

// catalog_churn.cpp: relations, schemas and functions made and dropped.
[[nodiscard]] CauseRule catalog_churn_rule();
// long_transaction.cpp: savepoints, deferred triggers and the like in a transaction that stays
// open.
[[nodiscard]] CauseRule long_transaction_rule();
// session_settings.cpp: settings, where they lie outside of contexts.
[[nodiscard]] CauseRule session_settings_rule();
// malloc_retention.cpp: freed, and kept by malloc.
[[nodiscard]] CauseRule malloc_retention_rule();
// outside_contexts.cpp: JIT, libraries, extensions.
[[nodiscard]] CauseRule outside_contexts_rule();
// shared_memory_touch.cpp: RSS that is shared; no leak.
[[nodiscard]] CauseRule shared_memory_touch_rule();
// unknown_cause.cpp: grows, and no other rule explains it.
[[nodiscard]] CauseRule unknown_cause_rule();

}  // namespace palloscope
