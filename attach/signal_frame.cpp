#include "attach/signal_frame.hpp"

#include <cpuid.h>
#include <sys/syscall.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>

#include <fmt/core.h>

namespace palloscope {

namespace {

// arch/x86/include/uapi/asm/sigcontext.h, struct sigcontext (64 bit).
struct SignalContext {
    std::uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    std::uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
    std::uint16_t cs, gs, fs, ss;
    std::uint64_t error_code, trap_number, old_mask, cr2;
    std::uint64_t extended_state;
    std::uint64_t reserved[8];  // NOLINT(modernize-avoid-c-arrays): the kernel's layout
};

// include/uapi/asm-generic/ucontext.h, struct ucontext, with the kernel's 64-bit signal set.
struct UserContext {
    std::uint64_t flags;
    std::uint64_t link;
    std::uint64_t stack_pointer;
    std::uint32_t stack_flags;
    std::uint32_t padding;
    std::uint64_t stack_size;
    SignalContext context;
    std::uint64_t signal_mask;
};

struct SignalFrame {
    std::uint64_t restorer;
    UserContext user_context;
};

static_assert(sizeof(SignalContext) == 256 && sizeof(UserContext) == 304);
static_assert(sizeof(SignalFrame) <= kSignalFrameBytes && kSignalFrameBytes % 16 == 0);

constexpr std::uint64_t kExtendedStateFlag = 1;       // UC_FP_XSTATE
constexpr std::uint64_t kStackSegmentFlag = 2;        // UC_SIGCONTEXT_SS
constexpr std::uint64_t kStrictStackSegmentFlag = 4;  // UC_STRICT_RESTORE_SS
// No mode of sigaltstack(2): the kernel then leaves the thread's alternate stack as it is, whatever
// it is (kernel/signal.c, restore_altstack ignores EINVAL).
constexpr std::uint32_t kKeepAlternateStack = 0x4;

// The layout of an XSAVE area (Intel SDM volume 1, 13.4).
constexpr std::size_t kLegacyBytes = 512;
constexpr std::size_t kStateBitsAt = 512;  // XSTATE_BV, first word of the 64-byte header
constexpr std::size_t kHeaderEnd = 576;
constexpr int kFirstExtendedFeature = 2;  // 0 is x87 and 1 SSE, both in the legacy part
constexpr std::uint64_t kLegacyFeatures = 3;

// struct _fpx_sw_bytes, in the legacy part's bytes that are free for software.
struct SoftwareBytes {
    std::uint32_t magic;
    std::uint32_t extended_size;  // with the end mark
    std::uint64_t features;
    std::uint32_t state_size;  // without it
    std::uint32_t padding[7];  // NOLINT(modernize-avoid-c-arrays): the kernel's layout
};

constexpr std::size_t kSoftwareBytesAt = 464;
static_assert(kSoftwareBytesAt + sizeof(SoftwareBytes) == kLegacyBytes);
constexpr std::uint32_t kBeginMagic = 0x46505853;  // FP_XSTATE_MAGIC1
constexpr std::uint32_t kEndMagic = 0x46505845;    // FP_XSTATE_MAGIC2

std::uint64_t state_bits(std::span<const std::byte> extended) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, extended.subspan(kStateBitsAt).data(), sizeof bits);
    return bits;
}

// Where the last feature of `bits` ends in the standard format: CPUID leaf 0xD gives each one's
// size and offset. The processor is ours as much as the target's.
std::size_t end_of_features(std::uint64_t bits) {
    constexpr unsigned kExtendedStateLeaf = 0xD;
    std::size_t end = kHeaderEnd;
    for (int feature = kFirstExtendedFeature;
         feature < std::numeric_limits<std::uint64_t>::digits - 1;
         ++feature) {
        if ((bits >> feature & 1) == 0) {
            continue;
        }
        unsigned size = 0;
        unsigned offset = 0;
        unsigned flags = 0;
        unsigned unused = 0;
        __cpuid_count(
            kExtendedStateLeaf, static_cast<unsigned>(feature), size, offset, flags, unused);
        end = std::max<std::size_t>(end, std::size_t{offset} + size);
    }
    return end;
}

}  // namespace

