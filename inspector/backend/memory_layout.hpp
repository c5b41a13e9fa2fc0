#pragma once

#include <cstdint>
#include <optional>

namespace palloscope {

// Where the fields of PostgreSQL's memory contexts lie, in bytes from the start of their structs;
// none where a version has no such field. x86-64 and aarch64 Linux, builds without assertions.
// Sources, the same in every version: src/include/nodes/memnodes.h (MemoryContextData),
// src/backend/utils/mmgr/aset.c, slab.c, generation.c, bump.c, and
// src/include/utils/memutils_memorychunk.h (chunks from 16 on).
using Offset = std::uint32_t;
using MaybeOffset = std::optional<Offset>;

// A field that became narrower over the versions.
struct SizedField {
    Offset at;
    Offset bytes;

    bool operator==(const SizedField&) const = default;
};

// MemoryContextData: the head of every context.
struct ContextLayout {
    MaybeOffset mem_allocated;  // 13
    Offset methods;
    Offset parent;
    Offset firstchild;
    MaybeOffset prevchild;  // 9.6
    Offset nextchild;
    Offset name;
    MaybeOffset ident;  // 11
    Offset bytes;       // sizeof(MemoryContextData)

    bool operator==(const ContextLayout&) const = default;
};

// The bytes before each chunk's payload.
struct ChunkLayout {
    Offset header_bytes;
    // In a free chunk the next one of its list, from the start of the header. In an allocated one
    // its context, up to 15.
    Offset link;
    MaybeOffset size;  // up to 15
    // 16 and later: the low bits of the header's word that name the allocator.
    Offset method_id_bits;

    bool operator==(const ChunkLayout&) const = default;
};

struct AllocSetLayout {
    Offset blocks;
    Offset freelist;       // ALLOCSET_NUM_FREELISTS pointers, of chunks of 8, 16, … 8192 bytes
    Offset context_bytes;  // sizeof(AllocSetContext)

    bool operator==(const AllocSetLayout&) const = default;
};

// AllocBlockData, the same in 9.4 to 19.
struct AllocBlockLayout {
    Offset aset = 0;
    Offset prev = 8;
    Offset next = 16;
    Offset freeptr = 24;
    Offset endptr = 32;
    Offset header_bytes = 40;

    bool operator==(const AllocBlockLayout&) const = default;
};

struct SlabLayout {
    SizedField full_chunk_size;
    SizedField block_size;
    Offset chunks_per_block;
    MaybeOffset nblocks;               // up to 15
    MaybeOffset header_size;           // 11 to 15
    MaybeOffset empty_blocks;          // 16: the count of the dclist of blocks that are kept empty
    Offset lists;                      // dlist heads of blocks, by how many chunks are free in them
    std::optional<Offset> list_count;  // 16; before, chunks_per_block + 1
    Offset context_bytes;              // sizeof(SlabContext), without the array of lists up to 15
    Offset block_node;
    Offset block_nfree;
    MaybeOffset block_slab;  // 16
    Offset block_bytes;      // sizeof(SlabBlock)

    bool operator==(const SlabLayout&) const = default;
};

struct GenerationLayout {
    Offset blocks;  // dlist head
    Offset context_bytes;
    Offset block_blksize;
    Offset block_nchunks;
    Offset block_nfree;
    Offset block_freeptr;
    Offset block_endptr;
    MaybeOffset block_context;  // 16
    Offset block_bytes;         // sizeof(GenerationBlock)

    bool operator==(const GenerationLayout&) const = default;
};

struct BumpLayout {
    Offset blocks;  // dlist head
    Offset context_bytes;
    Offset block_freeptr;
    Offset block_endptr;
    Offset block_bytes;  // sizeof(BumpBlock)

    bool operator==(const BumpLayout&) const = default;
};

// NodeTags of the kinds of context, as distances from T_AllocSetContext. The tag itself moves with
// every major version; it is read from TopMemoryContext, which is an AllocSet in all of them.
struct ContextTags {
    std::optional<int> slab;
    std::optional<int> generation;
    std::optional<int> bump;

    bool operator==(const ContextTags&) const = default;
};

struct MemoryLayout {
    int since_version_num;
    ContextTags tags;
    ContextLayout context;
    ChunkLayout chunk;
    AllocSetLayout allocset;
    std::optional<SlabLayout> slab;              // 10
    std::optional<GenerationLayout> generation;  // 11
    std::optional<BumpLayout> bump;              // 17
    // Whether MemoryContextStats counts a context's own header in its total: since 11 it lies in
    // the same malloc'd piece as the first block.
    bool header_in_total;

    bool operator==(const MemoryLayout&) const = default;
};

// The layout of that version, none for one that is not known (before 9.4, after 19).
[[nodiscard]] std::optional<MemoryLayout> memory_layout(int server_version_num);

}  // namespace palloscope
