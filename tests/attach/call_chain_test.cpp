#include "attach/call_chain.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "attach/process_memory.hpp"
#include "attach/signal_frame.hpp"

namespace palloscope {

namespace {

constexpr std::uint64_t kStackPointer = 0x7ffe0001235b;
constexpr CallGadgets kGadgets{.syscall = {0x1000}, .restorer = {0x2000}};

CpuState some_state() {
    CpuState state;
    state.registers.rsp = kStackPointer;
    state.registers.rip = 0x401000;
    state.registers.rbx = 77;
    state.registers.rax = 5;
    state.registers.orig_rax = ~0ULL;
    state.registers.eflags = 0x246 | 0x400;  // the direction flag is set
    state.extended.resize(832);
    state.signal_mask = 0xabc;
    return state;
}

// A frame as rt_sigreturn reads it: the words of its struct sigcontext by their index.
struct Frame {
    RemoteAddress address;
    std::uint64_t restorer = 0;
    std::array<std::uint64_t, 24> context{};
    std::uint64_t signal_mask = 0;

    [[nodiscard]] std::uint64_t rsp() const { return context[15]; }

    [[nodiscard]] std::uint64_t rip() const { return context[16]; }

    [[nodiscard]] std::uint64_t extended() const { return context[23]; }
};

Frame frame_at(const CallChain& chain, std::size_t offset) {
    Frame frame{.address = chain.base + offset};
    const std::byte* const at = chain.bytes.data() + offset;
    std::memcpy(&frame.restorer, at, 8);
    std::memcpy(frame.context.data(), at + 8 + 40, sizeof frame.context);
    std::memcpy(&frame.signal_mask, at + 8 + 296, 8);
    return frame;
}

std::vector<Frame> frames_of(const CallChain& chain, std::size_t count) {
    std::vector<Frame> frames;
    for (std::size_t i = 0; i < count; ++i) {
        frames.push_back(frame_at(chain, i * kSignalFrameBytes));
    }
    return frames;
}

}  // namespace

TEST(CallChain, RunsItsStepsUpwardsEachOnItsOwnFrame) {
    const CpuState state = some_state();
    CallChainBuilder builder(state, kGadgets);
    builder.add_syscall(39, {1, 2, 3, 4, 5, 6});
    builder.add_call({0x5000}, {7, 8});
    builder.add_syscall(3, {9});
    const auto chain = builder.build();
    ASSERT_TRUE(chain) << chain.error().message;

    const std::vector<Frame> frames = frames_of(*chain, 4);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(frames[i].restorer, kGadgets.restorer.value);
        EXPECT_EQ(frames[i].rsp(), frames[i + 1].address.value) << "it returns to the next frame";
        EXPECT_EQ(frames[i].rsp(), chain->step_stacks[i].value);
        EXPECT_EQ(frames[i].rsp() % 16, 8U) << "as at a function's entry";
        EXPECT_EQ(frames[i].signal_mask, ~std::uint64_t{0}) << "no handler runs in between";
        EXPECT_EQ(frames[i].context[17] & 0x400, 0U) << "the direction flag is clear";
    }
    EXPECT_EQ(frames[0].rip(), kGadgets.syscall.value);
    EXPECT_EQ(frames[1].rip(), 0x5000U);
    EXPECT_EQ(frames[2].rip(), kGadgets.syscall.value);
    // r10 and rcx, rdi, rsi, rdx, rax.
    EXPECT_EQ(frames[0].context[2], 4U);
    EXPECT_EQ(frames[0].context[14], 4U);
    EXPECT_EQ(frames[0].context[8], 1U);
    EXPECT_EQ(frames[0].context[9], 2U);
    EXPECT_EQ(frames[0].context[12], 3U);
    EXPECT_EQ(frames[0].context[13], 39U);

    EXPECT_EQ(chain->start.rip, kGadgets.restorer.value);
    EXPECT_EQ(chain->start.rsp, chain->base.value + 8) << "as if the restorer was returned to";
    EXPECT_EQ(chain->start.orig_rax, ~0ULL) << "nothing to restart";
}

TEST(CallChain, EndsInTheOriginalState) {
    const CpuState state = some_state();
    CallChainBuilder builder(state, kGadgets);
    builder.add_syscall(39, {});
    const auto chain = builder.build();
    ASSERT_TRUE(chain);
    const Frame last = frames_of(*chain, 2)[1];
    EXPECT_EQ(last.rip(), state.registers.rip);
    EXPECT_EQ(last.rsp(), state.registers.rsp);
    EXPECT_EQ(last.context[11], 77U);  // rbx
    EXPECT_EQ(last.context[17], state.registers.eflags);
    EXPECT_EQ(last.signal_mask, state.signal_mask);
    EXPECT_EQ(last.extended() % 64, 0U);
}

