#include "attach/copy_on_write_child.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string_view>
#include <system_error>
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
using Microseconds = std::chrono::duration<double, std::micro>;

constexpr std::chrono::milliseconds kStepTimeout{1000};
// To copy the page tables of 1 GB takes some 10 ms.
constexpr std::chrono::milliseconds kCloneTimeout{10000};
// To free them is faster.
constexpr std::chrono::milliseconds kExitTimeout{2000};
// How long the process may take, once let go, for the last steps of a chain: as long as others keep
// the processor from it.
constexpr std::chrono::milliseconds kRestoreTimeout{1000};
// What is awaited takes some 20 us, or the processor that we keep: for so long in turns with
// others, then asleep. In shorter sleeps, with less slack of the timer, we would keep it all the
// same (EEVDF, kernel 6.18: 3 ms).
constexpr std::chrono::microseconds kEagerWait{50};
constexpr std::chrono::microseconds kLazyInterval{50};

constexpr int kSeccompStrict = 1;
constexpr int kSeccompFilter = 2;
// Of clone(2): no flags, and no signal for the parent when the child exits.
constexpr std::uint64_t kNoFlags = 0;
// For the child's own structures, page tables beside, and what the process writes meanwhile.
constexpr std::int64_t kMinHeadroomBytes = std::int64_t{16} << 20;
constexpr std::int64_t kHeadroomShare = 64;
// More zombies than we can have left; bounds the chain.
constexpr std::size_t kMaxLeftovers = 32;
// Bounds what is looked at while the process is stopped.
constexpr std::size_t kMaxChildren = 256;

constexpr std::string_view kStopInstead = "stop the process and copy its memory instead";

// Calls `condition` until it holds; false where it does not before the deadline.
template <typename Condition>
bool wait_for(Condition condition, std::chrono::milliseconds timeout) {
    const Clock::time_point begin = Clock::now();
    for (;;) {
        if (condition()) {
            return true;
        }
        const Clock::duration waited = Clock::now() - begin;
        if (waited >= timeout) {
            return false;
        }
        if (waited < kEagerWait) {
            sched_yield();
        } else {
            std::this_thread::sleep_for(kLazyInterval);
        }
    }
}

// Whether it is a child that was made by us and has ended, and that only the process, which does
// not know it, can reap. Nothing but a clone(2) with that exit signal makes such children.
bool is_leftover(pid_t child, pid_t parent) {
    const auto status = read_child_status(child);
    return status && status->state == 'Z' && status->parent_pid == parent &&
           status->exit_signal == 0;
}

// The child's PID as its parent knows it: in the parent's own PID namespace, where that is deeper
// than ours.
pid_t pid_for_parent(pid_t child, const ProcessStatus& parent) {
    const auto status = read_status(child);
    const std::size_t depth = parent.namespace_pids.size();
    // Empty before kernel 4.1.
    return status && depth > 0 && status->namespace_pids.size() >= depth
               ? status->namespace_pids[depth - 1]
               : child;
}

std::vector<pid_t> list_leftovers(pid_t parent) {
    std::vector<pid_t> children = list_children(parent).value_or(std::vector<pid_t>{});
    children.resize(std::min(children.size(), kMaxChildren));
    std::erase_if(children, [&](pid_t child) { return !is_leftover(child, parent); });
    children.resize(std::min(children.size(), kMaxLeftovers));
    return children;
}

// Has the process reap these children of ours, and no other: -1 would take its own ones from it.
void add_reaping(CallChainBuilder& builder,
                 const std::vector<pid_t>& leftovers,
                 const ProcessStatus& parent) {
    constexpr std::uint64_t kOptions = WNOHANG | static_cast<unsigned>(__WALL);
    for (const pid_t child : leftovers) {
        const auto pid = static_cast<std::uint64_t>(pid_for_parent(child, parent));
        builder.add_syscall(SYS_wait4, {pid, 0, kOptions, 0});
    }
}

// Of the child: see take_over_files().
Result<> require_readable(pid_t pid, const ProcessMemory& memory) {
    if (memory.has_file() || geteuid() == 0) {
        return {};
    }
    return failure(Error::Kind::kPermission,
                   fmt::format("a copy-on-write child of process {} could not be read: its files "
                               "below /proc are closed to us, who are neither root nor its user",
                               pid),
                   std::string(kStopInstead));
}

