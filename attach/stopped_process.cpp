#include "attach/stopped_process.hpp"

#include <sys/ptrace.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <fmt/core.h>

#include "attach/blocked_signals.hpp"
#include "attach/proc.hpp"
#include "attach/process.hpp"
#include "attach/process_memory.hpp"

namespace palloscope {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kStopEventShift = 16;
// PTRACE_O_TRACESYSGOOD marks system-call-stops by this bit of the signal number.
constexpr int kSyscallStopBit = 0x80;
// A stop comes within 40 to 140 µs. It is awaited awake for so long, then asleep, until the kernel
// tells of it: whoever keeps the processor may be what keeps the target from it, which was
// scheduled to the same one (a millisecond, kernel 6.18). Not in short sleeps, and not with a high
// priority: EEVDF then kept one target in six from its processor for a second, on a machine with
// two busy ones. Nor by sched_yield(2), for which EEVDF makes us wait for a whole slice, and the
// target, stopped by then, with us: pauses on a full machine were up to twice as long.
constexpr std::chrono::microseconds kEagerWait{50};
// The kernel does not tell us where another thread of ours takes the signal, or all are ignored.
constexpr std::chrono::milliseconds kLongestSleep{1};
constexpr std::chrono::microseconds kLazyInterval{100};
// How long another tracer may take to let go. palloscope takes some milliseconds, a debugger
// minutes.
constexpr std::chrono::milliseconds kTracerWait{100};
// How long a tracee may take to be reaped, or to stop so that it can be let go.
constexpr std::chrono::milliseconds kReleaseWait{100};

// It tells of a tracee's stop as of a child's (ptrace(2)).
sigset_t child_signal() {
    sigset_t signal;
    sigemptyset(&signal);
    sigaddset(&signal, SIGCHLD);
    return signal;
}

// What a terminal suspends us by. Whoever is suspended while he holds a process, or has yet to let
// one go, suspends that too.
std::shared_ptr<BlockedSignals> block_suspension() {
    static thread_local std::weak_ptr<BlockedSignals> current;
    auto blocked = current.lock();
    if (!blocked) {
        sigset_t signals;
        sigemptyset(&signals);
        for (const int signal : {SIGTSTP, SIGTTIN, SIGTTOU}) {
            sigaddset(&signals, signal);
        }
        blocked = std::make_shared<BlockedSignals>(signals);
        current = blocked;
    }
    return blocked;
}

// Threads that we could not let go of: ptrace(2) detaches stopped tracees only, and these sleep
// uninterruptibly or take long to die. Their stop or end will come, and must not last.
struct Unreleased {
    std::vector<pid_t> threads;
    std::shared_ptr<BlockedSignals> kept_from_suspending;  // while there are any

    void add(pid_t thread) {
        threads.push_back(thread);
        kept_from_suspending = block_suspension();
    }

