#pragma once

#include <sys/types.h>

#include <chrono>
#include <vector>

#include "attach/error.hpp"

namespace palloscope {

// Holds all threads of a process in a ptrace-stop for as long as the object lives.
//
// PTRACE_SEIZE + PTRACE_INTERRUPT, never PTRACE_ATTACH, whose SIGSTOP can outlive us (py-spy #390),
// and never PTRACE_O_EXITKILL: when we die, the kernel lets every thread run on. Signals that
// arrive while we attach are handed on. ptrace(2) ties a tracee to the thread that seized it:
// create, use and destroy the object in one thread.
//
//     auto stopped = StoppedProcess::seize(pid, std::chrono::seconds(1));
//     … the process can't run …
//     // and runs on when `stopped` goes out of scope
class StoppedProcess {
  public:
    // kGone, kPermission (also where somebody else traces it), or kTimeout where a thread did not
    // stop in time (it sleeps in the kernel uninterruptibly); nothing is left stopped then.
    [[nodiscard]] static Result<StoppedProcess> seize(pid_t pid, std::chrono::milliseconds timeout);

    StoppedProcess(const StoppedProcess&) = delete;
    StoppedProcess& operator=(const StoppedProcess&) = delete;
    StoppedProcess(StoppedProcess&& other) noexcept;
    StoppedProcess& operator=(StoppedProcess&& other) noexcept;
    ~StoppedProcess();

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    // Whether it was stopped by a signal (state T) before we came: it runs nothing then, whoever
    // lets go.
    [[nodiscard]] bool in_group_stop() const noexcept { return in_group_stop_; }

    // When the first thread was told to stop: the pause begins here.
    [[nodiscard]] std::chrono::steady_clock::time_point interrupted_at() const noexcept {
        return interrupted_at_;
    }

    // Lets the main thread run up to its next entry into or return from a system call, and holds it
    // there. Signals for it are handed on. kGone where it ended instead, kTimeout where nothing
    // came in time: it then runs on, untraced.
    [[nodiscard]] Result<> run_to_syscall_stop(std::chrono::milliseconds timeout);

    // Lets the main thread go, for good; the others stay stopped.
    void release_main_thread();

  private:
    explicit StoppedProcess(pid_t pid) noexcept : pid_(pid) {}

    [[nodiscard]] Result<> seize_thread(pid_t thread);
    [[nodiscard]] Result<> await_stop(pid_t thread, std::chrono::steady_clock::time_point deadline);

    pid_t pid_ = 0;
    std::vector<pid_t> threads_;
    bool in_group_stop_ = false;
    std::chrono::steady_clock::time_point interrupted_at_;
};

}  // namespace palloscope