Result<> require_seccomp(pid_t pid, const ProcessStatus& status) {
    if (status.seccomp == kSeccompStrict) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("process {} would be killed for making a child: it runs under "
                                   "seccomp's strict mode",
                                   pid));
    }
    return {};
}

Result<> require_memory(pid_t pid,
                        const ProcessStatus& status,
                        const std::optional<MemoryHeadroom>& known) {
    constexpr int kMegabyteShift = 20;
    const auto headroom = known ? Result<MemoryHeadroom>(*known) : read_memory_headroom(pid);
    if (!headroom) {
        return tl::unexpected(headroom.error());
    }
    const std::int64_t needed = kMinHeadroomBytes + status.rss_anon_bytes / kHeadroomShare;
    if (headroom->left_bytes() < needed) {
        return failure(
            Error::Kind::kUnsupported,
            fmt::format("a copy-on-write child of process {} may need {} MB, but {} MB of memory "
                        "are left on its machine or in its control group",
                        pid,
                        needed >> kMegabyteShift,
                        std::max<std::int64_t>(headroom->left_bytes(), 0) >> kMegabyteShift),
            std::string(kStopInstead));
    }
    // The kernel then counts all that a child could ever come to write to, and other processes
    // would be refused memory meanwhile (Documentation/mm/overcommit-accounting.rst).
    const std::int64_t promised = kMinHeadroomBytes + status.data_bytes;
    if (headroom->commit_left_bytes && *headroom->commit_left_bytes < promised) {
        return failure(
            Error::Kind::kUnsupported,
            fmt::format(
                "the machine promises no more memory than it has (vm.overcommit_memory = 2), "
                "and a copy-on-write child of process {} needs {} MB of the {} MB left",
                pid,
                promised >> kMegabyteShift,
                std::max<std::int64_t>(*headroom->commit_left_bytes, 0) >> kMegabyteShift),
            std::string(kStopInstead));
    }
    return {};
}

struct ClonePlan {
    CallChain chain;
    RemoteAddress child_stack;
    std::uint64_t signal_mask = 0;  // before and after the chain
};

// The chain's first step; the reaping follows, and is not waited for.
constexpr std::size_t kClone = 0;

Result<ClonePlan> plan_clone(pid_t pid,
                             const ProcessMemory& memory,
                             const CallGadgets& gadgets,
                             const std::optional<MemoryHeadroom>& headroom) {
    const auto status = read_status(pid);
    const auto limits = read_limits(pid);
    if (!status || !limits) {
        return tl::unexpected(!status ? status.error() : limits.error());
    }
    const auto state = require_readable(pid, memory)
                           .and_then([&] { return require_seccomp(pid, *status); })
                           .and_then([&] { return require_memory(pid, *status, headroom); })
                           .and_then([&] {
                               return read_chain_state(
                                   pid, memory, gadgets, limits->stack_bytes, kRoomForSyscalls);
                           });
    if (!state) {
        return tl::unexpected(state.error());
    }
    CallChainBuilder builder(*state, gadgets);
    const RemoteAddress child_stack = builder.place_entry(SYS_exit_group, {0});
    builder.add_syscall(SYS_clone, {kNoFlags, child_stack.value, 0, 0, 0});
    add_reaping(builder, list_leftovers(pid), *status);
    return builder.build().map([&](CallChain&& chain) {
        return ClonePlan{.chain = std::move(chain),
                         .child_stack = child_stack,
                         .signal_mask = state->signal_mask};
    });
}

tl::unexpected<Error> clone_error(pid_t pid, std::int64_t result) {
    const int err = static_cast<int>(-result);
    std::string_view reason;
    switch (err) {
        case EAGAIN:
            reason =
                "its user or its container has as many processes as allowed (ulimit -u, "
                "pids.max)";
            break;
        case ENOMEM:
            reason = "there is not enough memory for one (see vm.overcommit_memory)";
            break;
        case EPERM:
        case EACCES:
        case ENOSYS:
            reason = "a seccomp filter or a security module forbids it";
            break;
        default:
            return failure(Error::Kind::kFailed,
                           fmt::format("process {} cannot make a child: {}",
                                       pid,
                                       std::generic_category().message(err)),
                           std::string(kStopInstead));
    }
    return failure(Error::Kind::kUnsupported,
                   fmt::format("process {} cannot make a child: {}", pid, reason),
                   std::string(kStopInstead));
}

