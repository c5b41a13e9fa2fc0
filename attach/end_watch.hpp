#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "attach/file_descriptor.hpp"
#include "attach/process.hpp"

namespace palloscope {

// Tells which of the watched processes the kernel killed because their control group (a container,
// say) had no memory left. How a process ended, only its parent is told; but the group counts such
// kills. So the one to which a kill belongs is the first that SIGKILL ended after the count rose. A
// server that loses a backend so ends all others, a moment later: where several were found to have
// ended at once, and the kernel does not tell us how (Process::end_status), it is the largest,
// which is the one that the kernel takes (mm/oom_kill.c, oom_badness). A kill that none of them
// ends after within ten seconds was another's: a process takes that long to give back its memory at
// most.
//
//     ends.watch(pid, resident_bytes);  // with every snapshot
//     ends.wait(milliseconds(100));    // in place of sleeping
//     if (ends.killed_for_memory(pid)) …  // where it is gone
class EndWatch {
  public:
    // Watches from now on, or takes down how much memory it holds now: all that is resident, shared
    // memory and files too, as the kernel judges it. Nothing where it is gone.
    void watch(pid_t pid, std::int64_t resident_bytes);

    // Less than `timeout` where a process ends or a signal comes.
    void wait(std::chrono::milliseconds timeout);

    // Of a process that has ended; forgets it.
    [[nodiscard]] bool killed_for_memory(pid_t pid);

  private:
    // A group's file in which the kernel counts kills.
    struct Counter {
        FileDescriptor file;
        std::int64_t seen = 0;  // kills that were put down to a process, watched or another
        // Since when it counts more.
        std::optional<std::chrono::steady_clock::time_point> risen_at = std::nullopt;
    };

    using CounterKey = std::pair<std::uint64_t, std::uint64_t>;  // device and inode

    struct Watched {
        Process process;
        std::int64_t resident_bytes = 0;
        std::optional<CounterKey> counter;
    };

    std::optional<CounterKey> open_counter(pid_t pid);
    // Finds those that have ended since the last look.
    void look();
    // Puts kills that no watched process ended after down to others; forgets groups of which none
    // is watched any more.
    void settle();

    std::map<pid_t, Watched> watched_;  // that have not been seen to end
    std::map<CounterKey, Counter> counters_;
    std::set<pid_t> killed_;
};

// The kills counted in memory.events (version 2) or memory.oom_control (version 1) of a group;
// none where the kernel does not count them (version 1 before 4.13).
[[nodiscard]] std::optional<std::int64_t> parse_memory_kills(std::string_view text);

}  // namespace palloscope