    [[nodiscard]] std::vector<pid_t> take() {
        kept_from_suspending.reset();
        return std::exchange(threads, {});
    }
};

Unreleased& unreleased() {
    static thread_local Unreleased all;
    return all;
}

// The signal that a stopped tracee has yet to get: none where it stopped for another reason.
int undelivered_signal(int status) {
    const bool is_event = (status >> kStopEventShift) != 0;
    const bool is_syscall = WSTOPSIG(status) == (SIGTRAP | kSyscallStopBit);
    return is_event || is_syscall ? 0 : WSTOPSIG(status);
}

// A change of state of `thread` since the last look, as of wait(2); none yet, or kGone.
//
// A signal that it has yet to get stays with the kernel, which hands it on should we die now: taken
// note of, the stop would leave it to us alone (kernel/exit.c, wait_task_stopped; kernel/signal.c,
// ptrace_stop). To let the thread go on with it takes note, too.
Result<std::optional<int>> look_at(pid_t thread) {
    constexpr int kLook = WNOHANG | __WALL;
    siginfo_t change{};
    if (waitid(P_PID, static_cast<id_t>(thread), &change, WEXITED | WSTOPPED | WNOWAIT | kLook) <
        0) {
        return errno == EINTR
                   ? Result<std::optional<int>>(std::nullopt)
                   : failure(Error::Kind::kGone, fmt::format("thread {} is gone", thread));
    }
    if (change.si_pid == 0) {
        return std::nullopt;
    }
    if (const int stop = W_STOPCODE(change.si_status);
        (change.si_code == CLD_TRAPPED || change.si_code == CLD_STOPPED) &&
        undelivered_signal(stop) != 0) {
        return stop;
    }
    int status = 0;
    return waitpid(thread, &status, kLook) == thread ? std::optional(status) : std::nullopt;
}

// Waits for a change of state of `thread`; none where the deadline passed.
Result<std::optional<int>> wait_until(pid_t thread, Clock::time_point deadline) {
    const Clock::time_point begin = Clock::now();
    const sigset_t signal = child_signal();
    std::optional<BlockedSignals> blocked;
    for (;;) {
        auto change = look_at(thread);
        if (!change || *change) {
            return change;
        }
        const Clock::time_point now = Clock::now();
        if (now >= deadline) {
            return std::nullopt;
        }
        if (now - begin < kEagerWait) {
            continue;
        }
        if (!blocked) {
            blocked.emplace(signal);  // what came before has to be asked for once more
        } else {
            const auto sleep = std::min<Clock::duration>(deadline - now, kLongestSleep);
            const timespec limit{.tv_sec = 0, .tv_nsec = sleep.count()};
            (void)sigtimedwait(&signal, nullptr, &limit);
        }
    }
}

bool made_child(int status) {
    return status >> kStopEventShift == PTRACE_EVENT_CLONE;
}

// The child that a thread stopped for, of which the kernel has made us the tracer.
Result<pid_t> child_of_stop(pid_t thread) {
    unsigned long child = 0;
    if (ptrace(PTRACE_GETEVENTMSG, thread, nullptr, &child) < 0) {
        return os_error(errno, fmt::format("cannot learn which child process {} made", thread));
    }
    return static_cast<pid_t>(child);
}

// Detaches a thread that stopped with `status`.
bool detach(pid_t thread, int status) {
    if (made_child(status)) {
        if (const auto child = child_of_stop(thread)) {
            unreleased().add(*child);  // it has yet to stop
        }
    }
    return ptrace(PTRACE_DETACH, thread, nullptr, undelivered_signal(status)) == 0;
}

// Detaches a stopped thread, or reaps our side of one that has ended: until we do, the parent of a
// traced zombie is not told of its end.
void release(pid_t thread) {
    if (ptrace(PTRACE_DETACH, thread, nullptr, nullptr) == 0) {
        return;
    }
    const auto status = wait_until(thread, Clock::now() + kReleaseWait);
    if (status && !*status) {
        unreleased().add(thread);
    } else if (status && WIFSTOPPED(**status)) {
        (void)detach(thread, **status);  // it has stopped only now
    }
}

// Lets go of a thread that runs: stops it for that, or leaves it to release_late_stops().
void interrupt_and_release(pid_t thread) {
    (void)ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
    const auto status = wait_until(thread, Clock::now() + kReleaseWait);
    if (status && !*status) {
        unreleased().add(thread);
    } else if (status && WIFSTOPPED(**status) && !detach(thread, **status)) {
        release(thread);
    }
}

tl::unexpected<Error> did_not_stop(pid_t pid) {
    if (read_state(pid).value_or('D') != 'D') {
        return failure(Error::Kind::kTimeout,
                       fmt::format("process {} did not stop: it gets no processor", pid),
                       "the machine is overloaded: try again when it is less so");
    }
    return failure(
        Error::Kind::kTimeout,
        fmt::format("process {} did not stop: it sleeps uninterruptibly in the kernel", pid),
        "wait until its disk or network answers, then try again");
}

// A thread that sleeps uninterruptibly could be seized, but neither stopped nor let go again: so
// that is waited for before.
Result<> await_interruptible(pid_t pid, Clock::time_point deadline) {
    for (;;) {
        const auto state = read_state(pid);
        if (!state) {
            return tl::unexpected(state.error());
        }
        if (*state != 'D') {
            return {};
        }
        if (Clock::now() >= deadline) {
            return did_not_stop(pid);
        }
        std::this_thread::sleep_for(kLazyInterval);
    }
}

// ptrace(2) answers EPERM for a zombie.
bool has_ended(pid_t thread) {
    const auto state = read_state(thread);
    return !state || *state == 'Z' || *state == 'X';
}

tl::unexpected<Error> seize_error(int err, pid_t pid, pid_t thread) {
    if (err == ESRCH || has_ended(thread)) {
        return failure(Error::Kind::kGone, fmt::format("process {} is gone", pid));
    }
    if (std::ranges::find(unreleased().threads, thread) != unreleased().threads.end()) {
        return did_not_stop(pid);
    }
    if (const auto status = read_status(thread); status && status->tracer_pid != 0) {
        return failure(
            Error::Kind::kTraced,
            fmt::format("process {} is already traced by process {} ({})",
                        pid,
                        status->tracer_pid,
                        read_name(status->tracer_pid).value_or("of an unknown name")),
            "a process has one tracer at a time: end that debugger or strace, then try again");
    }
    return os_error(err, fmt::format("cannot trace process {}", pid));
}

// Whether our rights suffice: opening its memory takes the same (ptrace(2), PTRACE_MODE_ATTACH),
// and is not refused for another tracer.
bool may_trace(pid_t thread) {
    return !has_ended(thread) && ProcessMemory::open(thread).has_value();
}

std::size_t count_io_workers(const std::vector<pid_t>& threads) {
    return static_cast<std::size_t>(std::ranges::count_if(threads, is_io_worker));
}

// Another palloscope lets go in a moment, which is waited for. False, with errno, where the thread
// cannot be seized.
bool seize_after_others(pid_t thread) {
    const Clock::time_point deadline = Clock::now() + kTracerWait;
    while (ptrace(PTRACE_SEIZE, thread, nullptr, PTRACE_O_TRACESYSGOOD) < 0) {
        const int err = errno;
        if (err != EPERM || !may_trace(thread) || Clock::now() >= deadline) {
            errno = err;
            return false;
        }
        std::this_thread::sleep_for(kLazyInterval);
    }
    return true;
}

}  // namespace

