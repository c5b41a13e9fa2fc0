#include "attach/calls_in_child.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include <fmt/core.h>

#include "attach/capture_file.hpp"
#include "attach/chain_run.hpp"
#include "attach/cpu_state.hpp"
#include "attach/proc.hpp"
#include "attach/process.hpp"

namespace palloscope {

namespace {

constexpr std::chrono::milliseconds kStepTimeout{1000};
constexpr int kSeccompFilter = 2;

// The number of the descriptor that the child has of it.
Result<int> make_capture_file(StoppedProcess& child,
                              const ProcessMemory& memory,
                              const CpuState& state,
                              const CallGadgets& gadgets,
                              bool filtered) {
    CallChainBuilder builder(state, gadgets);
    const CaptureFileStep make_file(builder, filtered);
    make_file.add_to(builder);
    const auto descriptor = run_only_step(child, memory, gadgets, builder);
    if (!descriptor) {
        return tl::unexpected(descriptor.error());
    }
    if (*descriptor < 0) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("the copy-on-write child {} could not make a file in memory for "
                                   "the call's output (result {})",
                                   child.pid(),
                                   *descriptor));
    }
    return static_cast<int>(*descriptor);
}

Result<CallChain> build_calls(const CpuState& state,
                              const CallGadgets& gadgets,
                              int capture,
                              std::span<const FunctionCall> calls) {
    CallChainBuilder builder(state, gadgets);
    builder.add_syscall(SYS_dup2, {static_cast<std::uint64_t>(capture), STDERR_FILENO});
    for (const FunctionCall& call : calls) {
        builder.add_call(call.function, call.arguments);
    }
    builder.add_syscall(SYS_exit_group, {0});
    return builder.build();
}

}  // namespace

Result<std::int64_t> run_only_step(StoppedProcess& child,
                                   const ProcessMemory& memory,
                                   const CallGadgets& gadgets,
                                   CallChainBuilder& builder) {
    constexpr std::size_t kOnlyStep = 0;
    builder.add_syscall(SYS_exit_group, {0});
    const auto chain = builder.build();
    if (!chain) {
        return tl::unexpected(chain.error());
    }
    return start_chain(child.pid(), memory, *chain).and_then([&] {
        return run_through_step(child, *chain, gadgets, kOnlyStep, kStepTimeout);
    });
}

Result<FileDescriptor> start_calls(StoppedProcess& child,
                                   const ProcessMemory& memory,
                                   const CallGadgets& gadgets,
                                   std::span<const FunctionCall> calls) {
    const pid_t pid = child.pid();
    const auto process = Process::open(pid);
    const auto status = read_status(pid);
    const auto limits = read_limits(pid);
    if (!process || !status || !limits) {
        return tl::unexpected(!process  ? process.error()
                              : !status ? status.error()
                                        : limits.error());
    }
    const auto state = require_file_size(pid, limits->file_bytes).and_then([&] {
        return read_chain_state(pid, memory, gadgets, limits->stack_bytes, kRoomForCall);
    });
    if (!state) {
        return tl::unexpected(state.error());
    }
    const auto capture =
        make_capture_file(child, memory, *state, gadgets, status->seccomp == kSeccompFilter);
    if (!capture) {
        return tl::unexpected(capture.error());
    }
    auto file = process->duplicate_descriptor(*capture);
    if (!file) {
        return file;
    }
    const auto chain = build_calls(*state, gadgets, *capture, calls);
    if (!chain) {
        return tl::unexpected(chain.error());
    }
    return start_chain(pid, memory, *chain).map([&] { return std::move(*file); });
}

Result<> finish_calls(StoppedProcess& child,
                      std::chrono::milliseconds timeout,
                      const std::function<void()>& before_exit) {
    const auto run = child.run_to_end(timeout, before_exit);
    if (!run) {
        return tl::unexpected(run.error());
    }
    switch (run->kind) {
        case RunResult::Kind::kExited:
            return {};
        case RunResult::Kind::kKilled:
            return failure(Error::Kind::kFailed,
                           fmt::format("the copy-on-write child {} was killed by signal {} in the "
                                       "call, perhaps for lack of memory",
                                       child.pid(),
                                       run->value));
        case RunResult::Kind::kSignal:
            return failure(
                Error::Kind::kFailed,
                fmt::format("the call faulted in the copy-on-write child {} (signal {}); "
                            "the process itself is as before",
                            child.pid(),
                            run->value));
        case RunResult::Kind::kTimedOut:
            break;
    }
    return failure(Error::Kind::kFailed,
                   fmt::format("the copy-on-write child {} has not finished the call within {} ms",
                               child.pid(),
                               timeout.count()));
}

}  // namespace palloscope
