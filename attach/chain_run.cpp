#include "attach/chain_run.hpp"

#include <csignal>
#include <utility>

#include <fmt/core.h>

#include "attach/proc.hpp"
#include "attach/wait_for.hpp"

namespace palloscope {

namespace {

// A syscall instruction has two bytes: where rip stands in a system-call-stop.
constexpr std::uint64_t kSyscallInstructionBytes = 2;

constexpr std::uint64_t signal_bit(int signal) {
    return std::uint64_t{1} << (signal - 1);
}

Result<> require_stack(pid_t pid,
                       const CpuState& state,
                       std::uint64_t limit,
                       std::uint64_t needed) {
    // Below the stack the kernel leaves a gap of 128 MB at least (arch/x86/mm/mmap.c, mmap_base).
    constexpr std::uint64_t kNothingElseBelow = std::uint64_t{64} << 20;
    const auto start = read_stack_start(pid);
    if (!start) {
        return tl::unexpected(start.error());
    }
    const std::uint64_t used = start->value - state.registers.rsp;  // huge where rsp lies above
    if (used > kNothingElseBelow || used + needed > limit) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("process {} does not run on its main stack, or has used it up: "
                                   "there is no room for a call",
                                   pid));
    }
    return {};
}

}  // namespace

Result<> require_running(const StoppedProcess& stopped) {
    if (stopped.in_group_stop()) {
        return failure(
            Error::Kind::kTimeout,
            fmt::format("process {} is stopped by a signal and runs nothing", stopped.pid()),
            fmt::format("let it go on with 'kill -CONT {}'", stopped.pid()));
    }
    return {};
}

Result<CpuState> read_chain_state(pid_t pid,
                                  const MemorySource& memory,
                                  const CallGadgets& gadgets,
                                  std::uint64_t stack_limit,
                                  std::uint64_t needed) {
    auto state = read_cpu_state(pid);
    if (!state) {
        return state;
    }
    if (auto room = require_stack(pid, *state, stack_limit, needed); !room) {
        return tl::unexpected(std::move(room.error()));
    }
    if (!gadgets_hold(memory, gadgets)) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("the C library of process {} is not where it was found", pid));
    }
    return state;
}

Result<> start_chain(pid_t pid, const ProcessMemory& memory, const CallChain& chain) {
    return memory.write(chain.base, chain.bytes).and_then([&] {
        return write_registers(pid, chain.start);
    });
}

WatchedStep::WatchedStep(const CallChain& chain, const CallGadgets& gadgets, std::size_t step)
    : rip_(gadgets.syscall + kSyscallInstructionBytes), rsp_(chain.step_stacks[step]) {}

bool WatchedStep::is_at(const user_regs_struct& registers) const {
    return registers.rip == rip_.value && registers.rsp == rsp_.value;
}

bool WatchedStep::has_returned(const user_regs_struct& registers) {
    // The same registers stand at its entry and, the second time, at its return.
    entered_ = !entered_;
    return !entered_ && !is_restarted(registers.rax);
}

Result<std::int64_t> run_through_step(StoppedProcess& stopped,
                                      const CallChain& chain,
                                      const CallGadgets& gadgets,
                                      std::size_t step,
                                      std::chrono::milliseconds timeout) {
    WatchedStep watched(chain, gadgets, step);
    for (;;) {
        if (auto stop = stopped.run_to_syscall_stop(timeout); !stop) {
            return tl::unexpected(std::move(stop.error()));
        }
        const auto registers = read_registers(stopped.pid());
        if (!registers) {
            return tl::unexpected(registers.error());
        }
        if (watched.is_at(*registers) && watched.has_returned(*registers)) {
            return static_cast<std::int64_t>(registers->rax);
        }
    }
}

std::chrono::steady_clock::time_point await_restored(pid_t pid, std::uint64_t signal_mask) {
    // These two cannot be blocked.
    constexpr std::uint64_t kAllSignals = ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
    if ((signal_mask & kAllSignals) != kAllSignals) {
        (void)wait_for(
            [&] {
                const auto status = read_status(pid);
                return !status || status->blocked_signals != kAllSignals;
            },
            kRestoreTimeout);
    }
    return std::chrono::steady_clock::now();
}

}  // namespace palloscope
