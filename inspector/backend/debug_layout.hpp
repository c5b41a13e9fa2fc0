#pragma once

#include "attach/dwarf_types.hpp"
#include "attach/error.hpp"
#include "inspector/backend/memory_layout.hpp"

namespace palloscope {

// `known`, the layout of this server's version, with every offset and size that the server's own
// debug information gives: the same again for PostgreSQL's own builds, and the right one for a
// build that moved fields. What the debug information leaves out stays as it is known, and so does
// which fields there are.
//
// kUnsupported where a field has another size, or cannot lie where it is said to, or where blocks
// are laid out otherwise than all versions lay them out (AllocBlockData, the nodes of lists).
[[nodiscard]] Result<MemoryLayout> layout_from_debug_information(const DwarfTypes& types,
                                                                 const MemoryLayout& known);

// The layout of that version, or what the server's debug information makes of it, where it has any.
// kUnsupported for a version that is not known.
[[nodiscard]] Result<MemoryLayout> layout_of_build(int server_version_num,
                                                   const Result<DwarfTypes>& types);

}  // namespace palloscope
