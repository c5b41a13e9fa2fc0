#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "inspector/diagnosis/attribution.hpp"
#include "inspector/diagnosis/cause_rule.hpp"
#include "inspector/diagnosis/snapshot_choice.hpp"
#include "inspector/diagnosis/statement_groups.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

// The statements of one backend, counted and grouped at its chosen snapshots: counted once, asked
// for every series of bytes.
class Suspects {
  public:
    // All must outlive this; `choice` has at least one snapshot. `weights` as in
    // count_statements().
    Suspects(const History& history,
             const BackendHistory& backend,
             std::span<const SightingWeight> weights,
             const SnapshotChoice& choice);

    // What grows `bytes` (at the chosen snapshots, from `first` on), as far as `rule` covers it.
    // Fills the groups, the ranked statements, the best counted group, the untied growth and the
    // straightness of `suspicion`.
    // `every_bytes` is the same series at every snapshot of the backend, for stepped recordings.
    //
    // A group that runs only in the transactions of ranked statements (transaction_company.hpp),
    // more often in some than in others, is part of their round: it joins the largest ranked group
    // that the growth was put down to, and where it was put down to such parts alone, the group
    // with the most ranked statements.
    void accuse(std::span<const double> bytes,
                std::span<const double> every_bytes,
                std::size_t first,
                const CauseRule& rule,
                Suspicion& suspicion) const;

  private:
    [[nodiscard]] std::vector<SuspectedStatement> members(
        const StatementGroup& group,
        const std::vector<StepDelta>& own,
        std::optional<int> (*rank)(std::string_view)) const;

    [[nodiscard]] SuspectedGroup suspected(const StatementGroup& group,
                                           const Estimate& bytes_per_round,
                                           const std::vector<StepDelta>& own,
                                           std::optional<int> (*rank)(std::string_view)) const;
    // Suspicion::best_counted; the growth is that of `bytes` from `first` on.
    [[nodiscard]] std::optional<SuspectedGroup> best_counted(
        std::span<const double> bytes,
        std::size_t first,
        const std::vector<StepDelta>& own,
        std::optional<int> (*rank)(std::string_view),
        const Trend& trend) const;
    // What statements are known to have left in contexts that `rule` covers.
    [[nodiscard]] std::vector<KnownShare> known_shares(const CauseRule& rule) const;
    // The groups that `rule` knows to be a cause by what they left, or ranks.
    [[nodiscard]] std::vector<bool> plausible_groups(const CauseRule& rule,
                                                     const std::vector<bool>& ranked) const;
    // The groups whose members took more than `bytes` by themselves.
    [[nodiscard]] std::vector<bool> groups_that_took(double bytes,
                                                     const std::vector<StepDelta>& own) const;
    // attribute_growth() of pages: the statement that touches a page need not be the one whose
    // memory reached it, so what ran in a round must lie in one interval.
    [[nodiscard]] Attribution attribute_pages(std::span<const double> bytes,
                                              std::size_t first,
                                              const std::vector<bool>& plausible) const;
    // Whether each column runs in the transactions of `ranked` ones, and hardly ever elsewhere.
    [[nodiscard]] std::vector<bool> companions(const std::vector<bool>& ranked) const;

    const History& history_;
    const BackendHistory& backend_;
    const SnapshotChoice& choice_;
    bool stepped_;
    StatementCounts counts_;
    std::vector<StatementGroup> groups_;
};

}  // namespace palloscope
