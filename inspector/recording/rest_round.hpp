#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <vector>

#include "attach/error.hpp"
#include "inspector/model/snapshot.hpp"

namespace palloscope {

// One look at a backend: kTimeout where it does not rest this very moment.
using ReadAtRest = std::function<Result<Snapshot>(int pid)>;

// Snapshots of the backends that come to rest within a time, together: those leave `pids`, and
// `store` gets theirs. The others stay, those behind whose reading failed for another reason. Ends
// sooner where `stop` is set, and fails where `store` does.
[[nodiscard]] Result<> read_those_at_rest(
    const ReadAtRest& read,
    std::chrono::nanoseconds within,
    const std::atomic<bool>& stop,
    std::vector<int>& pids,
    const std::function<Result<>(int pid, const Snapshot&)>& store);

}  // namespace palloscope
