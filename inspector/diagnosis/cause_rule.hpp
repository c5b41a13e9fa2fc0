#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inspector/diagnosis/context_kind.hpp"
#include "inspector/diagnosis/diagnosis.hpp"
#include "inspector/diagnosis/statement_columns.hpp"
#include "inspector/diagnosis/step_deltas.hpp"
#include "inspector/diagnosis/trend.hpp"

namespace palloscope {

// Memory of the process that is in no context, as paths beside those of contexts: RssAnon less the
// total bytes of all contexts, and RssShmem.
inline constexpr std::string_view kOutsideContexts = "outside of memory contexts";
inline constexpr std::string_view kSharedMemory = "shared memory";

[[nodiscard]] constexpr bool is_context(std::string_view path) {
    return path != kOutsideContexts && path != kSharedMemory;
}

// Whether it is a context that can grow without a bound.
[[nodiscard]] inline bool may_leak(std::string_view path) {
    return is_context(path) && !is_for_temporary_tables(path);
}

// A statement of a suspected group.
struct SuspectedStatement {
    const StatementColumn* statement = nullptr;
    double calls_in_a_round = 1;
    // Where the recording was stepped: its own effect on the suspected contexts.
    std::optional<StepDelta> own;
};

// Statements that never vary apart, and what stays after a round of them.
struct SuspectedGroup {
    // Over the whole of the snapshots used.
    double rounds = 0;
    Estimate bytes_per_round;
    // What it left up to each of the snapshots used.
    std::vector<double> bytes_so_far;
    // Sorted by the rule's rank, then as they ran most; what joined as a part (suspects.hpp) last.
    std::vector<SuspectedStatement> statements;

    [[nodiscard]] double bytes() const { return rounds * bytes_per_round.value; }
};

// What a rule judges: the growth of the contexts that it covers, less what other rules explained,
// proven to be a leak before any rule is asked.
struct Suspicion {
    const BackendHistory& backend;
    Trend trend;
    // From the first snapshot used to the last.
    double seconds = 0;
    double bytes = 0;
    // What the growth after the warm-up would come to in all that time: what causes must explain.
    double lasting_bytes = 0;
    // What came after the warm-up.
    double bytes_since_warm_up = 0;
    // Growth of RssAnon in the same time.
    double rss_anon_bytes = 0;
    // RssAnon beyond all contexts at the last snapshot used.
    double outside_bytes = 0;
    // The growth of the contexts covered, of all growth of the backend, 0 … 1.
    double share_of_growth = 0;
    // The contexts covered that grew, largest first.
    std::vector<ContextGrowth> contexts;
    // Largest first.
    std::vector<SuspectedGroup> groups;
    // All statements of the backend that the rule ranks, most frequent first: also those that the
    // growth was not put down to.
    std::vector<const StatementColumn*> ranked;
    // The ranked statement whose number of calls is known best, as if all the growth were its: for
    // rules that know the cause otherwise. Where it is counted by transaction blocks, with those
    // that run once in each of them. None where none ran.
    std::optional<SuspectedGroup> best_counted;
    std::optional<Estimate> untied_bytes_per_second;
    // How straight a line of bytes against rounds is, 0 … 1.
    double straightness = 0;
    bool stepped = false;
    // Whether the recording has any statements of this backend.
    bool has_statements = false;
};

// What a rule makes of a suspicion.
struct Finding {
    std::string title;
    double confidence = 0;
    // Indices into Suspicion::groups: those that this cause explains.
    std::vector<std::size_t> groups;
    // Whether, where there are none, it is put down to Suspicion::best_counted.
    bool by_count = false;
    std::vector<std::string> evidence;
    std::vector<std::string> remedies;
    // Whether all growth that was suspected is this cause's, known by what the bytes are: also what
    // no statement accounts for.
    bool whole = false;
};

// CauseRule::rank of a cause that no statement is known for.
[[nodiscard]] inline std::optional<int> no_rank(std::string_view /*query*/) {
    return std::nullopt;
}

// One cause of growth. A rule is three questions, asked in this order; it keeps no state.
struct CauseRule {
    std::string_view id;
    // Can contexts of this path (ContextTree::name_path) grow by this cause? A rule covers contexts
    // or memory outside of them, not both.
    bool (*covers)(std::string_view path);
    // Can this statement be the cause? If so, its rank in the report (0 first).
    std::optional<int> (*rank)(std::string_view query) = no_rank;
    // Does the evidence hold? None where it does not.
    std::optional<Finding> (*explain)(const Suspicion& suspicion);
    // Whether it is a leak, or only looks like one (BackendDiagnosis::harmless).
    bool leaks = true;
    // Whether statements that are known to have left contexts that it covers
    // (StatementColumn::left_in) are the cause before all others.
    bool by_what_is_kept = false;
    // Whether it covers caches, which may fill and stay, so that only a proven leak is growth
    // (judge_growth). Else it is enough that it rises throughout (rises_throughout).
    bool may_settle = true;
};

// Whether the rule covers memory that is in no context.
[[nodiscard]] inline bool of_process(const CauseRule& rule) {
    return rule.covers(kOutsideContexts) || rule.covers(kSharedMemory);
}

}  // namespace palloscope
