#include "attach/captured_call.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
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
// 100,000 contexts print 20 MB.
constexpr off_t kMaxOutputBytes = off_t{1} << 30;
constexpr std::string_view kFileName = "palloscope";
constexpr std::string_view kSharedMemoryFolder = "/dev/shm";
constexpr int kSeccompFilter = 2;
// A syscall instruction has two bytes: where rip stands in a system-call-stop.
constexpr std::uint64_t kSyscallInstructionBytes = 2;

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
constexpr std::size_t kCloseFile = 4;

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

// The chain and the function need room below the stack pointer. An alternate signal stack, or a
// coroutine's, may have none left, and there is no way to see its end.
Result<> require_stack(pid_t pid, const CpuState& state, std::uint64_t limit) {
    constexpr std::uint64_t kNeeded = std::uint64_t{256} << 10;
    // Below the stack the kernel leaves a gap of 128 MB at least (arch/x86/mm/mmap.c, mmap_base).
    constexpr std::uint64_t kNothingElseBelow = std::uint64_t{64} << 20;
    const auto start = read_stack_start(pid);
    if (!start) {
        return tl::unexpected(start.error());
    }
    const std::uint64_t used = start->value - state.registers.rsp;  // huge where rsp lies above
    if (used > kNothingElseBelow || used + kNeeded > limit) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("process {} does not run on its main stack, or has used it up: "
                                   "there is no room for a call",
                                   pid));
    }
    return {};
}

std::uint64_t argument(int value) {
    return static_cast<std::uint64_t>(value);
}

std::span<const std::byte> with_nul(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size() + 1));
}

// A file in memory. Under a seccomp filter, which may kill a process for a system call that it does
// not know, an unnamed file in /dev/shm, since every server opens files; memfd_create(2) elsewhere.
void add_make_file(CallChainBuilder& builder, RemoteAddress name, bool filtered) {
    if (filtered) {
        constexpr int kFlags = O_TMPFILE | O_RDWR | O_CLOEXEC;
        constexpr int kMode = 0600;
        builder.add_syscall(SYS_openat,
                            {argument(AT_FDCWD), name.value, argument(kFlags), argument(kMode)});
    } else {
        builder.add_syscall(SYS_memfd_create, {name.value, MFD_CLOEXEC});
    }
}

