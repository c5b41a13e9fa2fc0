#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "attach/error.hpp"
#include "attach/memory_copy.hpp"
#include "attach/remote_address.hpp"
#include "inspector/backend/constant_texts.hpp"
#include "inspector/backend/context_places.hpp"
#include "inspector/backend/memory_layout.hpp"
#include "inspector/model/context_tree.hpp"

namespace palloscope {

// What a walk may take before it must be going in circles, or through garbage.
struct WalkBounds {
    // Contexts, blocks and free chunks cannot be larger together than the process's memory.
    std::uint64_t bytes = 0;
    std::optional<std::chrono::steady_clock::time_point> deadline;
};

enum class WalkPurpose { kTree, kSurvey };

// The tree of contexts below `root`, TopMemoryContext, with the figures that this version's own
// `stats` functions count (AllocSetStats in aset.c, SlabStats in slab.c, GenerationStats in
// generation.c, BumpStats in bump.c) and with names and idents as MemoryContextStatsPrint shows
// them (mcxt.c): the same tree as parse_stats_text gives of MemoryContextStats's text at the same
// moment.
//
// Believes nothing: each context must have a known kind, the right parent and elder sibling, and
// its kind's methods; each block must be its context's and its pointers in order; each free chunk
// must lie in a block of its context; from 13 on the blocks must sum up to mem_allocated. kFailed
// where something does not fit, naming it, kFault where memory is missing: the process was changing
// its contexts, or its build is another one. kTimeout where `bounds.deadline` came first. No
// recursion.
//
// `places`, where given, is told where they lie; the blocks that a Slab keeps empty are left out.
//
// With WalkPurpose::kSurvey it only looks where the contexts of a running process lie, which
// `memory` remembers: whatever does not fit is passed over, and no tree is to be believed.
[[nodiscard]] Result<ContextTree> walk_contexts(const MemoryCopy& memory,
                                                const MemoryLayout& layout,
                                                RemoteAddress root,
                                                ConstantTexts& names,
                                                const WalkBounds& bounds,
                                                WalkPurpose purpose = WalkPurpose::kTree,
                                                ContextPlaces* places = nullptr);

// Proves that chunks are laid out as in `layout`: those of the root's newest block follow one upon
// the other up to the free space, and each names its context or its block. With assertions
// (MEMORY_CONTEXT_CHECKING) they have larger headers, and do not.
[[nodiscard]] Result<> prove_chunks(const MemoryCopy& memory,
                                    const MemoryLayout& layout,
                                    RemoteAddress root);

}  // namespace palloscope
