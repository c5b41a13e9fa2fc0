#pragma once

#include <chrono>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "attach/error.hpp"
#include "attach/process.hpp"
#include "inspector/cli/options.hpp"

namespace palloscope {

// Finds the targets of a recording again and again. To look at a backend costs a tenth of a
// millisecond, at any other process a tenth of that, and there may be thousands: of 'all', those
// are looked at that are new since the search before, and all of them every ten seconds (a client
// may rename itself).
//
//     TargetSearch search(options.target);
//     Result<std::vector<int>> now = search.find();  // every second
class TargetSearch {
  public:
    explicit TargetSearch(TargetOptions target) : target_(std::move(target)) {}

    // The targets that run now, none where they have all ended. Errors as of resolve_targets(), but
    // for kGone.
    [[nodiscard]] Result<std::vector<int>> find();

  private:
    using Clock = std::chrono::steady_clock;

    [[nodiscard]] Result<std::vector<int>> find_all();
    // Processes that are new at this search, or were at the one before: one may be looked at before
    // it has become a backend.
    [[nodiscard]] std::vector<int> young_ones();

    TargetOptions target_;
    Clock::time_point all_at_;  // when all are to be looked at again; at once
    std::map<int, Process> found_;
    // Those that were there at the last search, and those of them that were new then.
    std::set<int> known_;
    std::set<int> newest_;
};

}  // namespace palloscope
