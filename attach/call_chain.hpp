#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "attach/cpu_state.hpp"
#include "attach/error.hpp"
#include "attach/memory_source.hpp"
#include "attach/proc.hpp"
#include "attach/remote_address.hpp"

namespace palloscope {

// Instructions of the target's own text that a chain lives on; nothing is ever written there.
struct CallGadgets {
    RemoteAddress syscall;   // syscall; ret
    RemoteAddress restorer;  // the C library's return from a signal handler: calls rt_sigreturn

    bool operator==(const CallGadgets&) const = default;
};

// Looks through the executable mappings of the process, its C library's first. kUnsupported where a
// stub is not found.
[[nodiscard]] Result<CallGadgets> find_call_gadgets(const MemorySource& memory,
                                                    std::span<const Mapping> mappings);

// Whether the gadgets' bytes are (still) there.
[[nodiscard]] bool gadgets_hold(const MemorySource& memory, const CallGadgets& gadgets);

// A chain ready to be laid below the stack of the thread whose state it was built from.
struct CallChain {
    // Write `bytes` here …
    RemoteAddress base;
    std::vector<std::byte> bytes;
    // … then set these registers: from that instant on the thread needs nobody. It makes all steps
    // with signals blocked, and then goes on exactly where it was.
    user_regs_struct start{};
    // The stack pointer during each step, in their order.
    std::vector<RemoteAddress> step_stacks;
};

// Builds a chain of calls that restores itself (reference: design.md, "Doing no harm").
//
// Below the red zone of the thread's stack lie, from high to low: data placed by the caller, the
// thread's extended state, and a signal frame a step. Each step is entered by rt_sigreturn from the
// frame before, runs with its stack pointer at its own frame, and returns into rt_sigreturn, which
// enters the next; the last frame restores the original state. Steps run upwards, so that none can
// overwrite the frames of those to come.
//
//     CallChainBuilder builder(state, gadgets);
//     const RemoteAddress name = builder.place(bytes_of("x"));
//     builder.add_syscall(SYS_memfd_create, {name.value, 0});
//     auto chain = builder.build();
class CallChainBuilder {
  public:
    using Arguments = std::array<std::uint64_t, 6>;

    // The chain lies below the red zone of the original state's stack or, where another chain lies
    // there already, below that one's base.
    CallChainBuilder(const CpuState& original, const CallGadgets& gadgets);
    CallChainBuilder(const CpuState& original, const CallGadgets& gadgets, const CallChain& other);

    // Reserves room for `bytes`, aligned to 16, and gives its address. Before the first step only.
    RemoteAddress place(std::span<const std::byte> bytes);

    // Lays down, as data, a frame that enters a system call, and gives its address: the stack for a
    // child made by a step clone(2), which then makes this system call before anything else, with
    // all signals blocked. Before the first step only; for a system call that does not return.
    RemoteAddress place_entry(long number, const Arguments& arguments);

    void add_call(RemoteAddress function, const Arguments& arguments);
    void add_syscall(long number, const Arguments& arguments);

    [[nodiscard]] Result<CallChain> build() const;

  private:
    [[nodiscard]] user_regs_struct entry_registers(RemoteAddress entry,
                                                   std::uint64_t rax,
                                                   const Arguments& arguments) const;

    const CpuState* original_;
    CallGadgets gadgets_;
    RemoteAddress top_;            // the red zone begins here
    std::vector<std::byte> data_;  // as it lies in memory: ends at top_
    std::vector<user_regs_struct> steps_;
};

}  // namespace palloscope
