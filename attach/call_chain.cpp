#include "attach/call_chain.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "attach/signal_frame.hpp"

namespace palloscope {

namespace {

// System V ABI, AMD64: 128 bytes below the stack pointer belong to the running function.
constexpr std::uint64_t kRedZoneBytes = 128;
constexpr std::uint64_t kExtendedAlignment = 64;
constexpr std::uint64_t kStackAlignment = 16;
// At a function's first instruction its return address lies at rsp, and rsp + 8 is aligned.
constexpr std::uint64_t kEntryMisalignment = 8;
constexpr std::uint64_t kAllSignals = ~std::uint64_t{0};
// Flags that would trap, or change what a function may rely on: TF, DF, NT, RF, AC.
constexpr std::uint64_t kUnwantedFlags = 0x100 | 0x400 | 0x4000 | 0x10000 | 0x40000;
// orig_rax of a thread that is in no system call: nothing to restart.
constexpr std::uint64_t kNoSyscall = ~std::uint64_t{0};
// Larger than the text of any C library; bounds what is read of one mapping.
constexpr std::uint64_t kMaxTextBytes = std::uint64_t{256} << 20;

using Code = std::basic_string_view<unsigned char>;

constexpr std::array<unsigned char, 3> kSyscallReturn{0x0f, 0x05, 0xc3};
// mov $15, %rax; syscall (glibc) and mov $15, %eax; syscall (musl).
constexpr std::array<unsigned char, 9> kRestorerLong{0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
constexpr std::array<unsigned char, 7> kRestorerShort{0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05};

Code code(std::span<const unsigned char> bytes) {
    return {bytes.data(), bytes.size()};
}

std::optional<RemoteAddress> find_code(Code text, RemoteAddress start, Code wanted) {
    const std::size_t at = text.find(wanted);
    if (at == Code::npos) {
        return std::nullopt;
    }
    return start + at;
}

bool is_c_library(const Mapping& mapping) {
    return mapping.path.find("/libc.so") != std::string::npos ||
           mapping.path.find("/libc-") != std::string::npos ||
           mapping.path.find("/ld-musl") != std::string::npos;
}

constexpr std::uint64_t align_down(std::uint64_t value, std::uint64_t alignment) {
    return value - value % alignment;
}

}  // namespace

Result<CallGadgets> find_call_gadgets(const MemorySource& memory,
                                      std::span<const Mapping> mappings) {
    std::vector<const Mapping*> texts;
    for (const Mapping& mapping : mappings) {
        if (mapping.executable && mapping.readable && mapping.inode != 0) {
            texts.push_back(&mapping);
        }
    }
    std::stable_partition(
        texts.begin(), texts.end(), [](const Mapping* mapping) { return is_c_library(*mapping); });

    CallGadgets gadgets;
    std::vector<unsigned char> bytes;
    for (const Mapping* mapping : texts) {
        bytes.resize(std::min(mapping->size(), kMaxTextBytes));
        const RemotePiece piece{.address = mapping->start,
                                .into = std::as_writable_bytes(std::span(bytes))};
        if (!memory.gather(std::span(&piece, 1))) {
            continue;  // another mapping may serve
        }
        const Code text = code(bytes);
        if (gadgets.syscall.is_null()) {
            gadgets.syscall =
                find_code(text, mapping->start, code(kSyscallReturn)).value_or(RemoteAddress{});
        }
        if (gadgets.restorer.is_null()) {
            const auto restorer = find_code(text, mapping->start, code(kRestorerLong));
            gadgets.restorer = restorer ? *restorer
                                        : find_code(text, mapping->start, code(kRestorerShort))
                                              .value_or(RemoteAddress{});
        }
        if (!gadgets.syscall.is_null() && !gadgets.restorer.is_null()) {
            return gadgets;
        }
    }
    return failure(Error::Kind::kUnsupported,
                   "the target's C library has no return from signal handlers that we know "
                   "(neither glibc's nor musl's)");
}

bool gadgets_hold(const MemorySource& memory, const CallGadgets& gadgets) {
    std::array<unsigned char, kSyscallReturn.size()> at_syscall{};
    std::array<unsigned char, kRestorerLong.size()> at_restorer{};
    const std::array pieces{
        RemotePiece{gadgets.syscall, std::as_writable_bytes(std::span(at_syscall))},
        RemotePiece{gadgets.restorer, std::as_writable_bytes(std::span(at_restorer))}};
    return memory.gather(pieces) && at_syscall == kSyscallReturn &&
           (at_restorer == kRestorerLong || code(at_restorer).starts_with(code(kRestorerShort)));
}

CallChainBuilder::CallChainBuilder(const CpuState& original, const CallGadgets& gadgets)
    : original_(&original),
      gadgets_(gadgets),
      top_{align_down(original.registers.rsp - kRedZoneBytes, kExtendedAlignment)} {}

CallChainBuilder::CallChainBuilder(const CpuState& original,
                                   const CallGadgets& gadgets,
                                   const CallChain& other)
    : CallChainBuilder(original, gadgets) {
    top_ = {align_down((other.base - kRedZoneBytes).value, kExtendedAlignment)};
}

RemoteAddress CallChainBuilder::place(std::span<const std::byte> bytes) {
    std::vector<std::byte> block(bytes.begin(), bytes.end());
    block.resize((block.size() + kStackAlignment - 1) / kStackAlignment * kStackAlignment);
    data_.insert(data_.begin(), block.begin(), block.end());
    return top_ - data_.size();
}

RemoteAddress CallChainBuilder::place_entry(long number, const Arguments& arguments) {
    std::array<std::byte, kEntryMisalignment + kSignalFrameBytes> block{};
    const RemoteAddress frame = place(block) + kEntryMisalignment;
    user_regs_struct registers =
        entry_registers(gadgets_.syscall, static_cast<std::uint64_t>(number), arguments);
    // Should it ever return, it enters its frame again.
    registers.rsp = frame.value;
    write_signal_frame(std::span(data_).subspan(kEntryMisalignment, kSignalFrameBytes),
                       gadgets_.restorer,
                       registers,
                       kAllSignals,
                       RemoteAddress{});
    return frame;
}

void CallChainBuilder::add_call(RemoteAddress function, const Arguments& arguments) {
    steps_.push_back(entry_registers(function, 0, arguments));
}

void CallChainBuilder::add_syscall(long number, const Arguments& arguments) {
    steps_.push_back(
        entry_registers(gadgets_.syscall, static_cast<std::uint64_t>(number), arguments));
}

user_regs_struct CallChainBuilder::entry_registers(RemoteAddress entry,
                                                   std::uint64_t rax,
                                                   const Arguments& arguments) const {
    user_regs_struct registers = original_->registers;
    registers.rip = entry.value;
    registers.rax = rax;
    registers.orig_rax = kNoSyscall;
    registers.rdi = arguments[0];
    registers.rsi = arguments[1];
    registers.rdx = arguments[2];
    // A function takes its fourth argument in rcx, a system call in r10: each ignores the other's.
    registers.rcx = arguments[3];
    registers.r10 = arguments[3];
    registers.r8 = arguments[4];
    registers.r9 = arguments[5];
    registers.rbp = 0;
    registers.eflags &= ~kUnwantedFlags;
    return registers;
}

Result<CallChain> CallChainBuilder::build() const {
    auto extended = frame_extended_state(original_->extended);
    if (!extended) {
        return tl::unexpected(std::move(extended.error()));
    }
    const RemoteAddress extended_at{
        align_down((top_ - data_.size() - extended->size()).value, kExtendedAlignment)};
    // Frame 0 enters the first step, frame i step i + 1, the last one the original state.
    const std::size_t frames = steps_.size() + 1;
    const RemoteAddress lowest{
        align_down((extended_at - frames * kSignalFrameBytes).value, kStackAlignment) -
        kEntryMisalignment};

    CallChain chain{.base = lowest, .bytes = std::vector<std::byte>(top_ - lowest)};
    for (std::size_t i = 0; i < frames; ++i) {
        const RemoteAddress frame = lowest + i * kSignalFrameBytes;
        const std::span into =
            std::span(chain.bytes).subspan(i * kSignalFrameBytes, kSignalFrameBytes);
        if (i < steps_.size()) {
            user_regs_struct registers = steps_[i];
            registers.rsp = (frame + kSignalFrameBytes).value;
            chain.step_stacks.push_back({registers.rsp});
            write_signal_frame(into, gadgets_.restorer, registers, kAllSignals, RemoteAddress{});
        } else {
            write_signal_frame(into,
                               gadgets_.restorer,
                               with_restarted_syscall(original_->registers),
                               original_->signal_mask,
                               extended_at);
        }
    }
    std::ranges::copy(*extended,
                      chain.bytes.begin() + static_cast<std::ptrdiff_t>(extended_at - lowest));
    std::ranges::copy(data_, chain.bytes.end() - static_cast<std::ptrdiff_t>(data_.size()));

    chain.start = original_->registers;
    chain.start.rip = gadgets_.restorer.value;
    // As if the restorer had been returned to: rt_sigreturn finds the frame one word below rsp.
    chain.start.rsp = lowest.value + sizeof(std::uint64_t);
    chain.start.orig_rax = kNoSyscall;
    chain.start.eflags &= ~kUnwantedFlags;
    return chain;
}

}  // namespace palloscope
