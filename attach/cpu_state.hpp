#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "attach/error.hpp"
#include "attach/memory_source.hpp"

namespace palloscope {

// Everything of a stopped thread that a signal frame keeps: what must be as before when a call that
// we made it do is over.
struct CpuState {
    user_regs_struct registers{};
    // The XSAVE area in its standard format, as PTRACE_GETREGSET(NT_X86_XSTATE) gives it.
    std::vector<std::byte> extended;
    // Blocked signals, the kernel's 64-bit set.
    std::uint64_t signal_mask = 0;
};

// Reads the state of a thread that the caller holds stopped. kUnsupported where it runs 32-bit code
// or uses shadow stacks (a signal frame alone would not restore those).
[[nodiscard]] Result<CpuState> read_cpu_state(pid_t thread);

[[nodiscard]] Result<user_regs_struct> read_registers(pid_t thread);
[[nodiscard]] Result<> write_registers(pid_t thread, const user_regs_struct& registers);

// Whether rax of a stopped thread says that its system call was broken off and is to begin anew
// (include/linux/errno.h: ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK).
[[nodiscard]] bool is_restarted(std::uint64_t rax) noexcept;

// Whether a stopped thread stands right behind the system call instruction that it was interrupted
// in, and not, say, at the first instruction of a signal handler.
[[nodiscard]] Result<bool> interrupted_in_syscall(pid_t thread, const MemorySource& memory);

}  // namespace palloscope