StoppedProcess::StoppedProcess(pid_t pid) : pid_(pid), kept_from_suspending_(block_suspension()) {}

StoppedProcess::StoppedProcess(StoppedProcess&& other) noexcept
    : pid_(other.pid_),
      kept_from_suspending_(std::move(other.kept_from_suspending_)),
      threads_(std::exchange(other.threads_, {})),
      in_group_stop_(other.in_group_stop_),
      interrupted_at_(other.interrupted_at_) {}

StoppedProcess& StoppedProcess::operator=(StoppedProcess&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(kept_from_suspending_, other.kept_from_suspending_);
    std::swap(threads_, other.threads_);
    std::swap(in_group_stop_, other.in_group_stop_);
    std::swap(interrupted_at_, other.interrupted_at_);
    return *this;
}

StoppedProcess::~StoppedProcess() {
    // The first thread last: where all were killed, its end is reported after that of the others.
    // clang-tidy 14 wants std::views here, and cannot compile it.
    // NOLINTNEXTLINE(modernize-loop-convert)
    for (auto thread = threads_.rbegin(); thread != threads_.rend(); ++thread) {
        release(*thread);
    }
}

void StoppedProcess::release_late_stops() {
    if (unreleased().threads.empty()) {
        return;
    }
    // A detached thread may leave a child to be let go.
    const auto none_yet = block_suspension();
    for (const pid_t thread : unreleased().take()) {
        const auto change = look_at(thread);
        // Where it cannot be detached it is being killed: its end is still to come.
        if (change && (!*change || (WIFSTOPPED(**change) && !detach(thread, **change)))) {
            unreleased().add(thread);
        }
    }
}

