#include "inspector/diagnosis/snapshot_choice.hpp"

#include "inspector/diagnosis/trend.hpp"

namespace palloscope {

namespace {

constexpr std::size_t kMostSnapshots = 2000;
constexpr double kCoveredShare = 0.8;

// Indices of the snapshots whose time is later than that of all before them.
std::vector<std::size_t> in_order(std::span<const SnapshotSummary> snapshots) {
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < snapshots.size(); ++i) {
        if (kept.empty() || snapshots[i].taken_at_ns > snapshots[kept.back()].taken_at_ns) {
            kept.push_back(i);
        }
    }
    return kept;
}

double span_seconds(std::span<const SnapshotSummary> snapshots,
                    const std::vector<std::size_t>& indices) {
    if (indices.empty()) {
        return 0;
    }
    return static_cast<double>(snapshots[indices.back()].taken_at_ns -
                               snapshots[indices.front()].taken_at_ns) /
           1e9;
}

std::vector<std::size_t> thinned(const std::vector<std::size_t>& indices) {
    if (indices.size() <= kMostSnapshots) {
        return indices;
    }
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < kMostSnapshots; ++i) {
        kept.push_back(indices[i * (indices.size() - 1) / (kMostSnapshots - 1)]);
    }
    return kept;
}

}  // namespace

SnapshotChoice choose_snapshots(std::span<const SnapshotSummary> snapshots) {
    const std::vector<std::size_t> all = in_order(snapshots);
    std::vector<std::size_t> idle;
    for (const std::size_t index : all) {
        if (snapshots[index].state == "idle") {
            idle.push_back(index);
        }
    }
    SnapshotChoice choice;
    choice.out_of_order = snapshots.size() - all.size();
    const bool enough_idle =
        idle.size() >= kFewestSnapshots &&
        span_seconds(snapshots, idle) >= kCoveredShare * span_seconds(snapshots, all);
    choice.idle_only = enough_idle || idle.size() == all.size();
    choice.indices = thinned(choice.idle_only ? idle : all);
    for (const std::size_t index : choice.indices) {
        const std::int64_t moment = snapshots[index].taken_at_ns;
        choice.moments_ns.push_back(moment);
        choice.seconds.push_back(static_cast<double>(moment - choice.moments_ns.front()) / 1e9);
    }
    return choice;
}

}  // namespace palloscope
