#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "attach/call_chain.hpp"
#include "attach/error.hpp"
#include "attach/file_descriptor.hpp"

// The file in memory that a process which we make call a function has for its standard error then,
// and that only we read.
namespace palloscope {

// The folder of an unnamed file for a process under a seccomp filter, which may kill it for
// memfd_create(2).
constexpr std::string_view kSharedMemoryFolder = "/dev/shm";

// Adds the step that makes it; what is to be placed must be placed before.
class CaptureFileStep {
  public:
    // `filtered`: under a seccomp filter.
    CaptureFileStep(CallChainBuilder& builder, bool filtered);
    void add_to(CallChainBuilder& builder) const;

  private:
    RemoteAddress name_;
    bool filtered_;
};

// kUnsupported where the process may not write files as large as the output could be: it would get
// SIGXFSZ, which ends it. `limit` is its soft limit.
[[nodiscard]] Result<> require_file_size(pid_t pid, std::uint64_t limit);

// What was written to the file, from byte `begin` on.
[[nodiscard]] Result<std::string> read_captured(const FileDescriptor& file, std::size_t begin);

}  // namespace palloscope
