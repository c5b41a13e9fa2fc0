#pragma once

#include <span>

#include "inspector/diagnosis/cause_rule.hpp"

namespace palloscope {

// All rules, in the order in which they are asked: the more specific first, "unknown" last. A new
// rule is a file of its own and a line here.
[[nodiscard]] std::span<const CauseRule> cause_rules();

// catalog_churn.cpp: relations, schemas and functions made and dropped.
[[nodiscard]] CauseRule catalog_churn_rule();
// open_cursors.cpp: cursors that are never closed.
[[nodiscard]] CauseRule open_cursors_rule();
// long_transaction.cpp: savepoints, deferred triggers and the like in a transaction that stays
// open.
[[nodiscard]] CauseRule long_transaction_rule();
// session_state.cpp: locks of the session, channels, settings.
[[nodiscard]] CauseRule session_state_rule();
// prepared_statements.cpp: statements prepared under ever new names.
[[nodiscard]] CauseRule prepared_statements_rule();
// plan_cache.cpp: plans that functions and SPI keep.
[[nodiscard]] CauseRule plan_cache_rule();
// procedural_functions.cpp: compiled functions.
[[nodiscard]] CauseRule procedural_functions_rule();
// catalog_breadth.cpp: very many objects touched.
[[nodiscard]] CauseRule catalog_breadth_rule();
// negative_catcache.cpp: names looked up in vain.
[[nodiscard]] CauseRule negative_catcache_rule();
// hidden_churn.cpp: relations that functions make and drop.
[[nodiscard]] CauseRule hidden_churn_rule();
// session_settings.cpp: settings, where they lie outside of contexts.
[[nodiscard]] CauseRule session_settings_rule();
// malloc_retention.cpp: freed, and kept by malloc.
[[nodiscard]] CauseRule malloc_retention_rule();
// outside_contexts.cpp: JIT, libraries, extensions.
[[nodiscard]] CauseRule outside_contexts_rule();
// temporary_buffers.cpp: buffers for temporary tables; no leak.
[[nodiscard]] CauseRule temporary_buffers_rule();
// query_workspace.cpp: what a running statement works with; no leak.
[[nodiscard]] CauseRule query_workspace_rule();
// shared_memory_touch.cpp: RSS that is shared; no leak.
[[nodiscard]] CauseRule shared_memory_touch_rule();
// unknown_cause.cpp: grows, and no other rule explains it.
[[nodiscard]] CauseRule unknown_cause_rule();

}  // namespace palloscope
