#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "attach/error.hpp"

namespace palloscope {

class BlockedSignals;
class Process;

// How far a process came that was let run to its end.
struct RunResult {
    enum class Kind {
        kExited,    // with the exit code `value`
        kKilled,    // by the signal `value`
        kSignal,    // it is held as it is about to get the signal `value`, which is kept from it
        kTimedOut,  // it is held where it was
    };

    Kind kind = Kind::kExited;
    int value = 0;

    bool operator==(const RunResult&) const = default;
};

// Holds all threads of a process in a ptrace-stop for as long as the object lives, but for the
// workers of io_uring: these run no code of the process, and a stop would fail what they are doing
// with EINTR.
//
// PTRACE_SEIZE + PTRACE_INTERRUPT, never PTRACE_ATTACH, whose SIGSTOP can outlive us (py-spy #390),
// and never PTRACE_O_EXITKILL: when we die, the kernel lets every thread run on. Where a terminal
// suspends us (Ctrl-Z), we are once it runs on, also those that could not be let go of yet; nothing
// holds back a SIGSTOP. Signals that arrive while we attach are handed on. ptrace(2) ties a tracee
// to the thread that seized it: create, use and destroy the object in one thread.
//
//     auto stopped = StoppedProcess::seize(pid, std::chrono::seconds(1));
//     … the process can't run …
//     // and runs on when `stopped` goes out of scope
class StoppedProcess {
  public:
    // How long a thread may take to stop that does not sleep uninterruptibly: others may keep the
    // processor from it.
    static constexpr std::chrono::milliseconds kStopTimeout{1000};

    // kGone, kPermission, kTraced where another process traces it and does not let go within 100
    // ms, or kTimeout where a thread did not stop in time (it sleeps in the kernel uninterruptibly,
    // or others keep the processor from it).
    [[nodiscard]] static Result<StoppedProcess> seize(
        pid_t pid, std::chrono::milliseconds timeout = kStopTimeout);

    // The same, and kGone where its PID belongs to another process by now: held, it cannot end and
    // leave it to one.
    [[nodiscard]] static Result<StoppedProcess> seize(const Process& process);

    // Takes over a child that a process held by this thread of ours has made, as soon as it stops
    // at its start: run_to_child_or_syscall_stop.
    [[nodiscard]] static Result<StoppedProcess> adopt(
        pid_t child, std::chrono::milliseconds timeout = kStopTimeout);

    // Lets go of threads that this thread of ours gave up on and that have stopped since: the
    // kernel detaches no running tracee. seize() does it too; whoever lives on after a kTimeout
    // without another seize must call it now and then. Costs one waitpid(2) for each such thread.
    static void release_late_stops();

    StoppedProcess(const StoppedProcess&) = delete;
    StoppedProcess& operator=(const StoppedProcess&) = delete;
    StoppedProcess(StoppedProcess&& other) noexcept;
    StoppedProcess& operator=(StoppedProcess&& other) noexcept;
    ~StoppedProcess();

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    // Whether it was stopped by a signal (state T) before we came: it runs nothing then, whoever
    // lets go.
    [[nodiscard]] bool in_group_stop() const noexcept { return in_group_stop_; }

    // How many are held.
    [[nodiscard]] std::size_t threads() const noexcept { return threads_.size(); }

    // When the first thread was told to stop: the pause begins here.
    [[nodiscard]] std::chrono::steady_clock::time_point interrupted_at() const noexcept {
        return interrupted_at_;
    }

    // Lets the main thread run up to its next entry into or return from a system call, and holds it
    // there. Signals for it are handed on. kGone where it ended instead, kTimeout where nothing
    // came in time: it then runs on, and is let go as soon as it can be (release_late_stops).
    [[nodiscard]] Result<> run_to_syscall_stop(std::chrono::milliseconds timeout);

    // The same, but also holds it where it has made a child by clone(2) with another exit signal
    // than SIGCHLD, and gives that one's PID (PTRACE_O_TRACECLONE). The child does not run: it is
    // to be taken over by adopt().
    [[nodiscard]] Result<std::optional<pid_t>> run_to_child_or_syscall_stop(
        std::chrono::milliseconds timeout);

    // Lets the main thread run to its end, and keeps all signals from it: only for a process of
    // which nothing is needed any more. kTimeout where it did not even stop again after `timeout`.
    // `before_exit`, where given, is called once it is about to exit, and still has its memory
    // (PTRACE_O_TRACEEXIT).
    [[nodiscard]] Result<RunResult> run_to_end(std::chrono::milliseconds timeout,
                                               const std::function<void()>& before_exit = {});

    // Lets all threads go, the main one first. While the object lives on, nobody suspends us.
    void release_all();

  private:
    explicit StoppedProcess(pid_t pid);

    [[nodiscard]] Result<> seize_thread(pid_t thread);
    [[nodiscard]] Result<> await_stop(pid_t thread, std::chrono::steady_clock::time_point deadline);
    // Lets the main thread run up to its next stop for a system call or a child, and gives its
    // status.
    [[nodiscard]] Result<int> run_to_stop(std::chrono::steady_clock::time_point deadline);
    [[nodiscard]] Result<> set_options(long options) const;

    pid_t pid_ = 0;
    // One for all that this thread of ours holds.
    std::shared_ptr<BlockedSignals> kept_from_suspending_;
    std::vector<pid_t> threads_;
    bool in_group_stop_ = false;
    std::chrono::steady_clock::time_point interrupted_at_;
};

}  // namespace palloscope