// Runs up to where the child is made, and gives its PID.
Result<pid_t> run_through_clone(StoppedProcess& stopped,
                                const ClonePlan& plan,
                                const CallGadgets& gadgets) {
    WatchedStep clone(plan.chain, gadgets, kClone);
    for (;;) {
        const auto child = stopped.run_to_child_or_syscall_stop(kCloneTimeout);
        if (!child) {
            return tl::unexpected(child.error());
        }
        const auto registers = read_registers(stopped.pid());
        if (!registers) {
            return tl::unexpected(registers.error());
        }
        const bool is_ours = clone.is_at(*registers);
        if (*child && is_ours) {
            return **child;
        }
        if (*child) {
            // A signal came before the chain's first step, and its handler made a thread: which is
            // to run.
            (void)StoppedProcess::adopt(**child);
        } else if (is_ours && clone.has_returned(*registers)) {
            return clone_error(stopped.pid(), static_cast<std::int64_t>(registers->rax));
        }
    }
}

// The kernel makes us the tracer of a child before its parent stops to tell us of it. Where that
// one is killed in between, the child would stay stopped, with all its descriptors, for as long as
// we live. It is known by its stack.
void release_stray_child(RemoteAddress stack) {
    const auto has_none_yet_to_stop = [&] {
        bool yet_to_stop = false;
        for (const pid_t pid : list_processes()) {
            const auto status = read_status(pid);
            if (!status || status->tracer_pid != gettid()) {
                continue;
            }
            const auto registers = read_registers(pid);
            yet_to_stop |= !registers;
            if (registers && registers->rsp == stack.value) {
                (void)StoppedProcess::adopt(pid);
                return true;
            }
        }
        return !yet_to_stop;
    };
    (void)wait_for(has_none_yet_to_stop, kStepTimeout);
}

constexpr std::uint64_t signal_bit(int signal) {
    return std::uint64_t{1} << (signal - 1);
}

// Waits until the process, which is in the steps of a chain, has restored itself, and gives that
// time. It shows in the signals that it blocks: all of them until then.
Clock::time_point await_restored(pid_t pid, std::uint64_t signal_mask) {
    // These two cannot be blocked.
    constexpr std::uint64_t kAllSignals = ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
    if ((signal_mask & kAllSignals) != kAllSignals) {
        (void)wait_for(
            [&] {
                const auto status = read_status(pid);
                return !status || status->blocked_signals != kAllSignals;
            },
            kRestoreTimeout);
    }
    return Clock::now();
}

// Has the process, which the caller holds, reap its child, and all others of ours; lets it go.
Result<> reap(StoppedProcess stopped,
              pid_t child,
              const ProcessMemory& memory,
              const CallGadgets& gadgets) {
    const pid_t pid = stopped.pid();
    if (auto running = require_running(stopped); !running) {
        return running;
    }
    const auto status = read_status(pid);
    const auto limits = read_limits(pid);
    if (!status || !limits) {
        return tl::unexpected(!status ? status.error() : limits.error());
    }
    const auto state =
        read_chain_state(pid, memory, gadgets, limits->stack_bytes, kRoomForSyscalls);
    if (!state) {
        return tl::unexpected(state.error());
    }
    std::vector<pid_t> leftovers = list_leftovers(pid);
    if (is_leftover(child, pid) && std::ranges::find(leftovers, child) == leftovers.end()) {
        leftovers.push_back(child);
    }
    CallChainBuilder builder(*state, gadgets);
    add_reaping(builder, leftovers, *status);
    auto started = builder.build().and_then(
        [&](const CallChain& chain) { return start_chain(pid, memory, chain); });
    if (!started) {
        return started;
    }
    stopped.release_main_thread();
    { const StoppedProcess other_threads = std::move(stopped); }
    if (!wait_for([&] { return !is_leftover(child, pid); }, kRestoreTimeout)) {
        return failure(
            Error::Kind::kTimeout,
            fmt::format("process {} has not reaped its copy-on-write child {} yet", pid, child));
    }
    (void)await_restored(pid, state->signal_mask);
    return {};
}

// So that the kernel kills it, and nobody else, where memory runs out. Where it may not be set, the
// child is one among equals.
void prefer_as_victim(pid_t child) {
    constexpr std::string_view kFirst = "1000";
    const FileDescriptor file(
        open(fmt::format("/proc/{}/oom_score_adj", child).c_str(), O_WRONLY | O_CLOEXEC));
    (void)!write(file.get(), kFirst.data(), kFirst.size());
}