// A write beyond the limit would send the process SIGXFSZ, which ends it.
Result<> require_file_size(pid_t pid, std::uint64_t limit) {
    if (limit < static_cast<std::uint64_t>(kMaxOutputBytes)) {
        return failure(
            Error::Kind::kUnsupported,
            fmt::format("process {} may write no files larger than {} bytes (ulimit -f), which the "
                        "call's output could be",
                        pid,
                        limit));
    }
    return {};
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
    const RemoteAddress name = builder.place(with_nul(filtered ? kSharedMemoryFolder : kFileName));
    const RemoteAddress time = builder.place(no_time);
    const std::uint64_t capture = argument(descriptors.capture);

    add_make_file(builder, name, filtered);
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

Result<> start(pid_t pid, const ProcessMemory& memory, const CallChain& chain) {
    return memory.write(chain.base, chain.bytes).and_then([&] {
        return write_registers(pid, chain.start);
    });
}

// Runs up to the return of step `step`, which must be a system call, and gives its result.
Result<std::int64_t> run_through_step(StoppedProcess& stopped,
                                      const CallChain& chain,
                                      const CallGadgets& gadgets,
                                      std::size_t step) {
    // The same registers stand at its entry and, the second time, at its return.
    int seen = 0;
    for (;;) {
        if (auto stop = stopped.run_to_syscall_stop(kStepTimeout); !stop) {
            return tl::unexpected(std::move(stop.error()));
        }
        const auto registers = read_registers(stopped.pid());
        if (!registers) {
            return tl::unexpected(registers.error());
        }
        if (registers->rip == gadgets.syscall.value + kSyscallInstructionBytes &&
            registers->rsp == chain.step_stacks[step].value && ++seen == 2) {
            return static_cast<std::int64_t>(registers->rax);
        }
    }
}

// Runs the preparing chain up to where both descriptors are made, and gives ours of the file.
Result<FileDescriptor> make_descriptors(StoppedProcess& stopped,
                                        const Process& process,
                                        const CallChain& preparing,
                                        const CallGadgets& gadgets,
                                        const Descriptors& descriptors) {
    const auto capture = run_through_step(stopped, preparing, gadgets, kMakeFile);
    if (!capture) {
        return tl::unexpected(capture.error());
    }
    const auto saved = run_through_step(stopped, preparing, gadgets, kSaveStderr);
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
    const auto state = read_cpu_state(pid);
    const auto status = read_status(pid);
    const auto limits = read_limits(pid);
    if (!state || !status || !limits) {
        return tl::unexpected(!state ? state.error() : !status ? status.error() : limits.error());
    }
    if (auto room = require_stack(pid, *state, limits->stack_bytes); !room) {
        return tl::unexpected(std::move(room.error()));
    }
    if (auto room = require_file_size(pid, limits->file_bytes); !room) {
        return tl::unexpected(std::move(room.error()));
    }
    const auto descriptors = foretell_descriptors(pid, limits->open_files);
    if (!descriptors) {
        return tl::unexpected(descriptors.error());
    }
    if (!gadgets_hold(memory, gadgets)) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("the C library of process {} is not where it was found", pid));
    }
    const auto preparing =
        build_preparing_chain(*state, gadgets, *descriptors, status->seccomp == kSeccompFilter);
    if (!preparing) {
        return tl::unexpected(preparing.error());
    }
    if (auto started = start(pid, memory, *preparing); !started) {
        return tl::unexpected(std::move(started.error()));
    }
    auto file = make_descriptors(stopped, process, *preparing, gadgets, *descriptors);
    // Only now: until its signals were blocked by the first step, one of its handlers could have
    // run on the stack below the preparing chain.
    auto started = file.map([](const FileDescriptor&) {}).and_then([&] {
        return build_calling_chain(*state, gadgets, *preparing, *descriptors, call)
            .and_then([&](const CallChain& calling) { return start(pid, memory, calling); });
    });
    if (!started) {
        // Its other threads must not open files before the preparing chain has closed its own.
        (void)run_through_step(stopped, *preparing, gadgets, kCloseFile);
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

Result<std::string> read_output(const FileDescriptor& file) {
    struct stat status {};

    if (fstat(file.get(), &status) < 0) {
        return os_error(errno, "cannot read the captured output");
    }
    if (status.st_size > kMaxOutputBytes) {
        return failure(Error::Kind::kFailed, "the captured output is larger than 1 GB");
    }
    if (status.st_size < static_cast<off_t>(kTimeBytes)) {
        return failure(Error::Kind::kFailed, "the captured output was cut off by somebody else");
    }
    std::string text(static_cast<std::size_t>(status.st_size) - kTimeBytes, '\0');
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t got = pread(file.get(),
                                  text.data() + done,
                                  text.size() - done,
                                  static_cast<off_t>(kTimeBytes + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return os_error(got < 0 ? errno : EIO, "cannot read the captured output");
        }
        done += static_cast<std::size_t>(got);
    }
    return text;
}

}  // namespace

Result<CapturedOutput> call_with_captured_stderr(StoppedProcess stopped,
                                                 const Process& process,
                                                 const ProcessMemory& memory,
                                                 const CallGadgets& gadgets,
                                                 const FunctionCall& call,
                                                 std::chrono::milliseconds timeout) {
    const pid_t pid = stopped.pid();
    if (stopped.in_group_stop()) {
        return failure(Error::Kind::kTimeout,
                       fmt::format("process {} is stopped by a signal and runs nothing", pid),
                       fmt::format("let it go on with 'kill -CONT {}'", pid));
    }
    const auto file = start_call(stopped, process, memory, gadgets, call);
    if (!file) {
        return tl::unexpected(file.error());
    }
    stopped.release_main_thread();
    const auto end = await_end(process, *file, stopped.interrupted_at(), timeout);
    if (!end) {
        return tl::unexpected(end.error());
    }
    auto text = read_output(*file);
    if (!text) {
        return tl::unexpected(std::move(text.error()));
    }
    const std::chrono::duration<double, std::micro> pause = *end - stopped.interrupted_at();
    return CapturedOutput{.text = std::move(*text), .pause_us = pause.count()};
}

}  // namespace palloscope
