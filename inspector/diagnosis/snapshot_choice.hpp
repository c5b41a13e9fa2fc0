#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "inspector/model/history.hpp"

namespace palloscope {

// Which snapshots of a backend its growth is measured on. Between statements and outside
// transactions ("idle") a backend holds only what stays.
struct SnapshotChoice {
    // Indices into the snapshots, at rising times, at most 2,000: of more, evenly spread ones with
    // the first and the last.
    std::vector<std::size_t> indices;
    // Moments of these: Unix time in nanoseconds, and seconds since the first of them.
    std::vector<std::int64_t> moments_ns;
    std::vector<double> seconds;
    // Whether all of them were taken in state "idle". Where fewer than 12 were, or they cover less
    // than four fifths of the recording, every snapshot is used.
    bool idle_only = false;
    // Snapshots left out since the clock stood still or went back.
    std::size_t out_of_order = 0;
};

[[nodiscard]] SnapshotChoice choose_snapshots(std::span<const SnapshotSummary> snapshots);

}  // namespace palloscope
