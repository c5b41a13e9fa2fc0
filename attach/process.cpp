#include "attach/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include <fmt/core.h>

#include "attach/proc.hpp"

namespace palloscope {

namespace {

tl::unexpected<Error> gone(pid_t pid) {
    return failure(Error::Kind::kGone,
                   fmt::format("there is no process {}", pid),
                   "'palloscope list' shows the processes that can be inspected");
}

// struct pidfd_info of include/uapi/linux/pidfd.h as of 6.15, which older headers lack.
struct PidfdInfo {
    std::uint64_t mask;
    std::uint64_t control_group;
    std::array<std::uint32_t, 3> pids;  // pid, tgid, ppid
    std::array<std::uint32_t, 8> ids;   // of user and group: real, effective, saved, of files
    std::int32_t exit_code;
};

constexpr std::uint64_t kPidfdInfoExit = 1U << 3U;
constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);

}  // namespace

Result<Process> Process::open(pid_t pid) {
    if (pid <= 0) {
        return gone(pid);
    }
    // pidfd_open(2); glibc 2.36 has a wrapper, older ones have not.
    FileDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd.valid()) {
        switch (errno) {
            case ESRCH:
            case EINVAL:  // a thread of a process, up to kernel 6.15
            case ENOENT:  // and since
                return gone(pid);
            case ENOSYS:
            case EPERM:  // how seccomp filters of containers say ENOSYS
                break;
            default:
                return os_error(errno, fmt::format("cannot open process {}", pid));
        }
    }
    const auto start_time = read_start_time(pid);
    if (!start_time) {
        return start_time.error().kind == Error::Kind::kGone ? Result<Process>(gone(pid))
                                                             : tl::unexpected(start_time.error());
    }
    return Process(pid, std::move(pidfd), *start_time);
}

bool Process::alive() const {
    if (pidfd_.valid()) {
        pollfd poll_entry{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
        // Also with a timeout of zero, a signal that we get makes it fail with EINTR.
        int ready = 0;
        do {
            ready = poll(&poll_entry, 1, 0);
        } while (ready < 0 && errno == EINTR);
        return ready == 0;
    }
    const auto start_time = read_start_time(pid_);
    return start_time && *start_time == start_time_;
}

std::optional<int> Process::end_status() const {
    if (alive()) {
        return std::nullopt;
    }
    // First the zombie, so that one whose parent asks meanwhile is found below.
    if (const auto start_time = read_start_time(pid_); start_time && *start_time == start_time_) {
        if (const auto status = read_end_status(pid_)) {
            return *status;
        }
    }
    PidfdInfo info{
        .mask = kPidfdInfoExit, .control_group = 0, .pids = {}, .ids = {}, .exit_code = 0};
    if (ioctl(pidfd_.get(), kPidfdGetInfo, &info) != 0 || (info.mask & kPidfdInfoExit) == 0) {
        return std::nullopt;
    }
    return info.exit_code;
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
    if (!duplicate.valid() && (errno == ENOSYS || errno == EPERM || !pidfd_.valid())) {
        duplicate = FileDescriptor(
            ::open(fmt::format("/proc/{}/fd/{}", pid_, fd).c_str(), O_RDONLY | O_CLOEXEC));
    }
    if (!duplicate.valid()) {
        return os_error(errno, fmt::format("cannot open descriptor {} of process {}", fd, pid_));
    }
    return duplicate;
}

}  // namespace palloscope