TEST(CallChain, LiesBelowTheRedZoneAndNothingInItOverlaps) {
    for (std::uint64_t shift = 0; shift < 64; ++shift) {
        CpuState state = some_state();
        state.registers.rsp -= shift;
        CallChainBuilder builder(state, kGadgets);
        constexpr std::string_view kText = "some text of odd length";
        const RemoteAddress first = builder.place(std::as_bytes(std::span(kText)));
        const RemoteAddress second = builder.place(std::as_bytes(std::span(kText)));
        builder.add_syscall(1, {});
        const auto chain = builder.build();
        ASSERT_TRUE(chain);
        const RemoteAddress end = chain->base + chain->bytes.size();
        const Frame last = frames_of(*chain, 2)[1];
        EXPECT_LE(end.value, state.registers.rsp - 128);
        EXPECT_LE(last.address.value + kSignalFrameBytes, last.extended());
        EXPECT_LE(last.extended() + *frame_extended_bytes(state.extended), second.value);
        EXPECT_LE(second.value + kText.size(), first.value);
        EXPECT_LE(first.value + kText.size(), end.value);
        EXPECT_EQ(first.value % 16, 0U);
        EXPECT_EQ(second.value % 16, 0U);
        for (const RemoteAddress text : {first, second}) {
            EXPECT_EQ(
                std::memcmp(chain->bytes.data() + (text - chain->base), kText.data(), kText.size()),
                0);
        }
    }
}

TEST(CallChain, HoldsAFrameForAChildToBeginWith) {
    const CpuState state = some_state();
    CallChainBuilder builder(state, kGadgets);
    const RemoteAddress entry = builder.place_entry(231, {3, 4});
    builder.add_syscall(56, {0, entry.value});
    const auto chain = builder.build();
    ASSERT_TRUE(chain);
    const Frame frame = frame_at(*chain, entry - chain->base);
    EXPECT_GT(entry.value, frames_of(*chain, 2)[1].address.value) << "no step overwrites it";
    EXPECT_EQ(entry.value % 16, 8U) << "as at a function's entry";
    EXPECT_EQ(frame.restorer, kGadgets.restorer.value) << "what clone(2) returns to";
    EXPECT_EQ(frame.rip(), kGadgets.syscall.value);
    EXPECT_EQ(frame.context[13], 231U);  // rax
    EXPECT_EQ(frame.context[8], 3U);     // rdi
    EXPECT_EQ(frame.context[9], 4U);     // rsi
    EXPECT_EQ(frame.rsp(), entry.value) << "should it return, it is made again";
    EXPECT_EQ(frame.signal_mask, ~std::uint64_t{0});
}

TEST(CallChain, LiesBelowAnotherOneThatIsStillToRun) {
    const CpuState state = some_state();
    CallChainBuilder first(state, kGadgets);
    first.add_syscall(1, {});
    const auto above = first.build();
    ASSERT_TRUE(above);
    CallChainBuilder second(state, kGadgets, *above);
    second.add_syscall(1, {});
    const auto below = second.build();
    ASSERT_TRUE(below);
    EXPECT_LE((below->base + below->bytes.size()).value, above->base.value);
    EXPECT_EQ(frames_of(*below, 2)[1].rsp(), kStackPointer);
}

TEST(CallChain, IsNotBuiltFromAStateThatCannotBeRestored) {
    CpuState state = some_state();
    state.extended.clear();
    CallChainBuilder builder(state, kGadgets);
    EXPECT_EQ(builder.build().error().kind, Error::Kind::kUnsupported);
}

TEST(CallGadgets, AreFoundInOurOwnCLibrary) {
    const auto memory = ProcessMemory::open(getpid()).value();
    const auto mappings = read_maps(getpid()).value();
    const auto gadgets = find_call_gadgets(memory, mappings);
    ASSERT_TRUE(gadgets) << gadgets.error().message;
    EXPECT_TRUE(gadgets_hold(memory, *gadgets));
    EXPECT_FALSE(gadgets_hold(memory, {.syscall = gadgets->restorer, .restorer = {8}}));
    EXPECT_FALSE(
        gadgets_hold(memory, {.syscall = gadgets->syscall + 1, .restorer = gadgets->restorer}));
    for (const RemoteAddress address : {gadgets->syscall, gadgets->restorer}) {
        EXPECT_TRUE(std::ranges::any_of(mappings, [&](const Mapping& mapping) {
            return mapping.executable && mapping.start <= address && address < mapping.end &&
                   mapping.path.find("libc") != std::string::npos;
        }));
    }
}

TEST(CallGadgets, AreMissingWhereThereIsNoCLibrary) {
    const auto memory = ProcessMemory::open(getpid()).value();
    EXPECT_EQ(find_call_gadgets(memory, {}).error().kind, Error::Kind::kUnsupported);
    const Mapping unreadable{.start = {4096},
                             .end = {8192},
                             .readable = true,
                             .executable = true,
                             .inode = 1,
                             .path = "/lib/libc.so.6"};
    EXPECT_EQ(find_call_gadgets(memory, std::span(&unreadable, 1)).error().kind,
              Error::Kind::kUnsupported);
}

}  // namespace palloscope
