#include "inspector/experiment/child_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <thread>
#include <utility>

#include <fmt/core.h>

#include "attach/exec_texts.hpp"
#include "attach/file_descriptor.hpp"
#include "attach/proc.hpp"

namespace palloscope {

namespace {

constexpr std::chrono::milliseconds kPollInterval{5};
constexpr std::chrono::milliseconds kPatienceAtTheEnd = std::chrono::seconds(2);
constexpr int kSignalExit = 128;  // a shell's exit code for signal 0
constexpr int kCannotExecute = 127;

// All in the child, after fork(): no memory is taken. Returns where it fails, with errno set.
void become(const ChildOptions& options, pid_t parent, char** arguments, char** environment) {
    setpgid(0, 0);
    const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (input < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(options.output, STDOUT_FILENO) < 0 ||
        dup2(options.errors, STDERR_FILENO) < 0) {
        return;
    }
    if (options.account && (setgroups(0, nullptr) != 0 || setgid(options.account->gid) != 0 ||
                            setuid(options.account->uid) != 0 ||
                            // Ours may be closed to it, and PostgreSQL up to 15 then does not find
                            // its own programs (exec.c, resolve_symlinks).
                            chdir("/") != 0)) {
        return;
    }
    // After setuid(), which resets it. Our death before this line went unseen.
    prctl(PR_SET_PDEATHSIG, options.end_signal);
    if (getppid() != parent) {
        _exit(kCannotExecute);
    }
    execvpe(arguments[0], arguments, environment);
}

// The exit code of a child that has ended, none while it runs. It stays a zombie, so that nobody
// gets its number. Signals that come meanwhile only let the caller look again.
std::optional<int> ended(pid_t pid, int flags) {
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT | flags) != 0 ||
        info.si_pid == 0) {
        return std::nullopt;
    }
    return info.si_code == CLD_EXITED ? info.si_status : kSignalExit + info.si_status;
}

// Whether others of the group that `leader` leads still run.
bool others_run(pid_t leader) {
    return std::ranges::any_of(list_processes(), [&](pid_t pid) {
        return pid != leader && getpgid(pid) == leader && read_state(pid).value_or('Z') != 'Z';
    });
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& arguments,
                                         const ChildOptions& options) {
    std::vector<std::string> argument_texts = arguments;
    std::vector<std::string> environment_texts = environment_with(options.environment);
    const std::vector<char*> argument_pointers = null_terminated(argument_texts);
    const std::vector<char*> environment_pointers = null_terminated(environment_texts);
    const auto what = [&] { return fmt::format("cannot run {}", arguments.front()); };
    // Closed by a successful execve(), so that an errno in it means that there was none.
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        return os_error(errno, what());
    }
    const FileDescriptor read_end(ends[0]);
    FileDescriptor write_end(ends[1]);
    const pid_t parent = getpid();
    // Who started us may ignore it, and then the kernel keeps no exit code for us (wait(2)).
    std::signal(SIGCHLD, SIG_DFL);
    const pid_t pid = fork();
    if (pid < 0) {
        return os_error(errno, what());
    }
    if (pid == 0) {
        become(options,
               parent,
               const_cast<char**>(argument_pointers.data()),
               const_cast<char**>(environment_pointers.data()));
        const int error = errno;
        (void)!::write(write_end.get(), &error, sizeof error);
        _exit(kCannotExecute);
    }
    ChildProcess child(pid, options.end_signal);
    write_end = FileDescriptor();
    int error = 0;
    ssize_t got = 0;
    do {
        got = ::read(read_end.get(), &error, sizeof error);
    } while (got < 0 && errno == EINTR);
    if (got == sizeof error) {
        child.wait();
        return failure(Error::Kind::kFailed,
                       fmt::format("{}: {}", what(), std::generic_category().message(error)));
    }
    return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), end_signal_(other.end_signal_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(end_signal_, other.end_signal_);
    return *this;
}

ChildProcess::~ChildProcess() {
    if (pid_ > 0) {
        stop(kPatienceAtTheEnd);
    }
}

std::optional<int> ChildProcess::exit_code() const {
    return ended(pid_, WNOHANG);
}

int ChildProcess::wait() const {
    std::optional<int> code;
    while (!code) {
        code = ended(pid_, 0);
    }
    return *code;
}

int ChildProcess::stop(std::chrono::milliseconds patience) {
    // What it started may outlive it. Its number, and so its group's, is nobody else's until it is
    // reaped.
    kill(-pid_, end_signal_);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while ((!exit_code() || others_run(pid_)) && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(kPollInterval);
    }
    kill(-pid_, SIGKILL);
    const int code = wait();
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return code;
}

}  // namespace palloscope
