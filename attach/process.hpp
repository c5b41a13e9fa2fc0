#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "attach/error.hpp"
#include "attach/file_descriptor.hpp"

namespace palloscope {

// Holds on to one process, and never to a later one that got the same PID.
//
//     auto process = Process::open(4242);
//     if (!process->alive()) …
class Process {
  public:
    // `pid` as seen in our own PID namespace; must be a process, not one of its threads. kGone if
    // none.
    [[nodiscard]] static Result<Process> open(pid_t pid);

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    // Whether it still runs: false from the moment when it ends, also while it is a zombie.
    [[nodiscard]] bool alive() const;

    // For poll(2): readable once it has ended; -1 before kernel 5.3.
    [[nodiscard]] int descriptor() const noexcept { return pidfd_.get(); }

    // How it ended, as wait(2) tells its parent, for WIFSIGNALED and its like. None while it runs,
    // and where it is not told: before kernel 6.15, once its parent has asked (PIDFD_INFO_EXIT,
    // include/uapi/linux/pidfd.h); for a zombie, without the right to trace it, zero.
    [[nodiscard]] std::optional<int> end_status() const;

    // kGone in a sentence where it does not run any more.
    [[nodiscard]] Result<> require_alive() const;

    // A duplicate of its open descriptor `fd`, sharing the file offset with it. Needs the right to
    // trace it.
    [[nodiscard]] Result<FileDescriptor> duplicate_descriptor(int fd) const;

  private:
    Process(pid_t pid, FileDescriptor pidfd, std::uint64_t start_time)
        : pid_(pid), pidfd_(std::move(pidfd)), start_time_(start_time) {}

    pid_t pid_;
    // Not valid before kernel 5.3; the start time then tells processes of the same PID apart.
    FileDescriptor pidfd_;
    std::uint64_t start_time_;
};

}  // namespace palloscope