Result<std::size_t> frame_extended_bytes(std::span<const std::byte> extended) {
    if (extended.size() < kHeaderEnd) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("the processor state has {} bytes, less than an XSAVE area",
                                   extended.size()));
    }
    const std::size_t end = end_of_features(state_bits(extended));
    if (end > extended.size()) {
        return failure(
            Error::Kind::kUnsupported,
            fmt::format("the processor state in use has {} bytes, but only {} can be read",
                        end,
                        extended.size()));
    }
    return end + sizeof kEndMagic;
}

Result<std::vector<std::byte>> frame_extended_state(std::span<const std::byte> extended) {
    const auto size = frame_extended_bytes(extended);
    if (!size) {
        return tl::unexpected(size.error());
    }
    const std::size_t state_size = *size - sizeof kEndMagic;
    std::vector<std::byte> state(*size);
    std::ranges::copy(extended.first(state_size), state.begin());
    const SoftwareBytes software{.magic = kBeginMagic,
                                 .extended_size = static_cast<std::uint32_t>(*size),
                                 .features = state_bits(extended) | kLegacyFeatures,
                                 .state_size = static_cast<std::uint32_t>(state_size)};
    std::memcpy(state.data() + kSoftwareBytesAt, &software, sizeof software);
    std::memcpy(state.data() + state_size, &kEndMagic, sizeof kEndMagic);
    return state;
}

void write_signal_frame(std::span<std::byte> into,
                        RemoteAddress restorer,
                        const user_regs_struct& registers,
                        std::uint64_t signal_mask,
                        RemoteAddress extended_address) {
    const bool has_extended = !extended_address.is_null();
    const SignalFrame frame{
        .restorer = restorer.value,
        .user_context = {.flags = kStackSegmentFlag | kStrictStackSegmentFlag |
                                  (has_extended ? kExtendedStateFlag : 0),
                         .link = 0,
                         .stack_pointer = 0,
                         .stack_flags = kKeepAlternateStack,
                         .padding = 0,
                         .stack_size = 0,
                         .context = {.r8 = registers.r8,
                                     .r9 = registers.r9,
                                     .r10 = registers.r10,
                                     .r11 = registers.r11,
                                     .r12 = registers.r12,
                                     .r13 = registers.r13,
                                     .r14 = registers.r14,
                                     .r15 = registers.r15,
                                     .rdi = registers.rdi,
                                     .rsi = registers.rsi,
                                     .rbp = registers.rbp,
                                     .rbx = registers.rbx,
                                     .rdx = registers.rdx,
                                     .rax = registers.rax,
                                     .rcx = registers.rcx,
                                     .rsp = registers.rsp,
                                     .rip = registers.rip,
                                     .eflags = registers.eflags,
                                     .cs = static_cast<std::uint16_t>(registers.cs),
                                     .gs = 0,
                                     .fs = 0,
                                     .ss = static_cast<std::uint16_t>(registers.ss),
                                     .error_code = 0,
                                     .trap_number = 0,
                                     .old_mask = 0,
                                     .cr2 = 0,
                                     .extended_state = extended_address.value,
                                     .reserved = {}},
                         .signal_mask = signal_mask}};
    std::ranges::fill(into, std::byte{});
    std::memcpy(into.data(), &frame, sizeof frame);
}

user_regs_struct with_restarted_syscall(user_regs_struct registers) {
    // include/linux/errno.h: what the kernel keeps in rax meanwhile.
    constexpr std::int64_t kRestartSys = -512;
    constexpr std::int64_t kRestartNoIntr = -513;
    constexpr std::int64_t kRestartNoHand = -514;
    constexpr std::int64_t kRestartBlock = -516;
    constexpr unsigned kSyscallInstructionBytes = 2;
    if (std::bit_cast<std::int64_t>(std::uint64_t{registers.orig_rax}) < 0) {
        return registers;
    }
    const auto result = std::bit_cast<std::int64_t>(std::uint64_t{registers.rax});
    const bool waits_for_ever =
        registers.orig_rax == SYS_poll && static_cast<std::int32_t>(registers.rdx) < 0;
    if (result == kRestartSys || result == kRestartNoIntr || result == kRestartNoHand ||
        (result == kRestartBlock && waits_for_ever)) {
        registers.rax = registers.orig_rax;
        registers.rip -= kSyscallInstructionBytes;
    } else if (result == kRestartBlock) {
        registers.rax = std::bit_cast<std::uint64_t>(std::int64_t{-EINTR});
    }
    return registers;
}

}  // namespace palloscope
