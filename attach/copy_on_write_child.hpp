#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "attach/call_chain.hpp"
#include "attach/captured_call.hpp"
#include "attach/error.hpp"
#include "attach/leftover_children.hpp"
#include "attach/memory_headroom.hpp"
#include "attach/process.hpp"
#include "attach/process_memory.hpp"
#include "attach/stopped_process.hpp"

namespace palloscope {

// What is read of a process right before it is held: it all takes longer than the other
// preparations, and the process need not stand still for it.
struct ChildPreparation {
    ParentState parent;
    MemoryHeadroom headroom;
};

// kGone where there is no such process.
[[nodiscard]] Result<ChildPreparation> prepare_child(pid_t pid);

// A copy-on-write child of a process: an image of its memory at one moment, which can be read and
// called into for long, while the process itself was stopped for the clone only.
//
//     const auto prepared = prepare_child(process.pid());
//     auto stopped = StoppedProcess::seize(process);
//     auto child = CopyOnWriteChild::make(
//         std::move(*stopped), process, memory, gadgets, *prepared);
//     … read child->memory(); the process runs …
//     const auto pause_us = child->end();
//
// The process makes it in a chain that restores itself (attach/call_chain.hpp), and is not told of
// it: the exit signal is 0, so that it gets no SIGCHLD, and its wait(2) does not see the child. The
// child never runs one instruction of the program (unless a call is made in it): its stack begins
// with a frame that enters exit_group(0), so that it ends by itself, and by no signal, when we are
// killed. What is left then is a zombie, which the next make() or end() for the process has reaped.
// Its parent stays the process itself: whoever adopts it when that one ends sees it exit with 0.
//
// Keep its life short: it holds a copy of each of the process's descriptors, so that a connection
// that the process closes stays open until the child ends; and of each page that the process writes
// to meanwhile, it keeps the old one. It therefore is the first that the kernel kills where memory
// runs out. Where the process's control group is killed as a whole (memory.oom.group), even that
// would not spare the process: hence the look at the headroom before.
//
// It holds a ptrace(2) tracee: make, use and destroy it in one thread. `process` and `memory` must
// outlive it.
class CopyOnWriteChild {
  public:
    // `stopped` is consumed: the process runs on by itself however this ends. kUnsupported where it
    // can make no child (no room on its stack, no memory, no more processes allowed), kTimeout
    // where a signal has stopped it, kGone where it ended.
    [[nodiscard]] static Result<CopyOnWriteChild> make(StoppedProcess stopped,
                                                       const Process& process,
                                                       const ProcessMemory& memory,
                                                       const CallGadgets& gadgets,
                                                       const ChildPreparation& prepared);

    CopyOnWriteChild(const CopyOnWriteChild&) = delete;
    CopyOnWriteChild& operator=(const CopyOnWriteChild&) = delete;
    CopyOnWriteChild(CopyOnWriteChild&& other) noexcept;
    CopyOnWriteChild& operator=(CopyOnWriteChild&& other) noexcept;
    // As end(), but says nothing of what failed. Bounded in time.
    ~CopyOnWriteChild();

    // In our own PID namespace.
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    // The image; lacks what the process has excluded by madvise(2), MADV_DONTFORK. Gone once a call
    // was made, and after end().
    [[nodiscard]] const ProcessMemory& memory() const noexcept { return *memory_; }

    // Whether the process had but one thread, and that waited for others in the kernel when the
    // child was made: it holds no lock of its own, and is in the middle of no function that takes
    // memory.
    [[nodiscard]] bool waited() const noexcept { return waited_; }

    // For how long the process could not run because of us until now: from the moment when it was
    // told to stop until it was seen to go on by itself; after end(), the same for the reaping.
    [[nodiscard]] double pause_us() const noexcept { return pause_us_; }

    // Makes the child call a function with its standard error in a file in memory, and gives what
    // it wrote. To be called once: the child then exits, with 0, also where the function faults
    // or does not return in time (kFailed). The function meets the image as it is: locks
    // that another thread of the process held stay held.
    //
    // A fault is caught because we trace the child. Where we are killed, and the function faults
    // after that, it ends by a signal, of which nobody is told as long as the process lives.
    [[nodiscard]] Result<std::string> call_with_captured_stderr(const FunctionCall& call,
                                                                std::chrono::milliseconds timeout);

    // The same for several functions, one after the other. `before_exit` is called when all have
    // returned, and may look at the child's memory as they left it.
    [[nodiscard]] Result<std::string> call_in_turn(std::span<const FunctionCall> calls,
                                                   std::chrono::milliseconds timeout,
                                                   const std::function<void()>& before_exit = {});

    // Lets the child exit, has the process reap it, and gives the whole pause. Where the process
    // cannot be stopped for that, the zombie is left to the next make() for it.
    [[nodiscard]] Result<double> end();

  private:
    CopyOnWriteChild(StoppedProcess held,
                     const Process& process,
                     const ProcessMemory& process_memory,
                     const CallGadgets& gadgets,
                     bool waited,
                     double pause_us)
        : pid_(held.pid()),
          held_(std::move(held)),
          process_(&process),
          process_memory_(&process_memory),
          gadgets_(gadgets),
          waited_(waited),
          pause_us_(pause_us) {}

    [[nodiscard]] Result<> let_exit();
    [[nodiscard]] Result<> have_reaped();

    pid_t pid_;
    std::optional<StoppedProcess> held_;  // none once it has exited
    std::optional<ProcessMemory> memory_;
    const Process* process_;  // none where nothing is left to do
    const ProcessMemory* process_memory_;
    CallGadgets gadgets_;
    bool waited_;
    double pause_us_;
};

}  // namespace palloscope