// A call may fault after we were killed; its core is of no use to anybody. 1 also stops a program
// that cores are piped to (fs/coredump.c).
void forbid_core(pid_t child) {
    constexpr rlim_t kNoCore = 1;
    rlimit limit{};
    if (prlimit(child, RLIMIT_CORE, nullptr, &limit) == 0) {
        limit.rlim_cur = std::min(limit.rlim_max, kNoCore);
        (void)prlimit(child, RLIMIT_CORE, &limit, nullptr);
    }
}

// Runs the child through the one step that was built, a system call, and gives its result. A chain
// in the child restores nothing: it ends in exit_group(0).
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

// The files of the child below /proc, like those of its parent, are its user's. Of a process that
// says it is not dumpable they are root's (proc(5), "/proc/pid"), and open to us where we are root
// with no right but to trace; the parent's stay as they are.
Result<> take_over_files(StoppedProcess& child,
                         const ProcessMemory& memory,
                         const CallGadgets& gadgets) {
    const pid_t pid = child.pid();
    const auto child_memory = ProcessMemory::open(pid);
    const auto limits = read_limits(pid);
    if (!child_memory || !limits) {
        return tl::unexpected(child_memory ? limits.error() : child_memory.error());
    }
    const auto state =
        read_chain_state(pid, memory, gadgets, limits->stack_bytes, kRoomForSyscalls);
    if (!state) {
        return tl::unexpected(state.error());
    }
    CallChainBuilder builder(*state, gadgets);
    builder.add_syscall(SYS_prctl, {PR_SET_DUMPABLE, 0, 0, 0, 0});
    return run_only_step(child, *child_memory, gadgets, builder).map([](std::int64_t) {});
}

// Whatever the child is doing, its next instruction enters exit_group(0).
Result<> enter_exit(pid_t child, const CallGadgets& gadgets) {
    auto registers = read_registers(child);
    if (!registers) {
        return tl::unexpected(std::move(registers.error()));
    }
    registers->rip = gadgets.syscall.value;
    registers->rax = SYS_exit_group;
    registers->rdi = 0;
    registers->orig_rax = ~std::uint64_t{0};  // no system call to restart
    return write_registers(child, *registers);
}

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

// Starts the calls in the child, and gives ours of the file that it writes to.
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

// Runs the child through its calls to its end.
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

}  // namespace

CopyOnWriteChild::CopyOnWriteChild(CopyOnWriteChild&& other) noexcept
    : pid_(other.pid_),
      held_(std::exchange(other.held_, std::nullopt)),
      memory_(std::exchange(other.memory_, std::nullopt)),
      process_(std::exchange(other.process_, nullptr)),
      process_memory_(other.process_memory_),
      gadgets_(other.gadgets_),
      pause_us_(other.pause_us_) {}

CopyOnWriteChild& CopyOnWriteChild::operator=(CopyOnWriteChild&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(held_, other.held_);
    std::swap(memory_, other.memory_);
    std::swap(process_, other.process_);
    std::swap(process_memory_, other.process_memory_);
    std::swap(gadgets_, other.gadgets_);
    std::swap(pause_us_, other.pause_us_);
    return *this;
}

CopyOnWriteChild::~CopyOnWriteChild() {
    try {
        (void)end();
    } catch (...) {
        held_.reset();  // memory is exhausted: it exits, and is reaped another time
    }
}

