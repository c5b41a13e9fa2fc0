#include "attach/signal_frame.hpp"

#include <sys/syscall.h>
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace palloscope {

namespace {

// What the kernel itself laid on our stack for a signal: the return address, the 304 bytes of its
// struct ucontext, and the extended state that this points to.
struct KernelFrame {
    std::array<std::byte, 8 + 304> bytes{};
    std::vector<std::byte> extended;
    user_regs_struct registers{};
};

constexpr std::size_t kSoftwareBytesAt = 464;  // struct _fpx_sw_bytes in the legacy area

template <typename T>
T at(std::span<const std::byte> bytes, std::size_t offset) {
    T value{};
    std::memcpy(&value, bytes.subspan(offset).data(), sizeof value);
    return value;
}

KernelFrame take_frame() {
    static KernelFrame frame;

    struct sigaction action {};

    struct sigaction before {};

    action.sa_flags = SA_SIGINFO;
    sigaddset(&action.sa_mask, SIGUSR2);
    action.sa_sigaction = [](int, siginfo_t*, void* context) {
        const auto* const user_context = static_cast<const ucontext_t*>(context);
        std::memcpy(frame.bytes.data(),
                    static_cast<const char*>(context) - sizeof(std::uint64_t),
                    frame.bytes.size());
        const auto* const extended =
            std::bit_cast<const std::byte*>(user_context->uc_mcontext.fpregs);
        std::uint32_t size = 0;
        std::memcpy(&size, extended + kSoftwareBytesAt + 4, sizeof size);
        frame.extended.assign(extended, extended + size);
        const auto& general = user_context->uc_mcontext.gregs;
        const auto value = [&](int index) {
            return std::bit_cast<unsigned long long>(general[index]);
        };
        const unsigned long long segments = value(REG_CSGSFS);
        frame.registers = {.r15 = value(REG_R15),
                           .r14 = value(REG_R14),
                           .r13 = value(REG_R13),
                           .r12 = value(REG_R12),
                           .rbp = value(REG_RBP),
                           .rbx = value(REG_RBX),
                           .r11 = value(REG_R11),
                           .r10 = value(REG_R10),
                           .r9 = value(REG_R9),
                           .r8 = value(REG_R8),
                           .rax = value(REG_RAX),
                           .rcx = value(REG_RCX),
                           .rdx = value(REG_RDX),
                           .rsi = value(REG_RSI),
                           .rdi = value(REG_RDI),
                           .rip = value(REG_RIP),
                           .cs = segments & 0xffff,
                           .eflags = value(REG_EFL),
                           .rsp = value(REG_RSP),
                           .ss = segments >> 48};
    };
    sigaction(SIGUSR1, &action, &before);
    raise(SIGUSR1);
    sigaction(SIGUSR1, &before, nullptr);
    return frame;
}

user_regs_struct interrupted(long number, long result) {
    return {.rax = static_cast<unsigned long long>(result),
            .orig_rax = static_cast<unsigned long long>(number),
            .rip = 1000};
}

}  // namespace

TEST(SignalFrame, LooksAsTheKernelsOwn) {
    KernelFrame kernel = take_frame();
    constexpr std::size_t kMaskAt = 8 + 296;
    std::array<std::byte, kSignalFrameBytes> ours{};
    constexpr std::size_t kExtendedPointerAt = 8 + 40 + 23 * 8;
    write_signal_frame(ours,
                       {at<std::uint64_t>(kernel.bytes, 0)},
                       kernel.registers,
                       at<std::uint64_t>(kernel.bytes, kMaskAt),
                       {at<std::uint64_t>(kernel.bytes, kExtendedPointerAt)});
    // What the kernel tells a handler, and rt_sigreturn does not read: the alternate stack, of
    // which we keep what there is, and the cause of a trap.
    const auto forget = [](std::span<std::byte> bytes, std::size_t from, std::size_t to) {
        std::ranges::fill(bytes.subspan(from, to - from), std::byte{});
    };
    for (const std::span<std::byte> bytes :
         {std::span<std::byte>(kernel.bytes), std::span<std::byte>(ours)}) {
        forget(bytes, 8 + 16, 8 + 40);
        forget(bytes, 8 + 40 + 19 * 8, 8 + 40 + 23 * 8);
        forget(bytes, 8 + 40 + 24 * 8, kMaskAt);
    }
    for (std::size_t i = 0; i < kernel.bytes.size(); ++i) {
        EXPECT_EQ(ours.at(i), kernel.bytes.at(i)) << "byte " << i;
    }
}

TEST(SignalFrame, CarriesExtendedStateAsTheKernelsOwn) {
    const KernelFrame kernel = take_frame();
    const std::size_t state_size = kernel.extended.size() - 4;
    const auto ours = frame_extended_state(std::span(kernel.extended).first(state_size));
    ASSERT_TRUE(ours) << ours.error().message;
    EXPECT_EQ(frame_extended_bytes(std::span(kernel.extended).first(state_size)), ours->size());
    EXPECT_LE(ours->size(), kernel.extended.size());
    // Begin mark, then sizes that match, then the end mark.
    EXPECT_EQ(at<std::uint32_t>(*ours, kSoftwareBytesAt),
              at<std::uint32_t>(kernel.extended, kSoftwareBytesAt));
    EXPECT_EQ(at<std::uint32_t>(*ours, kSoftwareBytesAt + 4), ours->size());
    EXPECT_EQ(at<std::uint32_t>(*ours, kSoftwareBytesAt + 16), ours->size() - 4);
    EXPECT_EQ(at<std::uint32_t>(*ours, ours->size() - 4),
              at<std::uint32_t>(kernel.extended, kernel.extended.size() - 4));
    // Features: x87, SSE, and those in use; none that the kernel does not know.
    const auto features = at<std::uint64_t>(*ours, kSoftwareBytesAt + 8);
    EXPECT_EQ(features & ~at<std::uint64_t>(kernel.extended, kSoftwareBytesAt + 8), 0U);
    EXPECT_EQ(features, at<std::uint64_t>(kernel.extended, 512) | 3);
    // The state itself, the software's bytes apart.
    EXPECT_TRUE(std::equal(ours->begin(), ours->begin() + 464, kernel.extended.begin()));
    EXPECT_TRUE(std::equal(ours->begin() + 512, ours->end() - 4, kernel.extended.begin() + 512));
}

TEST(SignalFrame, RefusesExtendedStateThatIsCutOff) {
    std::vector<std::byte> extended(575);
    EXPECT_EQ(frame_extended_state(extended).error().kind, Error::Kind::kUnsupported);
    extended.resize(576);
    EXPECT_TRUE(frame_extended_state(extended));
    extended[512] = std::byte{4};  // AVX is in use, and its part is missing
    EXPECT_EQ(frame_extended_state(extended).error().kind, Error::Kind::kUnsupported);
    EXPECT_EQ(frame_extended_state({}).error().kind, Error::Kind::kUnsupported);
}

TEST(SignalFrame, RestartsWhatTheKernelWouldRestart) {
    for (const long result : {-512L, -513L, -514L}) {
        const auto restarted = with_restarted_syscall(interrupted(SYS_read, result));
        EXPECT_EQ(restarted.rax, static_cast<unsigned long long>(SYS_read));
        EXPECT_EQ(restarted.rip, 998U);
    }
}

TEST(SignalFrame, LeavesASystemCallThatIsDone) {
    for (const long result : {0L, 5L, -4L, -11L}) {
        const auto same = with_restarted_syscall(interrupted(SYS_read, result));
        EXPECT_EQ(static_cast<long>(same.rax), result);
        EXPECT_EQ(same.rip, 1000U);
    }
    // In no system call, -512 is but a number.
    const auto same = with_restarted_syscall(interrupted(-1, -512));
    EXPECT_EQ(static_cast<long>(same.rax), -512);
    EXPECT_EQ(same.rip, 1000U);
}

TEST(SignalFrame, EndsWaitsForATimeWithEintr) {
    auto registers = interrupted(SYS_poll, -516);
    registers.rdx = 1000;
    const auto ended = with_restarted_syscall(registers);
    EXPECT_EQ(static_cast<long>(ended.rax), -EINTR);
    EXPECT_EQ(ended.rip, 1000U);

    registers.rdx = 0xffffffff;  // -1, an int
    const auto restarted = with_restarted_syscall(registers);
    EXPECT_EQ(restarted.rax, static_cast<unsigned long long>(SYS_poll));
    EXPECT_EQ(restarted.rip, 998U);
}

}  // namespace palloscope
