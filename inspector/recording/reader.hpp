#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "attach/error.hpp"
#include "inspector/model/explanation.hpp"
#include "inspector/model/history.hpp"
#include "inspector/model/snapshot.hpp"

// Reading a recording: also while it is being written, and after its writer was killed (FILE-wal
// must stand beside it then). Nothing is written to it.
//
// A recording that was cut short or is damaged is read up to the last snapshot that is whole, with
// a note that says so. Files that are no recordings, are damaged from their beginning, or are of a
// newer format fail with kFailed and a sentence.
namespace palloscope {

// The whole recording, folded by context path while it streams: 10,000 snapshots of 2,000 contexts
// take seconds, and memory by snapshots × distinct paths. The contexts that servers before 11 name
// by an index are folded into "index info", as newer servers call them.
[[nodiscard]] Result<History> read_history(const std::string& path);

// The snapshot of backend `pid` at `time_ns` (Unix time) or nearest before it; the last one without
// `time_ns`. `pid` may be left out where the recording has snapshots of one backend only, else it
// is kUsage. A PID that was used by several backends stands for all of them.
[[nodiscard]] Result<Snapshot> snapshot_at(const std::string& path,
                                           std::optional<int> pid,
                                           std::optional<std::int64_t> time_ns);

// The same of the explanations that were recorded (`record --explain-every`), with their snapshots.
[[nodiscard]] Result<Explanation> explanation_at(const std::string& path,
                                                 std::optional<int> pid,
                                                 std::optional<std::int64_t> time_ns);

// Calls `visit` for every snapshot, whole, in the order in which they were recorded, and stops at
// its first error, which it returns. Gives the recording's notes.
[[nodiscard]] Result<std::vector<std::string>> for_each_snapshot(
    const std::string& path, const std::function<Result<>(const Snapshot&)>& visit);

}  // namespace palloscope
