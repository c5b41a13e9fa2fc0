#include "attach/process_memory.hpp"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <vector>

#include <fmt/core.h>

namespace palloscope {

namespace {

// UIO_MAXIOV, the most pieces that one process_vm_readv(2) takes.
constexpr std::size_t kMaxPieces = 1024;

tl::unexpected<Error> fault(int err, pid_t pid, RemoteAddress address) {
    return os_error(err,
                    fmt::format("cannot read memory of process {} at {:#x}", pid, address.value));
}

}  // namespace

// What is still to be read: the first piece is read up to `done` already.
struct ProcessMemory::Progress {
    std::span<const RemotePiece> pieces;
    std::size_t done = 0;

    [[nodiscard]] RemoteAddress next_address() const { return pieces.front().address + done; }

    void advance(std::size_t bytes) {
        done += bytes;
        while (!pieces.empty() && done >= pieces.front().into.size()) {
            done -= pieces.front().into.size();
            pieces = pieces.subspan(1);
        }
    }

    // Leaves the first piece out.
    void skip() {
        pieces = pieces.subspan(1);
        done = 0;
        advance(0);
    }
};

Result<ProcessMemory> ProcessMemory::open(pid_t pid, Transport transport) {
    const std::string path = fmt::format("/proc/{}/mem", pid);
    FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.valid()) {
        return ProcessMemory(pid, std::move(file), transport);
    }
    int err = errno;
    if (err == EACCES && transport == Transport::kProcessVm) {
        err = try_process_vm(pid);
        if (err == 0) {
            return ProcessMemory(pid, std::move(file), transport);
        }
    }
    if (err == ENOENT || err == ESRCH) {
        return failure(Error::Kind::kGone, fmt::format("process {} is gone", pid));
    }
    return os_error(err, fmt::format("cannot open the memory of process {}", pid));
}

int ProcessMemory::try_process_vm(pid_t pid) {
    // Rights are looked at before the address (mm/process_vm_access.c, process_vm_rw_core), at
    // which nothing can be (mmap_min_addr is no limit to PROT_NONE, which is not read either).
    std::byte into{};
    const iovec local{.iov_base = &into, .iov_len = 1};
    const iovec remote{.iov_base = nullptr, .iov_len = 1};
    const ssize_t got = process_vm_readv(pid, &local, 1, &remote, 1, 0);
    return got < 0 && errno != EFAULT ? errno : 0;
}

Result<> ProcessMemory::gather(std::span<const RemotePiece> pieces) const {
    Progress progress{.pieces = pieces};
    progress.advance(0);
    while (!progress.pieces.empty()) {
        if (const int err = gather_some(progress); err != 0) {
            return fault(err, pid_, progress.next_address());
        }
    }
    return {};
}

void ProcessMemory::gather_available(std::span<const RemotePiece> pieces,
                                     std::vector<bool>& unread) const {
    Progress progress{.pieces = pieces};
    progress.advance(0);
    while (!progress.pieces.empty()) {
        const int err = gather_some(progress);
        if (err == 0) {
            continue;
        }
        const auto at = static_cast<std::ptrdiff_t>(pieces.size() - progress.pieces.size());
        if (err != EFAULT && err != EIO) {
            // Not this piece's fault: the process has gone, say.
            std::fill(unread.begin() + at, unread.end(), true);
            return;
        }
        *(unread.begin() + at) = true;
        progress.skip();
    }
}

int ProcessMemory::gather_some(Progress& progress) const {
    if (transport_ == Transport::kProcFile) {
        return gather_some_by_file(progress);
    }
    std::array<iovec, kMaxPieces> local;   // NOLINT(*-init): filled as far as it is used
    std::array<iovec, kMaxPieces> remote;  // NOLINT(*-init)
    const auto batch = progress.pieces.first(std::min(progress.pieces.size(), kMaxPieces));
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const std::size_t skip = i == 0 ? progress.done : 0;
        const std::span<std::byte> into = batch[i].into.subspan(skip);
        const RemoteAddress from = batch[i].address + skip;
        local[i] = {.iov_base = into.data(), .iov_len = into.size()};
        // A remote address is a number here, and becomes a pointer only for the kernel.
        remote[i] = {.iov_base = reinterpret_cast<void*>(from.value),  // NOLINT
                     .iov_len = into.size()};
    }
    const ssize_t got =
        process_vm_readv(pid_, local.data(), batch.size(), remote.data(), batch.size(), 0);
    if (got < 0 && (errno == ENOSYS || errno == EPERM) && has_file()) {
        // /proc/PID/mem is open, so the right to read is there: a filter forbids the call alone.
        transport_ = Transport::kProcFile;
        return 0;
    }
    if (got <= 0) {
        return got < 0 ? errno : EFAULT;
    }
    // Less than wanted is no error: one call carries 2 GB at most (MAX_RW_COUNT). Where it ended
    // before a hole, the next one begins with the hole, and says so.
    progress.advance(static_cast<std::size_t>(got));
    return 0;
}

int ProcessMemory::gather_some_by_file(Progress& progress) const {
    const std::span<std::byte> into = progress.pieces.front().into.subspan(progress.done);
    const RemoteAddress from = progress.next_address();
    // pread(2) refuses negative offsets, where no process has memory (the kernel's half).
    if (from.value > static_cast<std::uint64_t>(INT64_MAX)) {
        return EFAULT;
    }
    const ssize_t got =
        pread(file_.get(), into.data(), into.size(), static_cast<off_t>(from.value));
    if (got < 0 && errno == EINTR) {
        return 0;
    }
    if (got <= 0) {
        // 0: the process has no memory any more.
        return got < 0 ? errno : ESRCH;
    }
    progress.advance(static_cast<std::size_t>(got));
    return 0;
}

Result<> ProcessMemory::write(RemoteAddress address, std::span<const std::byte> bytes) const {
    // process_vm_writev(2) honours the protection of pages, unlike /proc/PID/mem: text stays as it
    // is.
    const iovec local{
        .iov_base = const_cast<std::byte*>(bytes.data()),  // NOLINT: iovec knows no const
        .iov_len = bytes.size()};
    const iovec remote{.iov_base = reinterpret_cast<void*>(address.value),  // NOLINT: as in gather
                       .iov_len = bytes.size()};
    const ssize_t done = process_vm_writev(pid_, &local, 1, &remote, 1, 0);
    if (done != static_cast<ssize_t>(bytes.size())) {
        return os_error(
            done < 0 ? errno : EFAULT,
            fmt::format(
                "cannot write below the stack of process {} at {:#x}", pid_, address.value));
    }
    return {};
}

}  // namespace palloscope