Result<StoppedProcess> StoppedProcess::seize(const Process& process) {
    auto stopped = seize(process.pid());
    if (!stopped) {
        return stopped;
    }
    if (auto alive = process.require_alive(); !alive) {
        return tl::unexpected(std::move(alive.error()));
    }
    return stopped;
}

Result<StoppedProcess> StoppedProcess::seize(pid_t pid, std::chrono::milliseconds timeout) {
    release_late_stops();
    const Clock::time_point deadline = Clock::now() + timeout;
    if (auto interruptible = await_interruptible(pid, deadline); !interruptible) {
        return tl::unexpected(std::move(interruptible.error()));
    }
    StoppedProcess stopped(pid);
    // A thread that was not stopped yet can make another one meanwhile: go on until a list has no
    // new one and the number fits. Either alone is not enough where threads end: a list can miss
    // one behind them (fs/proc/base.c, proc_task_readdir), and the number can be of others. Where
    // the first thread is held and there is but one, no list is needed.
    std::vector<pid_t> threads{pid};
    for (;;) {
        if (Clock::now() >= deadline) {
            return did_not_stop(pid);
        }
        bool found_new = false;
        for (const pid_t thread : threads) {
            if (std::ranges::find(stopped.threads_, thread) != stopped.threads_.end() ||
                (thread != pid && is_io_worker(thread))) {
                continue;
            }
            auto held = stopped.seize_thread(thread).and_then(
                [&] { return stopped.await_stop(thread, deadline); });
            if (held) {
                found_new = stopped.threads_.size() > 1;
            } else if (thread == pid || held.error().kind != Error::Kind::kGone) {
                return tl::unexpected(std::move(held.error()));
            }  // else a thread that ended since it was listed
        }
        // A worker of io_uring that is there still was there when the threads were counted.
        const std::size_t others = count_threads(pid) - stopped.threads_.size();
        if (!found_new && (others == 0 || others == count_io_workers(threads))) {
            return stopped;
        }
        auto listed = list_threads(pid);
        if (!listed) {
            return tl::unexpected(std::move(listed.error()));
        }
        threads = std::move(*listed);
    }
}

Result<> StoppedProcess::seize_thread(pid_t thread) {
    if (!seize_after_others(thread)) {
        return seize_error(errno, pid_, thread);
    }
    threads_.push_back(thread);
    if (threads_.size() == 1) {
        interrupted_at_ = Clock::now();
    }
    if (ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) < 0) {
        return seize_error(errno, pid_, thread);
    }
    return {};
}

Result<> StoppedProcess::await_stop(pid_t thread, Clock::time_point deadline) {
    for (;;) {
        const auto status = wait_until(thread, deadline);
        if (!status) {
            std::erase(threads_, thread);
            return failure(Error::Kind::kGone, fmt::format("process {} is gone", pid_));
        }
        if (!*status) {
            std::erase(threads_, thread);
            unreleased().add(thread);
            return did_not_stop(pid_);
        }
        if (!WIFSTOPPED(**status)) {
            std::erase(threads_, thread);
            return failure(Error::Kind::kGone,
                           fmt::format("process {} ended while we attached", pid_));
        }
        if (**status >> kStopEventShift == PTRACE_EVENT_STOP) {
            in_group_stop_ |= WSTOPSIG(**status) != SIGTRAP;
            return {};
        }
        // A signal of the target's own came first: hand it on. Any stop uses up an interrupt that
        // was asked for before it (kernel/signal.c, ptrace_stop), so ask again.
        if (ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) < 0 ||
            ptrace(PTRACE_CONT, thread, nullptr, undelivered_signal(**status)) < 0) {
            return seize_error(errno, pid_, thread);
        }
    }
}

