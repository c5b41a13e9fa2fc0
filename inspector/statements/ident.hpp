#pragma once

#include <string>
#include <string_view>

#include "inspector/model/context_tree.hpp"

namespace palloscope {

// What may be shown of the ident of the memory context `context_name`. Idents are texts that
// PostgreSQL's own code and its procedural languages hand to MemoryContextSetIdentifier; the ones
// of plans and functions are whole SQL statements, with their literals.
//
// Idents of contexts known to hold names (of indexes, relations, cursors, functions, hash tables)
// come back as they are; the pattern of a RegexpMemoryContext (PostgreSQL 16 and newer) is a
// literal of some statement and becomes "$1"; everything else is treated as SQL and becomes its
// form, behind which the "..." stays that MemoryContextStats puts where it cut an ident at 100
// bytes.
[[nodiscard]] std::string mask_ident(std::string_view context_name, std::string_view ident);

// The same for each ident of a tree.
void mask_idents(ContextTree& tree);

}  // namespace palloscope
