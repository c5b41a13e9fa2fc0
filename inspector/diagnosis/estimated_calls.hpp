#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "inspector/diagnosis/sightings.hpp"

namespace palloscope {

// How often looks saw one statement, and the ways to tell how often it ran.
struct CallsSeen {
    // Those that no look could have missed, and those that were seen by chance.
    double certain = 0;
    double by_chance = 0;
    // How many the latter stand for, by when each began before a look (estimate_calls()).
    CallsEstimate by_sightings;
    // All of them, by the transaction blocks that they were seen in (calls_by_transactions()).
    std::optional<CallsEstimate> by_transactions;
};

// What those that were seen by chance stand for.
struct EstimatedCalls {
    CallsEstimate calls;
    bool by_transactions = false;
};

// One number for each statement of a backend, out of the ways to tell it.
//
// What runs once in a transaction block is counted by the blocks, where that is about as much more
// than the sightings alone say as it is for most: it may be the number of all blocks, and the
// statement be in some only. And as much as these numbers say that sightings miss too many, the
// others are taken to miss. What the backend's reports say that looks missed of all together
// (BackendHistory::seen_share) draws the numbers nearer, each as its variance is, all as far as the
// reports are the surer, none below what was seen.
[[nodiscard]] std::vector<EstimatedCalls> estimated_calls(std::span<const CallsSeen> seen,
                                                          std::optional<double> missed_by_reports);

}  // namespace palloscope
