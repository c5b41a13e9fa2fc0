#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <cstdint>
#include <optional>

#include "attach/error.hpp"
#include "attach/file_descriptor.hpp"

namespace palloscope {

// Tells whether a process's main thread slept all the while between two moments, so that what was
// read of its memory in between is of one moment.
//
//     const auto rest = watch->begin();
//     … read its memory …
//     if (rest && watch->rested_since(*rest)) …
class RestWatch {
  public:
    // kGone or kPermission where /proc may not be read.
    [[nodiscard]] static Result<RestWatch> open(pid_t pid);

    // A rest: the system call that it sleeps in, and how often it had been given a processor.
    struct Rest {
        long syscall = 0;
        std::uint64_t runs = 0;

        bool operator==(const Rest&) const = default;
    };

    // None where it runs, or is about to.
    [[nodiscard]] std::optional<Rest> begin() const;

    // /proc/PID/syscall names a system call only of a thread that is off its processor, asleep
    // (lib/syscall.c, task_current_syscall, by wait_task_inactive), and /proc/PID/schedstat counts
    // each time that one which slept gets one (kernel/sched/stats.h, sched_info_arrive). Asleep
    // when the rest began, and with the same count since before that, it cannot have run.
    [[nodiscard]] bool rested_since(const Rest& rest) const;

    // Of a process that the caller has stopped since, with these registers: whether it got a
    // processor once only, to come from that very sleep, which the stop broke off.
    [[nodiscard]] bool only_stopped_since(const Rest& rest,
                                          const user_regs_struct& registers) const;

  private:
    RestWatch(FileDescriptor syscall, FileDescriptor runs)
        : syscall_(std::move(syscall)), runs_(std::move(runs)) {}

    FileDescriptor syscall_;
    FileDescriptor runs_;  // schedstat
};

}  // namespace palloscope