Result<CopyOnWriteChild> CopyOnWriteChild::make(StoppedProcess stopped,
                                                const Process& process,
                                                const ProcessMemory& memory,
                                                const CallGadgets& gadgets,
                                                const std::optional<MemoryHeadroom>& headroom) {
    const pid_t pid = stopped.pid();
    const auto plan = require_running(stopped).and_then(
        [&] { return plan_clone(pid, memory, gadgets, headroom); });
    if (!plan) {
        return tl::unexpected(plan.error());
    }
    if (auto started = start_chain(pid, memory, plan->chain); !started) {
        return tl::unexpected(std::move(started.error()));
    }
    const auto child_pid = run_through_clone(stopped, *plan, gadgets);
    if (!child_pid) {
        if (child_pid.error().kind == Error::Kind::kGone) {
            release_stray_child(plan->child_stack);
        }
        return tl::unexpected(child_pid.error());
    }
    const Clock::time_point begin = stopped.interrupted_at();
    stopped.release_main_thread();
    { const StoppedProcess other_threads = std::move(stopped); }
    prefer_as_victim(*child_pid);
    const Microseconds pause = await_restored(pid, plan->signal_mask) - begin;

    auto held = StoppedProcess::adopt(*child_pid);
    if (!held) {
        return tl::unexpected(std::move(held.error()));
    }
    CopyOnWriteChild child(std::move(*held), process, memory, gadgets, pause.count());
    const auto status = read_child_status(*child_pid);
    if (!status || status->parent_pid != pid) {
        return failure(Error::Kind::kGone,
                       fmt::format("process {} ended while it made a child", pid));
    }
    if (!memory.has_file()) {
        if (auto done = take_over_files(*child.held_, memory, gadgets); !done) {
            return tl::unexpected(std::move(done.error()));
        }
        prefer_as_victim(*child_pid);
    }
    // process_vm_readv(2) pins the pages that it reads, for which the kernel gives the child copies
    // of its own of all that it shares with the process (mm/gup.c, gup_must_unshare; Linux 5.19 and
    // later): as much memory again, in the process's container.
    auto image = ProcessMemory::open(*child_pid, ProcessMemory::Transport::kProcFile);
    if (!image) {
        return tl::unexpected(std::move(image.error()));
    }
    child.memory_ = std::move(*image);
    return child;
}

Result<std::string> CopyOnWriteChild::call_with_captured_stderr(const FunctionCall& call,
                                                                std::chrono::milliseconds timeout) {
    return call_in_turn(std::span(&call, 1), timeout);
}

Result<std::string> CopyOnWriteChild::call_in_turn(std::span<const FunctionCall> calls,
                                                   std::chrono::milliseconds timeout,
                                                   const std::function<void()>& before_exit) {
    if (!held_) {
        return failure(Error::Kind::kFailed,
                       fmt::format("the copy-on-write child {} has exited already", pid_));
    }
    forbid_core(pid_);
    const auto file = start_calls(*held_, *memory_, gadgets_, calls);
    auto done = file.map([](const FileDescriptor&) {}).and_then([&] {
        return finish_calls(*held_, timeout, before_exit);
    });
    if (auto exited = let_exit(); done) {
        done = std::move(exited);
    }
    if (!done) {
        return tl::unexpected(std::move(done.error()));
    }
    return read_captured(*file, /*begin=*/0);
}

Result<> CopyOnWriteChild::let_exit() {
    auto child = std::exchange(held_, std::nullopt);
    if (!child) {
        return {};
    }
    constexpr int kTries = 3;
    for (int tries = 0; tries < kTries; ++tries) {
        // Where no call was made it does that by itself; where it has exited this fails.
        (void)enter_exit(pid_, gadgets_);
        const auto run = child->run_to_end(kExitTimeout);
        if (!run && run.error().kind != Error::Kind::kGone) {
            return tl::unexpected(run.error());
        }
        if (!run || run->kind == RunResult::Kind::kExited ||
            run->kind == RunResult::Kind::kKilled) {
            return {};
        }
    }
    return failure(Error::Kind::kFailed,
                   fmt::format("the copy-on-write child {} does not exit", pid_));
}

Result<> CopyOnWriteChild::have_reaped() {
    const pid_t pid = process_->pid();
    if (!is_leftover(pid_, pid)) {
        return {};  // the process has ended, or somebody else like us has had it reaped
    }
    auto stopped = StoppedProcess::seize(*process_);
    if (!stopped) {
        return tl::unexpected(std::move(stopped.error()));
    }
    const Clock::time_point begin = stopped->interrupted_at();
    auto done = reap(std::move(*stopped), pid_, *process_memory_, gadgets_);
    pause_us_ += Microseconds(Clock::now() - begin).count();
    return done;
}

Result<double> CopyOnWriteChild::end() {
    if (process_ != nullptr) {
        auto done = let_exit().and_then([&] { return have_reaped(); });
        if (!done && done.error().kind != Error::Kind::kGone) {
            return tl::unexpected(std::move(done.error()));
        }
        process_ = nullptr;
    }
    return pause_us_;
}

}  // namespace palloscope
