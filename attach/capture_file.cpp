#include "attach/capture_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <span>

#include <fmt/core.h>

namespace palloscope {

namespace {

// 100,000 contexts print 20 MB.
constexpr off_t kMaxOutputBytes = off_t{1} << 30;
constexpr std::string_view kFileName = "palloscope";

std::span<const std::byte> with_nul(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size() + 1));
}

}  // namespace

CaptureFileStep::CaptureFileStep(CallChainBuilder& builder, bool filtered)
    : name_(builder.place(with_nul(filtered ? kSharedMemoryFolder : kFileName))),
      filtered_(filtered) {}

// Under a filter an unnamed file in /dev/shm, since every server opens files.
void CaptureFileStep::add_to(CallChainBuilder& builder) const {
    if (filtered_) {
        constexpr int kFlags = O_TMPFILE | O_RDWR | O_CLOEXEC;
        constexpr int kMode = 0600;
        builder.add_syscall(SYS_openat,
                            {static_cast<std::uint64_t>(AT_FDCWD), name_.value, kFlags, kMode});
    } else {
        builder.add_syscall(SYS_memfd_create, {name_.value, MFD_CLOEXEC});
    }
}

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

Result<std::string> read_captured(const FileDescriptor& file, std::size_t begin) {
    struct stat status {};

    if (fstat(file.get(), &status) < 0) {
        return os_error(errno, "cannot read the captured output");
    }
    if (status.st_size > kMaxOutputBytes) {
        return failure(Error::Kind::kFailed, "the captured output is larger than 1 GB");
    }
    if (status.st_size < static_cast<off_t>(begin)) {
        return failure(Error::Kind::kFailed, "the captured output was cut off by somebody else");
    }
    std::string text(static_cast<std::size_t>(status.st_size) - begin, '\0');
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t got = pread(
            file.get(), text.data() + done, text.size() - done, static_cast<off_t>(begin + done));
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

}  // namespace palloscope
