#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attach/core_notes.hpp"
#include "attach/error.hpp"
#include "attach/file_descriptor.hpp"
#include "attach/remote_address.hpp"

namespace palloscope {

// No process has more: five levels of page tables
// (Documentation/arch/x86/x86_64/5level-paging.rst).
inline constexpr std::uint64_t kMostAddresses = std::uint64_t{1} << 57;

// A part of a process's address space, and what of it is in its core file: the first
// `bytes_in_core` of its `size` bytes, from `offset` in the file.
struct CoreSegment {
    RemoteAddress begin;
    std::uint64_t size = 0;
    std::uint64_t offset = 0;
    std::uint64_t bytes_in_core = 0;
    bool writable = false;
};

struct CoreHeaders {
    std::vector<CoreSegment> segments;  // in the order of addresses, none overlaps another
    CoreNotes notes;                    // with an entry point and mappings, in that order too
};

// Reads the headers and notes of a core file (core(5), elf(5)), of which nothing is believed.
// `path` is for messages. kFailed where it is no core file, damaged or cut off; kUnsupported where
// it is of another architecture, or lacks the notes that say which files were mapped where.
[[nodiscard]] Result<CoreHeaders> read_core_headers(const FileDescriptor& file,
                                                    const std::string& path);

}  // namespace palloscope
