#include "inspector/diagnosis/plan_callers.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace palloscope {

namespace {

// Fewer tell no two statements apart.
constexpr double kFewestPlans = 50;
// How far an estimate may be from what it is to be, and how well it must be known: of the dozens of
// statements of a load, one whose number is hardly known is soon as many by chance. What is counted
// by transaction blocks is known well enough.
constexpr double kAsMany = 1.3;
constexpr double kMostError = 0.15;
// At the borders, of a call that was under way at a snapshot.
constexpr double kMostBeyond = 0.02;

bool may_leave(const KeptCount& plans,
               const std::vector<double>& seen,
               const StatementColumn& column) {
    const double ratio = column.total() / plans.more.back();
    if (!column.estimated() || !column.blocks.empty() || column.error > kMostError ||
        ratio > kAsMany || ratio < 1 / kAsMany) {
        return false;
    }
    double all = 0;
    double beyond = 0;
    for (std::size_t i = 1; i < seen.size(); ++i) {
        all += seen[i];
        beyond += std::max(seen[i] - (plans.more[i] - plans.more[i - 1]), 0.0);
    }
    return beyond <= std::max(kMostBeyond * all, 1.0);
}

}  // namespace

bool are_plans(const KeptCount& kept) {
    return kept.path.ends_with("/CachedPlanSource");
}

void count_callers(std::span<const KeptCount> plans,
                   std::span<const std::vector<double>> seen,
                   std::vector<StatementColumn>& columns) {
    for (const KeptCount& kept : plans) {
        if (kept.more.back() < kFewestPlans) {
            continue;
        }
        std::optional<std::size_t> caller;
        std::size_t callers = 0;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (may_leave(kept, seen[i], columns[i])) {
                caller = i;
                ++callers;
            }
        }
        if (callers == 1) {
            columns[*caller].count_exactly(kept.more);
        }
    }
}

}  // namespace palloscope
