#include "inspector/diagnosis/step_deltas.hpp"

#include <algorithm>
#include <cmath>

namespace palloscope {

namespace {

// For each interval that ends at a snapshot: its only execution, if it has exactly one.
struct Interval {
    std::size_t executions = 0;
    std::size_t column = StatementCounts::kNoColumn;
};

std::vector<Interval> intervals_of(const BackendHistory& backend, const StatementCounts& counts) {
    std::vector<std::int64_t> moments;
    for (const SnapshotSummary& snapshot : backend.snapshots) {
        // A clock that went back would leave the moments unsorted: such intervals are empty.
        moments.push_back(moments.empty() ? snapshot.taken_at_ns
                                          : std::max(moments.back(), snapshot.taken_at_ns));
    }
    std::vector<Interval> intervals(moments.size());
    for (const ExecutionRecord& execution : backend.executions) {
        const auto at = std::ranges::lower_bound(moments, execution.ended_at_ns);
        if (at != moments.end()) {
            Interval& interval = intervals[static_cast<std::size_t>(at - moments.begin())];
            ++interval.executions;
            interval.column = execution.form < counts.column_of_form.size()
                                  ? counts.column_of_form[execution.form]
                                  : StatementCounts::kNoColumn;
        }
    }
    return intervals;
}

struct Sums {
    double calls = 0;
    double sum = 0;
    double squares = 0;
};

StepDelta delta_of(const Sums& sums) {
    StepDelta delta;
    if (sums.calls == 0) {
        return delta;
    }
    const double mean = sums.sum / sums.calls;
    const double variance = std::max(0.0, sums.squares / sums.calls - mean * mean);
    // Student's quantile is below 1.96 + 2.4 / (n − 1) + … for every n from 4 on; fewer calls than
    // that have no column.
    const double freedom = std::max(sums.calls - 1, 1.0);
    const double quantile = 1.96 + 2.4 / freedom + 3.0 / (freedom * freedom);
    const double half = quantile * std::sqrt(variance / freedom);
    delta.bytes_per_call = {.value = mean, .low = mean - half, .high = mean + half};
    delta.calls = static_cast<std::size_t>(sums.calls);
    return delta;
}

}  // namespace

std::vector<StepDelta> step_deltas(const BackendHistory& backend,
                                   const StatementCounts& counts,
                                   std::span<const double> bytes,
                                   std::size_t first) {
    const std::vector<Interval> intervals = intervals_of(backend, counts);
    std::vector<Sums> sums(counts.columns.size());
    for (std::size_t i = first + 1; i < intervals.size(); ++i) {
        if (intervals[i].executions == 1 && intervals[i].column != StatementCounts::kNoColumn) {
            const double growth = bytes[i] - bytes[i - 1];
            Sums& of_column = sums[intervals[i].column];
            of_column.calls += 1;
            of_column.sum += growth;
            of_column.squares += growth * growth;
        }
    }
    std::vector<StepDelta> deltas;
    deltas.reserve(sums.size());
    for (const Sums& of_column : sums) {
        deltas.push_back(delta_of(of_column));
    }
    return deltas;
}

}  // namespace palloscope
