#include "inspector/diagnosis/stopped_growth.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

#include "inspector/diagnosis/snapshot_choice.hpp"
#include "inspector/diagnosis/statement_columns.hpp"

namespace palloscope {

namespace {

constexpr std::int64_t kSmallestGrowth = 8192;
// Of the growth: it is over where no more than this is still to come.
constexpr double kNoise = 0.02;
// Of the recording: a leak that ended sooner looks like caches that fill.
constexpr double kEarliestEnd = 1.0 / 3;
constexpr double kLatestEnd = 0.9;
// Of the calls of a statement: a last one may end a moment after the growth.
constexpr double kFewCalls = 0.02;

}  // namespace

std::optional<std::int64_t> end_of_growth_ns(const BackendHistory& backend) {
    const SnapshotChoice choice = choose_snapshots(backend.snapshots);
    const auto used = [&](std::size_t i) {
        return backend.snapshots[choice.indices[i]].total.used_bytes;
    };
    const std::size_t size = choice.indices.size();
    if (size == 0 || used(size - 1) - used(0) < kSmallestGrowth) {
        return std::nullopt;
    }
    const auto to_come =
        static_cast<std::int64_t>(kNoise * static_cast<double>(used(size - 1) - used(0)));
    std::size_t end = size - 1;
    while (end > 0 && used(end - 1) >= used(size - 1) - to_come) {
        --end;
    }
    const double share = choice.seconds[end] / choice.seconds.back();
    return share >= kEarliestEnd && share <= kLatestEnd ? std::optional(choice.moments_ns[end])
                                                        : std::nullopt;
}

BackendHistory up_to(const BackendHistory& backend, std::int64_t moment_ns) {
    BackendHistory earlier = backend;
    std::erase_if(earlier.snapshots, [&](const SnapshotSummary& snapshot) {
        return snapshot.taken_at_ns > moment_ns;
    });
    // Where the clock went back, those left out need not be the last.
    for (ContextSeries& series : earlier.contexts) {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < backend.snapshots.size(); ++i) {
            if (backend.snapshots[i].taken_at_ns <= moment_ns) {
                series.figures[kept] = series.figures[i];
                series.count[kept] = series.count[i];
                ++kept;
            }
        }
        series.figures.resize(kept);
        series.count.resize(kept);
    }
    std::erase_if(earlier.executions, [&](const ExecutionRecord& execution) {
        return execution.ended_at_ns > moment_ns;
    });
    return earlier;
}

bool goes_on_after(const Cause& cause,
                   const History& history,
                   const BackendHistory& backend,
                   std::int64_t moment_ns) {
    constexpr auto kEver = std::numeric_limits<std::int64_t>::max();
    const std::array moments{backend.snapshots.front().taken_at_ns, moment_ns, kEver};
    const StatementCounts counts =
        count_statements(history.forms,
                         backend.executions,
                         moments,
                         SeenByLooks{.share = backend.seen_share, .weights = {}});
    const auto is_of_cause = [&](const StatementColumn& column) {
        return cause.statements.empty() ||
               std::ranges::find(cause.statements,
                                 column.fingerprint,
                                 &AttributedStatement::fingerprint) != cause.statements.end();
    };
    double all = 0;
    double later = 0;
    for (const StatementColumn& column : counts.columns) {
        if (is_of_cause(column)) {
            all += column.calls[2];
            later += column.calls[2] - column.calls[1];
        }
    }
    return later >= kFewCalls * all;
}

}  // namespace palloscope
