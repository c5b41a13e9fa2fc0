#include "attach/cpu_state.hpp"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include <array>
#include <bit>
#include <cerrno>

#include <fmt/core.h>

namespace palloscope {

namespace {

// Linux's selector of 64-bit user code on x86-64 (asm/segment.h, __USER_CS).
constexpr unsigned long long kUserCodeSegment64 = 0x33;
// Enough for every feature that exists: with AMX tiles the area has 11,008 bytes.
constexpr std::size_t kMaxExtendedBytes = 65536;
// NT_X86_SHSTK of linux/elf.h; not yet in glibc 2.36's elf.h.
constexpr long kShadowStackSet = 0x204;

Result<std::size_t> get_register_set(pid_t thread, long set, void* into, std::size_t size) {
    iovec area{.iov_base = into, .iov_len = size};
    if (ptrace(PTRACE_GETREGSET, thread, set, &area) < 0) {
        return os_error(errno, fmt::format("cannot read the registers of thread {}", thread));
    }
    return area.iov_len;
}

}  // namespace

Result<user_regs_struct> read_registers(pid_t thread) {
    user_regs_struct registers{};
    return get_register_set(thread, NT_PRSTATUS, &registers, sizeof registers)
        .map([&](std::size_t) { return registers; });
}

Result<> write_registers(pid_t thread, const user_regs_struct& registers) {
    user_regs_struct copy = registers;
    iovec area{.iov_base = &copy, .iov_len = sizeof copy};
    if (ptrace(PTRACE_SETREGSET, thread, NT_PRSTATUS, &area) < 0) {
        return os_error(errno, fmt::format("cannot set the registers of thread {}", thread));
    }
    return {};
}

Result<CpuState> read_cpu_state(pid_t thread) {
    const auto registers = read_registers(thread);
    if (!registers) {
        return tl::unexpected(registers.error());
    }
    if (registers->cs != kUserCodeSegment64) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("thread {} runs 32-bit code", thread));
    }
    std::uint64_t shadow_stack_pointer = 0;
    if (get_register_set(
            thread, kShadowStackSet, &shadow_stack_pointer, sizeof shadow_stack_pointer)) {
        return failure(
            Error::Kind::kUnsupported,
            fmt::format("thread {} uses a shadow stack, which an injected call would break",
                        thread));
    }
    CpuState state{.registers = *registers};
    state.extended.resize(kMaxExtendedBytes);
    const auto size =
        get_register_set(thread, NT_X86_XSTATE, state.extended.data(), state.extended.size());
    if (!size) {
        return tl::unexpected(size.error());
    }
    state.extended.resize(*size);
    if (ptrace(PTRACE_GETSIGMASK, thread, sizeof state.signal_mask, &state.signal_mask) < 0) {
        return os_error(errno, fmt::format("cannot read the signal mask of thread {}", thread));
    }
    return state;
}

Result<bool> interrupted_in_syscall(pid_t thread, const MemorySource& memory) {
    constexpr std::array<unsigned char, 2> kSyscallInstruction{0x0f, 0x05};
    const auto registers = read_registers(thread);
    if (!registers) {
        return tl::unexpected(registers.error());
    }
    if (static_cast<std::int64_t>(registers->orig_rax) < 0) {
        return false;
    }
    return memory.read<std::array<unsigned char, 2>>({registers->rip - kSyscallInstruction.size()})
        .map([&](const auto& instruction) { return instruction == kSyscallInstruction; });
}

bool is_restarted(std::uint64_t rax) noexcept {
    const auto result = std::bit_cast<std::int64_t>(rax);
    return result == -512 || result == -513 || result == -514 || result == -516;
}

}  // namespace palloscope
