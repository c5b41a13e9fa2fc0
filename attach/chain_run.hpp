#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "attach/call_chain.hpp"
#include "attach/cpu_state.hpp"
#include "attach/error.hpp"
#include "attach/process_memory.hpp"
#include "attach/stopped_process.hpp"

// Running a chain (attach/call_chain.hpp) in a stopped process, and watching its steps.
namespace palloscope {

// Room below the stack pointer for a chain and for a function that it calls; for a chain of system
// calls alone.
constexpr std::uint64_t kRoomForCall = std::uint64_t{256} << 10;
constexpr std::uint64_t kRoomForSyscalls = std::uint64_t{64} << 10;
// How long a process may take, once let go, for the last steps of a chain: as long as others keep
// the processor from it.
constexpr std::chrono::milliseconds kRestoreTimeout{1000};

// kTimeout where a signal has stopped the process: it runs nothing then.
[[nodiscard]] Result<> require_running(const StoppedProcess& stopped);

// The state of the main thread, of which a chain is built. kUnsupported where none can run: where
// the gadgets are not there any more, or where the stack may not have `needed` bytes left below the
// stack pointer. An alternate signal stack, or a coroutine's, may have none, and there is no way to
// see its end. `stack_limit` is the soft limit of the main stack.
[[nodiscard]] Result<CpuState> read_chain_state(pid_t pid,
                                                const MemorySource& memory,
                                                const CallGadgets& gadgets,
                                                std::uint64_t stack_limit,
                                                std::uint64_t needed);

// Lays the chain down and sets its first registers: once the process runs again it makes all steps
// by itself.
[[nodiscard]] Result<> start_chain(pid_t pid, const ProcessMemory& memory, const CallChain& chain);

// Watches one system call of a chain.
class WatchedStep {
  public:
    WatchedStep(const CallChain& chain, const CallGadgets& gadgets, std::size_t step);

    // Whether a thread with these registers, in a stop of ptrace(2), stands in the step.
    [[nodiscard]] bool is_at(const user_regs_struct& registers) const;

    // To be asked once for each system-call-stop that is_at() the step: whether this one is its
    // return, for good and not to be restarted.
    [[nodiscard]] bool has_returned(const user_regs_struct& registers);

  private:
    RemoteAddress rip_;
    RemoteAddress rsp_;
    bool entered_ = false;
};

// Runs up to the return of step `step`, which must be a system call, and gives its result.
[[nodiscard]] Result<std::int64_t> run_through_step(StoppedProcess& stopped,
                                                    const CallChain& chain,
                                                    const CallGadgets& gadgets,
                                                    std::size_t step,
                                                    std::chrono::milliseconds timeout);

// Waits until the process, which was let go in the steps of a chain, has restored itself, for
// kRestoreTimeout at most, and gives that time. It shows in the signals that it blocks: all of them
// until then. `signal_mask` is what it blocked before.
std::chrono::steady_clock::time_point await_restored(pid_t pid, std::uint64_t signal_mask);

}  // namespace palloscope
