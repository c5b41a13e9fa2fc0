#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <vector>

#include "attach/error.hpp"
#include "attach/file_descriptor.hpp"
#include "attach/memory_source.hpp"

namespace palloscope {

// The memory of a live process. Reading does nothing to it, and needs no stop.
class ProcessMemory final : public MemorySource {
  public:
    // How bytes are carried. kProcessVm is process_vm_readv(2), which falls back by itself to
    // kProcFile, /proc/PID/mem, where a seccomp filter or an old kernel forbids it. That file is
    // its user's (0600): root without CAP_DAC_OVERRIDE has the former alone.
    enum class Transport { kProcessVm, kProcFile };

    // kGone or kPermission where it cannot be opened.
    [[nodiscard]] static Result<ProcessMemory> open(pid_t pid,
                                                    Transport transport = Transport::kProcessVm);

    // In as few system calls as the kernel allows: 1,024 pieces each (UIO_MAXIOV).
    [[nodiscard]] Result<> gather(std::span<const RemotePiece> pieces) const override;
    void gather_available(std::span<const RemotePiece> pieces,
                          std::vector<bool>& unread) const override;

    // Whether kProcFile is to be had.
    [[nodiscard]] bool has_file() const noexcept { return file_.valid(); }

    // Writes all of `bytes`. Only for memory below the red zone of a stack that the caller holds
    // stopped (attach/call_chain.hpp); nothing else of a target is ever written.
    [[nodiscard]] Result<> write(RemoteAddress address, std::span<const std::byte> bytes) const;

    // 0 where process_vm_readv(2) may read process `pid`, which takes the rights to trace it and
    // nothing of its files; else the errno. Reads nothing.
    [[nodiscard]] static int try_process_vm(pid_t pid);

  private:
    ProcessMemory(pid_t pid, FileDescriptor file, Transport transport)
        : pid_(pid), file_(std::move(file)), transport_(transport) {}

    struct Progress;

    // One system call's worth. 0, or an errno of which the next address is the cause.
    [[nodiscard]] int gather_some(Progress& progress) const;
    [[nodiscard]] int gather_some_by_file(Progress& progress) const;

    pid_t pid_;
    FileDescriptor file_;  // /proc/PID/mem; none where its mode keeps us out
    mutable Transport transport_;
};

}  // namespace palloscope
