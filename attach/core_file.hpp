#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attach/core_headers.hpp"
#include "attach/error.hpp"
#include "attach/file_descriptor.hpp"
#include "attach/memory_source.hpp"
#include "attach/remote_address.hpp"

namespace palloscope {

// The memory of a process as a core file holds it (core(5)), written by the kernel or by gcore.
//
// Pages of files that were mapped for reading only are mostly not in it (coredump_filter). They
// come from these files: from the executable that the caller gives, and from libraries at the paths
// that the core names, each only where its first page is the one that is in the core.
class CoreFile final : public MemorySource {
  public:
    // kFailed where the core cannot be read, is none, or is cut off; kUnsupported where it is of
    // another architecture or lacks what it takes to understand it, or where `executable` is not
    // the file that made it.
    [[nodiscard]] static Result<CoreFile> open(const std::string& path,
                                               const std::string& executable);

    [[nodiscard]] Result<> gather(std::span<const RemotePiece> pieces) const override;

    [[nodiscard]] pid_t pid() const noexcept { return notes_.pid; }

    // Its arguments, joined by blanks, up to 79 bytes (elf_prpsinfo::pr_psargs).
    [[nodiscard]] const std::string& command_line() const noexcept { return notes_.command_line; }

    // Where its program began: getauxval(3), AT_ENTRY.
    [[nodiscard]] std::uint64_t entry() const noexcept { return notes_.entry.value_or(0); }

    // When the file was written, Unix time in nanoseconds.
    [[nodiscard]] std::int64_t written_at_ns() const noexcept;

    // The size of all memory that it knows of.
    [[nodiscard]] std::uint64_t mapped_bytes() const noexcept;

  private:
    CoreFile(FileDescriptor file, CoreHeaders headers);

    [[nodiscard]] Result<> add_executable(const std::string& path);
    void add_libraries();
    [[nodiscard]] std::optional<bool> begins_as(const std::string& mapped_path,
                                                const FileDescriptor& file) const;
    [[nodiscard]] const CoreSegment* segment_of(RemoteAddress address) const;
    [[nodiscard]] const Mapping* mapping_of(RemoteAddress address) const;
    [[nodiscard]] std::size_t read_some(RemoteAddress from, std::span<std::byte> into) const;
    [[nodiscard]] tl::unexpected<Error> missing(RemoteAddress address) const;

    FileDescriptor file_;
    std::vector<CoreSegment> segments_;
    CoreNotes notes_;
    std::map<std::string, FileDescriptor> files_;  // those that may be read, by mapped path
};

}  // namespace palloscope
