#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "inspector/diagnosis/estimate.hpp"
#include "inspector/diagnosis/growth_verdict.hpp"

namespace palloscope {

// Fewer snapshots than this prove nothing: a third of them, with which the verdict is made, would
// be under four.
inline constexpr std::size_t kFewestSnapshots = 12;

struct Trend {
    GrowthVerdict verdict = GrowthVerdict::kTooFewSnapshots;
    // Index of the first snapshot after the warm-up, from which on the growth is one straight line;
    // at most half way.
    std::size_t start = 0;
    // The drift from `start` on, with its 95 % interval.
    Estimate bytes_per_second;
};

// Judges `bytes` at the moments `seconds` (rising, of the same length).
//
// The rate is the drift of the local level model (local_level.hpp). A leak is what grows after the
// warm-up, still grows in the last half and in the last third, and does not slow down, each by its
// bootstrap interval. A cache that fills and stays fails in the last half, one that still fills,
// ever more slowly, by slowing down, and a few single steps (a hash table that doubles) since many
// resampled recordings miss them. The drift itself must be above zero by 99 %. Growth below 8 kB,
// PostgreSQL's smallest usual block, is none.
[[nodiscard]] Trend judge_growth(std::span<const double> seconds, std::span<const double> bytes);

// Where a growth begins that did not begin with the series: the index of the last snapshot before
// it; 0 where it began at once. Told by how long the first twentieth of the growth took: longer
// than thrice any other.
[[nodiscard]] std::size_t begin_of_growth(std::span<const double> seconds,
                                          std::span<const double> bytes);

// Whether the bytes rise in each third of the series, by a sixth of the whole growth at least. It
// proves no leak, since a cache may fill as slowly; it is for what is no cache, and comes in steps
// that are too few for more (blocks of a megabyte).
[[nodiscard]] bool rises_throughout(std::span<const double> bytes);

// `values`' differences between neighbours: one fewer than the values.
[[nodiscard]] std::vector<double> differences(std::span<const double> values);

}  // namespace palloscope
