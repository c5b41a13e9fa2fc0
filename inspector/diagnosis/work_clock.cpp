#include "inspector/diagnosis/work_clock.hpp"

#include <algorithm>
#include <cmath>

namespace palloscope {

namespace {

// Of the time, that passes without work, so that no two moments become one.
constexpr double kIdleShare = 0.05;

}  // namespace

BackendHistory by_work(const BackendHistory& backend) {
    BackendHistory even = backend;
    if (backend.snapshots.empty() || backend.executions.empty()) {
        return even;
    }
    const std::int64_t begin_ns = backend.snapshots.front().taken_at_ns;
    const std::int64_t end_ns = backend.snapshots.back().taken_at_ns;
    const auto ended_by = [&](std::int64_t time_ns) {
        const auto after = std::ranges::upper_bound(
            backend.executions, time_ns, {}, &ExecutionRecord::ended_at_ns);
        return static_cast<double>(after - backend.executions.begin());
    };
    const double before = ended_by(begin_ns);
    const double all = std::max(ended_by(end_ns) - before, 1.0);
    const auto moved = [&](std::int64_t time_ns) -> std::int64_t {
        if (time_ns <= begin_ns || time_ns >= end_ns) {
            return time_ns;
        }
        const double work =
            (ended_by(time_ns) - before) / all * static_cast<double>(end_ns - begin_ns);
        const auto passed = static_cast<double>(time_ns - begin_ns);
        return begin_ns + std::llround(kIdleShare * passed + (1 - kIdleShare) * work);
    };
    for (SnapshotSummary& snapshot : even.snapshots) {
        snapshot.taken_at_ns = moved(snapshot.taken_at_ns);
    }
    for (ExecutionRecord& execution : even.executions) {
        const std::int64_t duration_ns = execution.ended_at_ns - execution.started_at_ns;
        execution.ended_at_ns = moved(execution.ended_at_ns);
        execution.started_at_ns = execution.ended_at_ns - duration_ns;
    }
    return even;
}

}  // namespace palloscope
