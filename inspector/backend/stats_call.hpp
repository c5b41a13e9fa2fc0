#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "attach/captured_call.hpp"
#include "attach/error.hpp"
#include "inspector/backend/backend.hpp"
#include "inspector/backend/context_reader.hpp"
#include "inspector/backend/gadgets.hpp"
#include "inspector/backend/process_info.hpp"

namespace palloscope {

// What one call of MemoryContextStats gave.
struct StatsCallResult {
    std::string text;
    double pause_us = 0;
    std::int64_t taken_at_ns = 0;  // Unix time
    ProcessInfo process;           // read while the backend was stopped
    ContextTree walked;            // by our own walk, under the same stop
};

// --method call: has a backend print its own statistics, at a safe point only, into memory of ours.
//
// Uses MemoryContextStatsDetail without its limit of 100 children (9.6 and later), else
// MemoryContextStats (mcxt.c). That function follows the same pointers as our own walk, and
// believes them: so it is called only where the walk, under the same stop, found them whole.
//
// Waits for a safe point; kTimeout if none came before `deadline`, kUnsupported where
// require_callable(). `reader` and `gadgets` are the backend's.
[[nodiscard]] Result<StatsCallResult> call_stats(const Backend& backend,
                                                 ContextReader& reader,
                                                 Gadgets& gadgets,
                                                 std::chrono::steady_clock::time_point deadline);

// How long that may take: a dump of 100,000 contexts takes some 300 ms, and a process that has no
// processor longer.
inline constexpr std::chrono::milliseconds kStatsTimeout{30000};

// kUnsupported where the call would harm process `pid`, which has this tree: for contexts that are
// nested deeper than its stack is sure to hold (each savepoint is a level), or for a text that its
// machine or control group has no memory for. Reads that only where the text is large.
[[nodiscard]] Result<> require_callable(pid_t pid, const ContextTree& tree);

// The call of MemoryContextStats for this server's version, without a limit of children, to its
// standard error.
[[nodiscard]] Result<FunctionCall> stats_function(const Backend& backend);

}  // namespace palloscope
