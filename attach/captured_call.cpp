#include "attach/captured_call.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "attach/capture_file.hpp"
#include "attach/chain_run.hpp"
#include "attach/cpu_state.hpp"
#include "attach/proc.hpp"

namespace palloscope {

namespace {

using Clock = std::chrono::steady_clock;

// The file begins with the time at which the chain had put everything back; zero until then.
constexpr std::size_t kTimeBytes = sizeof(timespec);
static_assert(kTimeBytes == 16);

constexpr std::chrono::milliseconds kStepTimeout{1000};
constexpr std::chrono::microseconds kPollInterval{50};
constexpr int kSeccompFilter = 2;

// The descriptor numbers that the chain is written for. They can be foretold, since the kernel
// gives the lowest free one and nothing else of the process runs.
struct Descriptors {
    int capture = -1;
    int saved_stderr = -1;
    bool stderr_closes_on_exec = false;
};

// Steps of the preparing chain that are watched.
constexpr std::size_t kMakeFile = 0;
constexpr std::size_t kSaveStderr = 2;

Result<Descriptors> foretell_descriptors(pid_t pid, std::uint64_t limit) {
    const auto open_numbers = list_descriptors(pid);
    if (!open_numbers) {
        return tl::unexpected(open_numbers.error());
    }
    if (!std::ranges::binary_search(*open_numbers, STDERR_FILENO)) {
        return failure(
            Error::Kind::kUnsupported,
            fmt::format("process {} has closed its standard error, which the call writes to", pid));
    }
    const auto flags = read_descriptor_flags(pid, STDERR_FILENO);
    if (!flags) {
        return tl::unexpected(flags.error());
    }
    std::vector<int> free;
    for (int fd = 0; free.size() < 2; ++fd) {
        if (!std::ranges::binary_search(*open_numbers, fd)) {
            free.push_back(fd);
        }
    }
    if (static_cast<std::uint64_t>(free.back()) >= limit) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("process {} has used up its {} file descriptors", pid, limit));
    }
    return Descriptors{.capture = free[0],
                       .saved_stderr = free[1],
                       .stderr_closes_on_exec = (*flags & O_CLOEXEC) != 0};
}

std::uint64_t argument(int value) {
    return static_cast<std::uint64_t>(value);
}

// dup2(2) where it serves: a server uses it itself, so that no seccomp filter forbids it.
void add_redirect_stderr(CallChainBuilder& builder, std::uint64_t to, bool closes_on_exec) {
    if (closes_on_exec) {
        builder.add_syscall(SYS_dup3, {to, STDERR_FILENO, argument(O_CLOEXEC)});
    } else {
        builder.add_syscall(SYS_dup2, {to, STDERR_FILENO});
    }
}

// Makes the file, with its first bytes, and the duplicate of the standard error, and closes both
// again. So it changes nothing, wherever a step of it fails.
Result<CallChain> build_preparing_chain(const CpuState& state,
                                        const CallGadgets& gadgets,
                                        const Descriptors& descriptors,
                                        bool filtered) {
    CallChainBuilder builder(state, gadgets);
    const std::array<std::byte, kTimeBytes> no_time{};
    const CaptureFileStep make_file(builder, filtered);
    const RemoteAddress time = builder.place(no_time);
    const std::uint64_t capture = argument(descriptors.capture);

    make_file.add_to(builder);
    builder.add_syscall(SYS_write, {capture, time.value, kTimeBytes});
    builder.add_syscall(SYS_fcntl, {STDERR_FILENO, F_DUPFD_CLOEXEC, 0});
    builder.add_syscall(SYS_close, {argument(descriptors.saved_stderr)});
    builder.add_syscall(SYS_close, {capture});
    return builder.build();
}

// Calls the function with its standard error in the file, puts that back and closes both
// descriptors. For a process that stands in `preparing` and has made them.
Result<CallChain> build_calling_chain(const CpuState& state,
                                      const CallGadgets& gadgets,
                                      const CallChain& preparing,
                                      const Descriptors& descriptors,
                                      const FunctionCall& call) {
    CallChainBuilder builder(state, gadgets, preparing);
    const std::array<std::byte, kTimeBytes> no_time{};
    const RemoteAddress time = builder.place(no_time);
    const std::uint64_t capture = argument(descriptors.capture);
    const std::uint64_t saved = argument(descriptors.saved_stderr);

    add_redirect_stderr(builder, capture, /*closes_on_exec=*/false);
    builder.add_call(call.function, call.arguments);
    add_redirect_stderr(builder, saved, descriptors.stderr_closes_on_exec);
    builder.add_syscall(SYS_close, {saved});
    builder.add_syscall(SYS_clock_gettime, {CLOCK_MONOTONIC, time.value});
    builder.add_syscall(SYS_pwrite64, {capture, time.value, kTimeBytes, 0});
    builder.add_syscall(SYS_close, {capture});
    return builder.build();
}

