#include "attach/copy_on_write_child.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/core.h>

#include "attach/calls_in_child.hpp"
#include "attach/capture_file.hpp"
#include "attach/chain_run.hpp"
#include "attach/core_limit.hpp"
#include "attach/cpu_state.hpp"
#include "attach/leftover_children.hpp"
#include "attach/proc.hpp"
#include "attach/wait_for.hpp"
#include "attach/waiting_calls.hpp"

namespace palloscope {

namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

constexpr std::chrono::milliseconds kStepTimeout{1000};
// To copy the page tables of 1 GB takes some 10 ms.
constexpr std::chrono::milliseconds kCloneTimeout{10000};
// To free them is faster.
constexpr std::chrono::milliseconds kExitTimeout{2000};

constexpr int kSeccompStrict = 1;
// Of clone(2): no flags, and no signal for the parent when the child exits.
constexpr std::uint64_t kNoFlags = 0;
// For the child's own structures, page tables beside, and what the process writes meanwhile.
constexpr std::int64_t kMinHeadroomBytes = std::int64_t{16} << 20;
constexpr std::int64_t kHeadroomShare = 64;

constexpr std::string_view kStopInstead =
    "use --method freeze, which stops the process for no longer than it takes to copy";

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

Result<> require_memory(pid_t pid, const ProcessStatus& status, const MemoryHeadroom& headroom) {
    constexpr int kMegabyteShift = 20;
    const std::int64_t needed = kMinHeadroomBytes + status.rss_anon_bytes / kHeadroomShare;
    if (headroom.left_bytes() < needed) {
        return failure(
            Error::Kind::kUnsupported,
            fmt::format("a copy-on-write child of process {} may need {} MB, but {} MB of memory "
                        "are left on its machine or in its control group",
                        pid,
                        needed >> kMegabyteShift,
                        std::max<std::int64_t>(headroom.left_bytes(), 0) >> kMegabyteShift),
            std::string(kStopInstead));
    }
    // The kernel then counts all that a child could ever come to write to, and other processes
    // would be refused memory meanwhile (Documentation/mm/overcommit-accounting.rst).
    const std::int64_t promised = kMinHeadroomBytes + status.data_bytes;
    if (headroom.commit_left_bytes && *headroom.commit_left_bytes < promised) {
        return failure(
            Error::Kind::kUnsupported,
            fmt::format(
                "the machine promises no more memory than it has (vm.overcommit_memory = 2), "
                "and a copy-on-write child of process {} needs {} MB of the {} MB left",
                pid,
                promised >> kMegabyteShift,
                std::max<std::int64_t>(*headroom.commit_left_bytes, 0) >> kMegabyteShift),
            std::string(kStopInstead));
    }
    return {};
}

struct ClonePlan {
    CallChain chain;
    RemoteAddress child_stack;
    std::uint64_t signal_mask = 0;  // before and after the chain
    user_regs_struct registers{};   // before it
};

// The chain's first step; the reaping follows, and is not waited for.
constexpr std::size_t kClone = 0;

Result<ClonePlan> plan_clone(pid_t pid,
                             const ProcessMemory& memory,
                             const CallGadgets& gadgets,
                             const ChildPreparation& prepared) {
    const ParentState& parent = prepared.parent;
    const auto state =
        require_readable(pid, memory)
            .and_then([&] { return require_seccomp(pid, parent.status); })
            .and_then([&] { return require_memory(pid, parent.status, prepared.headroom); })
            .and_then([&] {
                return read_chain_state(
                    pid, memory, gadgets, parent.limits.stack_bytes, kRoomForSyscalls);
            });
    if (!state) {
        return tl::unexpected(state.error());
    }
    CallChainBuilder builder(*state, gadgets);
    const RemoteAddress child_stack = builder.place_entry(SYS_exit_group, {0});
    builder.add_syscall(SYS_clone, {kNoFlags, child_stack.value, 0, 0, 0});
    add_reaping(builder, pid, parent);
    return builder.build().map([&](CallChain&& chain) {
        return ClonePlan{.chain = std::move(chain),
                         .child_stack = child_stack,
                         .signal_mask = state->signal_mask,
                         .registers = state->registers};
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

// So that the kernel kills it, and nobody else, where memory runs out. Where it may not be set, the
// child is one among equals.
void prefer_as_victim(pid_t child) {
    constexpr std::string_view kFirst = "1000";
    const FileDescriptor file(
        open(fmt::format("/proc/{}/oom_score_adj", child).c_str(), O_WRONLY | O_CLOEXEC));
    (void)!write(file.get(), kFirst.data(), kFirst.size());
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

}  // namespace

CopyOnWriteChild::CopyOnWriteChild(CopyOnWriteChild&& other) noexcept
    : pid_(other.pid_),
      held_(std::exchange(other.held_, std::nullopt)),
      memory_(std::exchange(other.memory_, std::nullopt)),
      process_(std::exchange(other.process_, nullptr)),
      process_memory_(other.process_memory_),
      gadgets_(other.gadgets_),
      waited_(other.waited_),
      pause_us_(other.pause_us_) {}

CopyOnWriteChild& CopyOnWriteChild::operator=(CopyOnWriteChild&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(held_, other.held_);
    std::swap(memory_, other.memory_);
    std::swap(process_, other.process_);
    std::swap(process_memory_, other.process_memory_);
    std::swap(gadgets_, other.gadgets_);
    std::swap(waited_, other.waited_);
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

Result<ChildPreparation> prepare_child(pid_t pid) {
    auto parent = read_parent_state(pid);
    const auto headroom = read_memory_headroom(pid);
    if (!parent || !headroom) {
        return tl::unexpected(!parent ? parent.error() : headroom.error());
    }
    return ChildPreparation{.parent = std::move(*parent), .headroom = *headroom};
}

Result<CopyOnWriteChild> CopyOnWriteChild::make(StoppedProcess stopped,
                                                const Process& process,
                                                const ProcessMemory& memory,
                                                const CallGadgets& gadgets,
                                                const ChildPreparation& prepared) {
    const pid_t pid = stopped.pid();
    const auto plan = require_running(stopped).and_then(
        [&] { return plan_clone(pid, memory, gadgets, prepared); });
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
    const bool waited = stopped.threads() == 1 &&
                        waits_for_others(std::bit_cast<std::int64_t>(plan->registers.orig_rax));
    stopped.release_all();  // and nobody suspends us before the child is held
    prefer_as_victim(*child_pid);
    const Microseconds pause = await_restored(pid, plan->signal_mask) - begin;

    auto held = StoppedProcess::adopt(*child_pid);
    if (!held) {
        return tl::unexpected(std::move(held.error()));
    }
    CopyOnWriteChild child(std::move(*held), process, memory, gadgets, waited, pause.count());
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
    forbid_core(pid_);  // a call may fault after we were killed
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
    auto parent = read_parent_state(pid);
    if (!parent) {
        return tl::unexpected(std::move(parent.error()));
    }
    auto stopped = StoppedProcess::seize(*process_);
    if (!stopped) {
        return tl::unexpected(std::move(stopped.error()));
    }
    const Clock::time_point begin = stopped->interrupted_at();
    auto done = reap(std::move(*stopped), pid_, std::move(*parent), *process_memory_, gadgets_);
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
