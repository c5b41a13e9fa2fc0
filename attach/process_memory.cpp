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

// The piece of `pieces` in which byte `offset` of their concatenation lies.
RemoteAddress address_at(std::span<const RemotePiece> pieces, std::size_t offset) {
    for (const RemotePiece& piece : pieces) {
        if (offset < piece.into.size()) {
            return piece.address + offset;
        }
        offset -= piece.into.size();
    }
    return pieces.back().address;
}

}  // namespace

Result<ProcessMemory> ProcessMemory::open(pid_t pid, Transport transport) {
    const std::string path = fmt::format("/proc/{}/mem", pid);
    FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) {
        if (errno == ENOENT) {
            return failure(Error::Kind::kGone, fmt::format("process {} is gone", pid));
        }
        return os_error(errno, fmt::format("cannot open the memory of process {}", pid));
    }
    return ProcessMemory(pid, std::move(file), transport);
}

Result<> ProcessMemory::gather(std::span<const RemotePiece> pieces) const {
    std::array<iovec, kMaxPieces> local{};
    std::array<iovec, kMaxPieces> remote{};
    while (!pieces.empty()) {
        if (transport_ == Transport::kProcFile) {
            return gather_by_file(pieces);
        }
        const auto batch = pieces.first(std::min(pieces.size(), kMaxPieces));
        std::size_t wanted = 0;
        for (std::size_t i = 0; i < batch.size(); ++i) {
            local[i] = {.iov_base = batch[i].into.data(), .iov_len = batch[i].into.size()};
            // A remote address is a number here, and becomes a pointer only for the kernel.
            remote[i] = {.iov_base = reinterpret_cast<void*>(batch[i].address.value),  // NOLINT
                         .iov_len = batch[i].into.size()};
            wanted += batch[i].into.size();
        }
        const ssize_t got =
            process_vm_readv(pid_, local.data(), batch.size(), remote.data(), batch.size(), 0);
        if (got < 0 && (errno == ENOSYS || errno == EPERM)) {
            // /proc/PID/mem is open, so the right to read is there: a filter forbids the call
            // alone.
            transport_ = Transport::kProcFile;
            continue;
        }
        if (got < 0) {
            return fault(errno, pid_, batch.front().address);
        }
        if (static_cast<std::size_t>(got) < wanted) {
            return fault(EFAULT, pid_, address_at(batch, static_cast<std::size_t>(got)));
        }
        pieces = pieces.subspan(batch.size());
    }
    return {};
}

Result<> ProcessMemory::gather_by_file(std::span<const RemotePiece> pieces) const {
    for (const RemotePiece& piece : pieces) {
        std::span<std::byte> left = piece.into;
        while (!left.empty()) {
            const RemoteAddress from = piece.address + (piece.into.size() - left.size());
            const ssize_t got =
                pread(file_.get(), left.data(), left.size(), static_cast<off_t>(from.value));
            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got <= 0) {
                // 0: the process has no memory any more.
                return fault(got < 0 ? errno : ESRCH, pid_, from);
            }
            left = left.subspan(static_cast<std::size_t>(got));
        }
    }
    return {};
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
