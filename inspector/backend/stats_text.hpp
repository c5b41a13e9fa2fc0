#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "attach/error.hpp"
#include "inspector/model/context_tree.hpp"

namespace palloscope {

// The text that MemoryContextStats(TopMemoryContext) prints to standard error, of 9.4 to 19: one
// line a context, two blanks of indentation a level, "name: figures[: ident]", and from 9.6 a
// "Grand total" at the end (mcxt.c, MemoryContextStatsInternal and MemoryContextStatsPrint; the
// figures in aset.c, slab.c, generation.c and bump.c).

// Reads such a text, of which nothing may be missing: it has to be printed without a limit of
// children and of levels. `text` is bytes in the server's encoding, from the first line to the
// newline of the last one; `server_version_num` says which forms to expect. Linear in the text's
// length.
//
// Fails with kUnsupported for a version that is not known, and with kFailed, naming the line, where
// the text is torn: a line that fits no form, figures that do not add up (used = total − free), a
// Grand total that is missing or differs from the sum, contexts left out ("12 more child contexts
// containing …").
//
// What the text itself does not tell apart:
//   * up to 10 the name is a relation's own name, newlines, leading blanks and all. A name that
//     begins with two blanks looks like a child of the context above, and a name that holds a whole
//     line in the form of an empty context looks like two contexts. The sums are right in each
//     case.
//   * from 11 to 15 a Slab context is printed as an AllocSet one. PostgreSQL has two of them, "TXN"
//     and "Change" below "ReorderBuffer" (reorderbuffer.c, ReorderBufferAllocate), known by these
//     names.
[[nodiscard]] Result<ContextTree> parse_stats_text(std::string_view text, int server_version_num);

// The text that this server's own MemoryContextStats prints for the tree, without its limit of
// children: parse_stats_text reads it back. Idents are treated as the server treats them: dropped
// up to 10; from 11 cut at 100 bytes, control characters replaced by blanks. Where to cut depends
// on the server's encoding, which a tree does not hold: whole characters are kept if the ident is
// UTF-8.
[[nodiscard]] std::string stats_text(const ContextTree& tree, int server_version_num);

// Of an ident longer than this MemoryContextStatsPrint shows the beginning (mcxt.c, from 11).
constexpr std::size_t kMaxShownIdentBytes = 100;

// What MemoryContextStats shows of an ident: cut at kMaxShownIdentBytes, between two characters if
// it is UTF-8, with "..." behind, and with control characters replaced by blanks. A byte more than
// these is all that it looks at.
[[nodiscard]] std::string shown_ident(std::string ident);

}  // namespace palloscope
