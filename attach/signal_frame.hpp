#pragma once

#include <sys/user.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "attach/cpu_state.hpp"
#include "attach/error.hpp"
#include "attach/remote_address.hpp"

// The signal frame of x86-64 Linux: what the kernel lays on the stack before it runs a signal
// handler, and what rt_sigreturn(2) puts back into the processor (arch/x86/kernel/signal_64.c,
// struct rt_sigframe; arch/x86/include/uapi/asm/sigcontext.h). Laid down by hand, it makes any
// thread that returns into rt_sigreturn go on with exactly the state that it describes, whoever is
// alive by then.
namespace palloscope {

// A frame's bytes on the stack: the return address and the struct ucontext, rounded up so that
// frames can stand one upon the other with the same alignment.
constexpr std::size_t kSignalFrameBytes = 320;

// Size of the extended state within a frame: what is in use of `extended` (its XSTATE_BV tells),
// the end mark included. The kernel takes an area no larger than the thread's permitted one (AMX),
// and sets to their initial state the features that are not in it. kUnsupported where it is no
// XSAVE area.
[[nodiscard]] Result<std::size_t> frame_extended_bytes(std::span<const std::byte> extended);

// The extended state in the form that lies behind a frame: header words in the software-reserved
// bytes, end mark behind. To be placed at an address divisible by 64.
[[nodiscard]] Result<std::vector<std::byte>> frame_extended_state(
    std::span<const std::byte> extended);

// Writes a frame to `into` (kSignalFrameBytes): its first word is `restorer`, the address of a stub
// that calls rt_sigreturn; it restores `registers` and `signal_mask`, and the extended state at
// `extended_address` or, where that is null, the initial one.
void write_signal_frame(std::span<std::byte> into,
                        RemoteAddress restorer,
                        const user_regs_struct& registers,
                        std::uint64_t signal_mask,
                        RemoteAddress extended_address);

// The registers with which a thread goes on as if no call had come between: an interrupted system
// call that the kernel would restart is set to restart, as the kernel itself does on its way back
// to user mode (arch/x86/kernel/signal.c, arch_do_signal_or_restart).
//
// One kind cannot be set to restart: waits for a time (nanosleep, poll with a timeout), of which
// the kernel keeps the rest for restart_syscall(2). Every rt_sigreturn makes that one fail with
// EINTR (restore_sigcontext), so they return EINTR, as after a signal; nanosleep has given out the
// time left by then. A poll without timeout keeps nothing, and is called again as it was.
[[nodiscard]] user_regs_struct with_restarted_syscall(user_regs_struct registers);

}  // namespace palloscope
