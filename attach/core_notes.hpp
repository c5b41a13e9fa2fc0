#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attach/proc.hpp"

namespace palloscope {

// What the notes of a core file tell of its process (core(5); fs/binfmt_elf.c, fill_note_info).
struct CoreNotes {
    pid_t pid = 0;
    std::string command_line;
    std::optional<std::uint64_t> entry;  // AT_ENTRY (NT_AUXV)
    std::vector<Mapping> mappings;       // of files (NT_FILE): start, end, offset and path alone
};

// Adds what one note says; hostile ones are passed over. `type` is NT_PRPSINFO, NT_PRSTATUS,
// NT_AUXV or NT_FILE of the owner "CORE"; others say nothing.
void add_core_note(std::uint32_t type, std::span<const std::byte> contents, CoreNotes& notes);

}  // namespace palloscope
