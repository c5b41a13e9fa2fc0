#include "attach/stopped_process.hpp"

#include <sched.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <thread>
#include <utility>

#include <fmt/core.h>

#include "attach/proc.hpp"

namespace palloscope {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kStopEventShift = 16;
// PTRACE_O_TRACESYSGOOD marks system-call-stops by this bit of the signal number.
constexpr int kSyscallStopBit = 0x80;
// A stop comes within 40 to 140 µs: so long it is awaited in turns with other processes, then
// asleep.
constexpr std::chrono::milliseconds kEagerWait{2};
constexpr std::chrono::microseconds kLazyInterval{100};
// How long a tracee may take to be reaped or let go once it is known to end.
constexpr std::chrono::milliseconds kReleaseWait{100};

// Threads that did not stop when told to (asleep uninterruptibly), and are still seized: the stop
// will come, and must not last. Each new seize lets go of those whose stop has come.
std::vector<pid_t>& unreleased() {
    static thread_local std::vector<pid_t> threads;
    return threads;
}

// Waits for a change of state of `thread`; none where the deadline passed.
Result<std::optional<int>> wait_until(pid_t thread, Clock::time_point deadline) {
    const Clock::time_point begin = Clock::now();
    for (;;) {
        int status = 0;
        const pid_t changed = waitpid(thread, &status, __WALL | WNOHANG);
        if (changed == thread) {
            return status;
        }
        if (changed < 0 && errno != EINTR) {
            return failure(Error::Kind::kGone, fmt::format("thread {} is gone", thread));
        }
        const Clock::time_point now = Clock::now();
        if (now >= deadline) {
            return std::nullopt;
        }
        if (now - begin < kEagerWait) {
            sched_yield();
        } else {
            std::this_thread::sleep_for(kLazyInterval);
        }
    }
}

// Detaches a stopped thread, or reaps our side of one that has ended: until we do, the parent of a
// traced zombie is not told of its end.
void release(pid_t thread, int signal = 0) {
    if (ptrace(PTRACE_DETACH, thread, nullptr, signal) < 0) {
        (void)wait_until(thread, Clock::now() + kReleaseWait);
    }
}

void release_late_stops() {
    std::erase_if(unreleased(), [](pid_t thread) {
        int status = 0;
        const pid_t changed = waitpid(thread, &status, __WALL | WNOHANG);
        if (changed == 0) {
            return false;
        }
        if (changed == thread && WIFSTOPPED(status)) {
            const bool is_signal = (status >> kStopEventShift) == 0;
            release(thread, is_signal ? WSTOPSIG(status) : 0);
        }
        return true;
    });
}

tl::unexpected<Error> seize_error(int err, pid_t pid) {
    if (err == ESRCH) {
        return failure(Error::Kind::kGone, fmt::format("process {} is gone", pid));
    }
    const auto status = read_status(pid);
    if (status && status->tracer_pid != 0) {
        return failure(
            Error::Kind::kPermission,
            fmt::format("process {} is already traced by process {}", pid, status->tracer_pid),
            "a process has one tracer at a time: end that debugger or strace, then try again");
    }
    return os_error(err, fmt::format("cannot trace process {}", pid));
}

}  // namespace

StoppedProcess::StoppedProcess(StoppedProcess&& other) noexcept
    : pid_(other.pid_),
      threads_(std::exchange(other.threads_, {})),
      in_group_stop_(other.in_group_stop_),
      interrupted_at_(other.interrupted_at_) {}

StoppedProcess& StoppedProcess::operator=(StoppedProcess&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(threads_, other.threads_);
    std::swap(in_group_stop_, other.in_group_stop_);
    std::swap(interrupted_at_, other.interrupted_at_);
    return *this;
}

StoppedProcess::~StoppedProcess() {
    for (const pid_t thread : threads_) {
        release(thread);
    }
}

Result<StoppedProcess> StoppedProcess::seize(pid_t pid, std::chrono::milliseconds timeout) {
    release_late_stops();
    StoppedProcess stopped(pid);
    stopped.interrupted_at_ = Clock::now();
    const Clock::time_point deadline = stopped.interrupted_at_ + timeout;
    // A thread that was not stopped yet can make another one meanwhile: go on until there is no new
    // one.
    for (bool found_new = true; found_new;) {
        found_new = false;
        const auto threads = list_threads(pid);
        if (!threads) {
            return tl::unexpected(threads.error());
        }
        for (const pid_t thread : *threads) {
            if (std::ranges::find(stopped.threads_, thread) != stopped.threads_.end()) {
                continue;
            }
            auto held = stopped.seize_thread(thread).and_then(
                [&] { return stopped.await_stop(thread, deadline); });
            if (held) {
                found_new = threads->size() > 1;
            } else if (thread == pid || held.error().kind != Error::Kind::kGone) {
                return tl::unexpected(std::move(held.error()));
            }  // else a thread that ended since it was listed
        }
    }
    return stopped;
}

Result<> StoppedProcess::seize_thread(pid_t thread) {
    if (ptrace(PTRACE_SEIZE, thread, nullptr, PTRACE_O_TRACESYSGOOD) < 0) {
        return seize_error(errno, pid_);
    }
    threads_.push_back(thread);
    if (ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) < 0) {
        return seize_error(errno, pid_);
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
            unreleased().push_back(thread);
            return failure(
                Error::Kind::kTimeout,
                fmt::format("process {} did not stop: it sleeps uninterruptibly in the kernel",
                            pid_),
                "wait until its disk or network answers, then try again");
        }
        if (!WIFSTOPPED(**status)) {
            std::erase(threads_, thread);
            return failure(Error::Kind::kGone,
                           fmt::format("process {} ended while we attached", pid_));
        }
        const int event = **status >> kStopEventShift;
        const int signal = WSTOPSIG(**status) & ~kSyscallStopBit;
        if (event == PTRACE_EVENT_STOP) {
            in_group_stop_ |= signal != SIGTRAP;
            return {};
        }
        // A signal of the target's own came first: hand it on; our stop is still to come.
        if (ptrace(PTRACE_CONT, thread, nullptr, event == 0 ? signal : 0) < 0) {
            return seize_error(errno, pid_);
        }
    }
}

Result<> StoppedProcess::run_to_syscall_stop(std::chrono::milliseconds timeout) {
    const Clock::time_point deadline = Clock::now() + timeout;
    int signal = 0;
    for (;;) {
        if (ptrace(PTRACE_SYSCALL, pid_, nullptr, signal) < 0) {
            return seize_error(errno, pid_);
        }
        const auto status = wait_until(pid_, deadline);
        if (!status || (*status && !WIFSTOPPED(**status))) {
            std::erase(threads_, pid_);
            return failure(Error::Kind::kGone,
                           fmt::format("process {} ended while we held it", pid_));
        }
        if (!*status) {
            std::erase(threads_, pid_);
            unreleased().push_back(pid_);
            (void)ptrace(PTRACE_INTERRUPT, pid_, nullptr, nullptr);
            return failure(Error::Kind::kTimeout,
                           fmt::format("process {} did not come back in time", pid_));
        }
        if (WSTOPSIG(**status) == (SIGTRAP | kSyscallStopBit)) {
            return {};
        }
        const bool is_event = (**status >> kStopEventShift) != 0;
        signal = is_event ? 0 : WSTOPSIG(**status);
    }
}

void StoppedProcess::release_main_thread() {
    if (std::erase(threads_, pid_) > 0) {
        release(pid_);
    }
}

}  // namespace palloscope
