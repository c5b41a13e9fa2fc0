#include "inspector/backend/memory_layout.hpp"

#include <array>

#include "inspector/backend/layout_of_version.hpp"

namespace palloscope {

namespace {

constexpr int kFirstUnknownVersion = 200000;

constexpr ChunkLayout kOwnerAndSize{.header_bytes = 16, .link = 0, .size = 8, .method_id_bits = 0};
constexpr ChunkLayout kSizeAndOwner{.header_bytes = 16, .link = 8, .size = 0, .method_id_bits = 0};

constexpr ChunkLayout memory_chunk(Offset method_id_bits) {
    return {.header_bytes = 8, .link = 8, .size = std::nullopt, .method_id_bits = method_id_bits};
}

constexpr ContextTags kOnlyAllocSet{};
constexpr ContextTags kWithSlab{.slab = 1, .generation = std::nullopt, .bump = std::nullopt};
constexpr ContextTags kSlabThenGeneration{.slab = 1, .generation = 2, .bump = std::nullopt};
constexpr ContextTags kGenerationThenSlab{.slab = 2, .generation = 1, .bump = std::nullopt};
constexpr ContextTags kWithBump{.slab = 2, .generation = 1, .bump = 3};

constexpr ContextLayout kContext94{.mem_allocated = std::nullopt,
                                   .methods = 8,
                                   .parent = 16,
                                   .firstchild = 24,
                                   .prevchild = std::nullopt,
                                   .nextchild = 32,
                                   .name = 40,
                                   .ident = std::nullopt,
                                   .bytes = 56};
constexpr ContextLayout kContext96{.mem_allocated = std::nullopt,
                                   .methods = 8,
                                   .parent = 16,
                                   .firstchild = 24,
                                   .prevchild = 32,
                                   .nextchild = 40,
                                   .name = 48,
                                   .ident = std::nullopt,
                                   .bytes = 64};
constexpr ContextLayout kContext11{.mem_allocated = std::nullopt,
                                   .methods = 8,
                                   .parent = 16,
                                   .firstchild = 24,
                                   .prevchild = 32,
                                   .nextchild = 40,
                                   .name = 48,
                                   .ident = 56,
                                   .bytes = 72};
constexpr ContextLayout kContext13{.mem_allocated = 8,
                                   .methods = 16,
                                   .parent = 24,
                                   .firstchild = 32,
                                   .prevchild = 40,
                                   .nextchild = 48,
                                   .name = 56,
                                   .ident = 64,
                                   .bytes = 80};

constexpr AllocSetLayout kAllocSet94{.blocks = 56, .freelist = 64, .context_bytes = 192};
constexpr AllocSetLayout kAllocSet96{.blocks = 64, .freelist = 72, .context_bytes = 200};
constexpr AllocSetLayout kAllocSet11{.blocks = 72, .freelist = 80, .context_bytes = 216};
constexpr AllocSetLayout kAllocSet13{.blocks = 80, .freelist = 88, .context_bytes = 224};
constexpr AllocSetLayout kAllocSet17{.blocks = 80, .freelist = 88, .context_bytes = 200};

constexpr SlabLayout kSlab10{.full_chunk_size = {72, 8},
                             .block_size = {80, 8},
                             .chunks_per_block = 88,
                             .nblocks = 96,
                             .header_size = std::nullopt,
                             .empty_blocks = std::nullopt,
                             .lists = 104,
                             .list_count = std::nullopt,
                             .context_bytes = 104,
                             .block_node = 0,
                             .block_nfree = 16,
                             .block_slab = std::nullopt,
                             .block_bytes = 24};
constexpr SlabLayout kSlab11{.full_chunk_size = {80, 8},
                             .block_size = {88, 8},
                             .chunks_per_block = 104,
                             .nblocks = 112,
                             .header_size = 96,
                             .empty_blocks = std::nullopt,
                             .lists = 120,
                             .list_count = std::nullopt,
                             .context_bytes = 120,
                             .block_node = 0,
                             .block_nfree = 16,
                             .block_slab = std::nullopt,
                             .block_bytes = 24};
constexpr SlabLayout kSlab13{.full_chunk_size = {88, 8},
                             .block_size = {96, 8},
                             .chunks_per_block = 112,
                             .nblocks = 120,
                             .header_size = 104,
                             .empty_blocks = std::nullopt,
                             .lists = 128,
                             .list_count = std::nullopt,
                             .context_bytes = 128,
                             .block_node = 0,
                             .block_nfree = 16,
                             .block_slab = std::nullopt,
                             .block_bytes = 24};
constexpr SlabLayout kSlab16{.full_chunk_size = {88, 8},
                             .block_size = {96, 8},
                             .chunks_per_block = 104,
                             .nblocks = std::nullopt,
                             .header_size = std::nullopt,
                             .empty_blocks = 136,
                             .lists = 144,
                             .list_count = 3,
                             .context_bytes = 192,
                             .block_node = 32,
                             .block_nfree = 8,
                             .block_slab = 0,
                             .block_bytes = 48};
constexpr SlabLayout kSlab17{.full_chunk_size = {84, 4},
                             .block_size = {88, 4},
                             .chunks_per_block = 92,
                             .nblocks = std::nullopt,
                             .header_size = std::nullopt,
                             .empty_blocks = 120,
                             .lists = 128,
                             .list_count = 3,
                             .context_bytes = 176,
                             .block_node = 32,
                             .block_nfree = 8,
                             .block_slab = 0,
                             .block_bytes = 48};

constexpr GenerationLayout generation_with_small_blocks(Offset blocks, Offset context_bytes) {
    return {.blocks = blocks,
            .context_bytes = context_bytes,
            .block_blksize = 16,
            .block_nchunks = 24,
            .block_nfree = 28,
            .block_freeptr = 32,
            .block_endptr = 40,
            .block_context = std::nullopt,
            .block_bytes = 48};
}

constexpr GenerationLayout generation_with_owned_blocks(Offset blocks, Offset context_bytes) {
    return {.blocks = blocks,
            .context_bytes = context_bytes,
            .block_blksize = 24,
            .block_nchunks = 32,
            .block_nfree = 36,
            .block_freeptr = 40,
            .block_endptr = 48,
            .block_context = 16,
            .block_bytes = 56};
}

constexpr BumpLayout kBump17{
    .blocks = 96, .context_bytes = 112, .block_freeptr = 16, .block_endptr = 24, .block_bytes = 32};

constexpr MemoryLayout since17(int version_num) {
    return {.since_version_num = version_num,
            .tags = kWithBump,
            .context = kContext13,
            .chunk = memory_chunk(4),
            .allocset = kAllocSet17,
            .slab = kSlab17,
            .generation = generation_with_owned_blocks(112, 128),
            .bump = kBump17,
            .header_in_total = true};
}

constexpr MemoryLayout of_13_to_15(int version_num, GenerationLayout generation) {
    return {.since_version_num = version_num,
            .tags = kSlabThenGeneration,
            .context = kContext13,
            .chunk = kSizeAndOwner,
            .allocset = kAllocSet13,
            .slab = kSlab13,
            .generation = generation,
            .bump = std::nullopt,
            .header_in_total = true};
}

constexpr MemoryLayout of_11_to_12(int version_num) {
    return {.since_version_num = version_num,
            .tags = kSlabThenGeneration,
            .context = kContext11,
            .chunk = kSizeAndOwner,
            .allocset = kAllocSet11,
            .slab = kSlab11,
            .generation = generation_with_small_blocks(88, 104),
            .bump = std::nullopt,
            .header_in_total = true};
}

constexpr MemoryLayout before10(int version_num, ContextLayout context, AllocSetLayout allocset) {
    return {.since_version_num = version_num,
            .tags = kOnlyAllocSet,
            .context = context,
            .chunk = kOwnerAndSize,
            .allocset = allocset,
            .slab = std::nullopt,
            .generation = std::nullopt,
            .bump = std::nullopt,
            .header_in_total = false};
}

// The newest that is not newer than the server counts.
constexpr std::array kLayouts{
    before10(90400, kContext94, kAllocSet94),
    before10(90500, kContext94, kAllocSet94),
    before10(90600, kContext96, kAllocSet96),
    MemoryLayout{.since_version_num = 100000,
                 .tags = kWithSlab,
                 .context = kContext96,
                 .chunk = kSizeAndOwner,
                 .allocset = kAllocSet96,
                 .slab = kSlab10,
                 .generation = std::nullopt,
                 .bump = std::nullopt,
                 .header_in_total = false},
    of_11_to_12(110000),
    of_11_to_12(120000),
    of_13_to_15(130000, generation_with_small_blocks(96, 112)),
    of_13_to_15(140000, generation_with_small_blocks(96, 112)),
    of_13_to_15(150000, generation_with_small_blocks(136, 152)),
    MemoryLayout{.since_version_num = 160000,
                 .tags = kGenerationThenSlab,
                 .context = kContext13,
                 .chunk = memory_chunk(3),
                 .allocset = kAllocSet13,
                 .slab = kSlab16,
                 .generation = generation_with_owned_blocks(136, 152),
                 .bump = std::nullopt,
                 .header_in_total = true},
    since17(170000),
    since17(180000),
    since17(190000),
};

}  // namespace

std::optional<MemoryLayout> memory_layout(int server_version_num) {
    return server_version_num < kFirstUnknownVersion
               ? layout_of_version(kLayouts, server_version_num)
               : std::nullopt;
}

}  // namespace palloscope