// Runs the preparing chain up to where both descriptors are made, and gives ours of the file.
Result<FileDescriptor> make_descriptors(StoppedProcess& stopped,
                                        const Process& process,
                                        const CallChain& preparing,
                                        const CallGadgets& gadgets,
                                        const Descriptors& descriptors) {
    const auto capture = run_through_step(stopped, preparing, gadgets, kMakeFile, kStepTimeout);
    if (!capture) {
        return tl::unexpected(capture.error());
    }
    const auto saved = run_through_step(stopped, preparing, gadgets, kSaveStderr, kStepTimeout);
    if (!saved) {
        return tl::unexpected(saved.error());
    }
    if (*capture != descriptors.capture) {
        return failure(
            Error::Kind::kUnsupported,
            fmt::format(
                "process {} could not make a file in memory for the call's output (result {})",
                stopped.pid(),
                *capture));
    }
    if (*saved != descriptors.saved_stderr) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("process {} could not duplicate its standard error (result {})",
                                   stopped.pid(),
                                   *saved));
    }
    auto file = process.duplicate_descriptor(descriptors.capture);

    struct stat begun {};

    if (file && (fstat(file->get(), &begun) != 0 || begun.st_size != kTimeBytes)) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("process {} could not write to a file in memory: memory, or "
                                   "{}, is full",
                                   stopped.pid(),
                                   kSharedMemoryFolder));
    }
    return file;
}

// Starts the call once all that it relies on is there, and gives ours of the file. Where something
// is missing, the process runs on as it was.
Result<FileDescriptor> start_call(StoppedProcess& stopped,
                                  const Process& process,
                                  const ProcessMemory& memory,
                                  const CallGadgets& gadgets,
                                  const FunctionCall& call) {
    const pid_t pid = stopped.pid();
    if (const std::size_t threads = count_threads(pid); threads > 1) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("process {} has {} threads, io_uring's workers included: where "
                                   "we are killed in the middle, another one could open a file "
                                   "under a number that the call relies on",
                                   pid,
                                   threads),
                       "use --method freeze or fork");
    }
    const auto status = read_status(pid);
    const auto limits = read_limits(pid);
    if (!status || !limits) {
        return tl::unexpected(!status ? status.error() : limits.error());
    }
    const auto state = read_chain_state(pid, memory, gadgets, limits->stack_bytes, kRoomForCall);
    if (!state) {
        return tl::unexpected(state.error());
    }
    if (auto room = require_file_size(pid, limits->file_bytes); !room) {
        return tl::unexpected(std::move(room.error()));
    }
    const auto descriptors = foretell_descriptors(pid, limits->open_files);
    if (!descriptors) {
        return tl::unexpected(descriptors.error());
    }
    const auto preparing =
        build_preparing_chain(*state, gadgets, *descriptors, status->seccomp == kSeccompFilter);
    if (!preparing) {
        return tl::unexpected(preparing.error());
    }
    if (auto started = start_chain(pid, memory, *preparing); !started) {
        return tl::unexpected(std::move(started.error()));
    }
    auto file = make_descriptors(stopped, process, *preparing, gadgets, *descriptors);
    // Only now: until its signals were blocked by the first step, one of its handlers could have
    // run on the stack below the preparing chain.
    auto started = file.map([](const FileDescriptor&) {}).and_then([&] {
        return build_calling_chain(*state, gadgets, *preparing, *descriptors, call)
            .and_then([&](const CallChain& calling) { return start_chain(pid, memory, calling); });
    });
    if (!started) {
        return tl::unexpected(std::move(started.error()));
    }
    return file;
}

// Waits until the chain has noted its end, and gives that time.
Result<Clock::time_point> await_end(const Process& process,
                                    const FileDescriptor& file,
                                    Clock::time_point begin,
                                    std::chrono::milliseconds timeout) {
    const Clock::time_point deadline = Clock::now() + timeout;
    for (;;) {
        timespec end{};
        const ssize_t got = pread(file.get(), &end, sizeof end, 0);
        const Clock::time_point now = Clock::now();
        if (got == static_cast<ssize_t>(sizeof end) && end.tv_sec != 0) {
            const Clock::time_point noted(std::chrono::seconds(end.tv_sec) +
                                          std::chrono::nanoseconds(end.tv_nsec));
            // In another time namespace the clock is another one; then it ended when we saw it, at
            // the latest.
            return noted < begin || noted > now ? now : noted;
        }
        if (now >= deadline) {
            return failure(
                Error::Kind::kFailed,
                fmt::format("process {} has not finished the call within {} ms; it goes on with it "
                            "by itself",
                            process.pid(),
                            timeout.count()));
        }
        if (auto alive = process.require_alive(); !alive) {
            return tl::unexpected(std::move(alive.error()));
        }
        std::this_thread::sleep_for(kPollInterval);
    }
}

}  // namespace

Result<CapturedOutput> call_with_captured_stderr(StoppedProcess stopped,
                                                 const Process& process,
                                                 const ProcessMemory& memory,
                                                 const CallGadgets& gadgets,
                                                 const FunctionCall& call,
                                                 std::chrono::milliseconds timeout) {
    if (auto running = require_running(stopped); !running) {
        return tl::unexpected(std::move(running.error()));
    }
    const auto file = start_call(stopped, process, memory, gadgets, call);
    if (!file) {
        return tl::unexpected(file.error());
    }
    stopped.release_all();
    const auto end = await_end(process, *file, stopped.interrupted_at(), timeout);
    if (!end) {
        return tl::unexpected(end.error());
    }
    auto text = read_captured(*file, kTimeBytes);
    if (!text) {
        return tl::unexpected(std::move(text.error()));
    }
    const std::chrono::duration<double, std::micro> pause = *end - stopped.interrupted_at();
    return CapturedOutput{.text = std::move(*text), .pause_us = pause.count()};
}

}  // namespace palloscope