Result<int> StoppedProcess::run_to_stop(Clock::time_point deadline) {
    int signal = 0;
    for (;;) {
        if (ptrace(PTRACE_SYSCALL, pid_, nullptr, signal) < 0) {
            return seize_error(errno, pid_, pid_);
        }
        const auto status = wait_until(pid_, deadline);
        if (!status || (*status && !WIFSTOPPED(**status))) {
            std::erase(threads_, pid_);
            return failure(Error::Kind::kGone,
                           fmt::format("process {} ended while we held it", pid_));
        }
        if (!*status) {
            std::erase(threads_, pid_);
            interrupt_and_release(pid_);
            return failure(Error::Kind::kTimeout,
                           fmt::format("process {} did not come back in time", pid_));
        }
        if (made_child(**status) || WSTOPSIG(**status) == (SIGTRAP | kSyscallStopBit)) {
            return **status;
        }
        signal = undelivered_signal(**status);
    }
}

Result<> StoppedProcess::run_to_syscall_stop(std::chrono::milliseconds timeout) {
    return run_to_stop(Clock::now() + timeout).map([](int) {});
}

Result<> StoppedProcess::set_options(long options) const {
    if (ptrace(PTRACE_SETOPTIONS, pid_, nullptr, options) < 0) {
        return seize_error(errno, pid_, pid_);
    }
    return {};
}

Result<std::optional<pid_t>> StoppedProcess::run_to_child_or_syscall_stop(
    std::chrono::milliseconds timeout) {
    const Clock::time_point deadline = Clock::now() + timeout;
    const auto status = set_options(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE).and_then([&] {
        return run_to_stop(deadline);
    });
    if (!status) {
        return tl::unexpected(status.error());
    }
    if (!made_child(*status)) {
        return std::nullopt;
    }
    return child_of_stop(pid_).map([](pid_t child) { return std::optional(child); });
}

Result<StoppedProcess> StoppedProcess::adopt(pid_t child, std::chrono::milliseconds timeout) {
    StoppedProcess stopped(child);
    stopped.interrupted_at_ = Clock::now();
    stopped.threads_.push_back(child);
    // The options come from its parent: what it makes is none of ours.
    return stopped.await_stop(child, Clock::now() + timeout)
        .and_then([&] { return stopped.set_options(PTRACE_O_TRACESYSGOOD); })
        .map([&] { return std::move(stopped); });
}

Result<RunResult> StoppedProcess::run_to_end(std::chrono::milliseconds timeout,
                                             const std::function<void()>& before_exit) {
    const Clock::time_point deadline = Clock::now() + timeout;
    bool interrupted = false;
    if (before_exit) {
        if (auto set = set_options(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXIT); !set) {
            return tl::unexpected(std::move(set.error()));
        }
    }
    for (;;) {
        if (ptrace(PTRACE_CONT, pid_, nullptr, nullptr) < 0) {
            return seize_error(errno, pid_, pid_);
        }
        auto status = wait_until(pid_, deadline);
        if (status && !*status) {
            interrupted = true;
            (void)ptrace(PTRACE_INTERRUPT, pid_, nullptr, nullptr);
            status = wait_until(pid_, Clock::now() + kReleaseWait);
        }
        if (!status) {
            std::erase(threads_, pid_);
            return tl::unexpected(status.error());
        }
        if (!*status) {
            std::erase(threads_, pid_);
            unreleased().add(pid_);
            return did_not_stop(pid_);
        }
        if (!WIFSTOPPED(**status)) {
            std::erase(threads_, pid_);
            return WIFEXITED(**status) ? RunResult{RunResult::Kind::kExited, WEXITSTATUS(**status)}
                                       : RunResult{RunResult::Kind::kKilled, WTERMSIG(**status)};
        }
        // The option stays set where an earlier run that asked for it did not end.
        if (**status >> kStopEventShift == PTRACE_EVENT_EXIT && before_exit) {
            before_exit();
        }
        // A stop signal is kept from it, and no reason to end its run.
        const int signal = undelivered_signal(**status);
        if (signal != 0 && signal != SIGSTOP) {
            return RunResult{RunResult::Kind::kSignal, signal};
        }
        if (interrupted) {
            return RunResult{RunResult::Kind::kTimedOut};
        }
    }
}

void StoppedProcess::release_all() {
    if (std::erase(threads_, pid_) > 0) {
        release(pid_);
    }
    for (const pid_t thread : std::exchange(threads_, {})) {
        release(thread);
    }
}

}  // namespace palloscope
