#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "attach/error.hpp"
#include "attach/proc.hpp"
#include "attach/remote_address.hpp"

namespace palloscope {

// Which pages of a process are in memory and its own: what the kernel counts as RssAnon. That are
// pages without a file, and those of a private mapping of a file that were written to
// (Documentation/admin-guide/mm/pagemap.rst: present, and neither of a file nor shared).
class ResidentMemory {
  public:
    // Of its private mappings (but for address space that is only reserved), where
    // nothing changes meanwhile: while it is held, or of a copy-on-write child.
    [[nodiscard]] static Result<ResidentMemory> read(pid_t pid);

    // As they were when it was read, in the order of addresses.
    [[nodiscard]] const std::vector<Mapping>& mappings() const noexcept { return mappings_; }

    [[nodiscard]] std::uint64_t total_bytes() const noexcept { return total_bytes_; }

    // How many bytes of that range are resident.
    [[nodiscard]] std::uint64_t bytes_in(RemoteAddress begin, RemoteAddress end) const;

  private:
    // Resident pages that follow one upon the other.
    struct Run {
        RemoteAddress begin;
        RemoteAddress end;
        std::uint64_t bytes_before;  // in all runs before it
    };

    [[nodiscard]] std::uint64_t bytes_before(RemoteAddress address) const;

    std::vector<Mapping> mappings_;
    std::vector<Run> runs_;
    std::uint64_t total_bytes_ = 0;
};

}  // namespace palloscope
