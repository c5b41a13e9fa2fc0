#include "attach/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/core.h>

#include "attach/proc.hpp"

namespace palloscope {

namespace {

tl::unexpected<Error> gone(pid_t pid) {
    return failure(Error::Kind::kGone,
                   fmt::format("there is no process {}", pid),
                   "'palloscope list' shows the PostgreSQL processes of this machine");
}

}  // namespace

Result<Process> Process::open(pid_t pid) {
    if (pid <= 0) {
        return gone(pid);
    }
    // pidfd_open(2); glibc 2.36 has a wrapper, older ones have not.
    FileDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd.valid() && errno != ENOSYS && errno != EPERM) {
        return gone(pid);  // ESRCH, or EINVAL for a thread
    }
    const auto start_time = read_start_time(pid);
    if (!start_time) {
        return gone(pid);
    }
    return Process(pid, std::move(pidfd), *start_time);
}

bool Process::alive() const {
    if (pidfd_.valid()) {
        pollfd poll_entry{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
        return poll(&poll_entry, 1, 0) == 0;
    }
    const auto start_time = read_start_time(pid_);
    return start_time && *start_time == start_time_;
}

Result<> Process::require_alive() const {
    if (alive()) {
        return {};
    }
    return failure(Error::Kind::kGone, fmt::format("process {} has ended", pid_));
}

Result<FileDescriptor> Process::duplicate_descriptor(int fd) const {
    // pidfd_getfd(2), kernel 5.6; it needs no right on the file itself, which opening
    // /proc/PID/fd/N does.
    FileDescriptor duplicate(static_cast<int>(syscall(SYS_pidfd_getfd, pidfd_.get(), fd, 0)));
    if (!duplicate.valid() && (errno == ENOSYS || errno == EBADF)) {
        duplicate = FileDescriptor(
            ::open(fmt::format("/proc/{}/fd/{}", pid_, fd).c_str(), O_RDONLY | O_CLOEXEC));
    }
    if (!duplicate.valid()) {
        return os_error(errno, fmt::format("cannot open descriptor {} of process {}", fd, pid_));
    }
    return duplicate;
}

}  // namespace palloscope
