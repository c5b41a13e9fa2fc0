#include "inspector/backend/memory_layout.hpp"

#include <gtest/gtest.h>

#include "tests/inspector/backend/synthetic_memory.hpp"

namespace palloscope {

TEST(MemoryLayout, IsKnownOfEveryMajor) {
    for (const int version : {90400, 90426, 90500, 90525, 90600, 90624}) {
        const auto layout = memory_layout(version);
        ASSERT_TRUE(layout) << version;
        EXPECT_EQ(layout->since_version_num, version / 100 * 100);
    }
    for (int major = 10; major <= 19; ++major) {
        for (const int minor : {0, 1, 30}) {
            const auto layout = memory_layout(major * 10000 + minor);
            ASSERT_TRUE(layout) << major;
            EXPECT_EQ(layout->since_version_num, major * 10000);
        }
    }
}

TEST(MemoryLayout, IsUnknownBefore94AndAfter19) {
    for (const int version : {-1, 0, 80400, 90300, 90399, 200000, 210003, 990000}) {
        EXPECT_EQ(memory_layout(version), std::nullopt) << version;
    }
}

TEST(MemoryLayout, HasTheKindsOfContextOfItsVersion) {
    for (const int version :
         {90400, 90500, 90600, 100000, 110000, 120000, 130000, 140000, 150000, 160000, 170000}) {
        const MemoryLayout layout = memory_layout(version).value();
        EXPECT_EQ(layout.slab.has_value(), version >= 100000) << version;
        EXPECT_EQ(layout.generation.has_value(), version >= 110000) << version;
        EXPECT_EQ(layout.bump.has_value(), version >= 170000) << version;
        EXPECT_EQ(layout.slab.has_value(), layout.tags.slab.has_value()) << version;
        EXPECT_EQ(layout.generation.has_value(), layout.tags.generation.has_value()) << version;
        EXPECT_EQ(layout.bump.has_value(), layout.tags.bump.has_value()) << version;
        EXPECT_EQ(layout.context.ident.has_value(), version >= 110000) << version;
        EXPECT_EQ(layout.context.prevchild.has_value(), version >= 90600) << version;
        EXPECT_EQ(layout.context.mem_allocated.has_value(), version >= 130000) << version;
        EXPECT_EQ(layout.header_in_total, version >= 110000) << version;
    }
}

// Offsets read off the servers' own debug information and headers.
TEST(MemoryLayout, HasTheOffsetsOf94) {
    const MemoryLayout layout = memory_layout(90426).value();
    EXPECT_EQ(layout.context.methods, 8U);
    EXPECT_EQ(layout.context.firstchild, 24U);
    EXPECT_EQ(layout.context.nextchild, 32U);
    EXPECT_EQ(layout.context.name, 40U);
    EXPECT_EQ(layout.context.bytes, 56U);
    EXPECT_EQ(layout.allocset.blocks, 56U);
    EXPECT_EQ(layout.allocset.freelist, 64U);
    EXPECT_EQ(layout.allocset.context_bytes, 192U);
    EXPECT_EQ(layout.chunk.link, 0U);
    EXPECT_EQ(layout.chunk.size, 8U);
    EXPECT_EQ(layout.chunk.header_bytes, 16U);
}

TEST(MemoryLayout, HasTheOffsetsOf10) {
    const MemoryLayout layout = memory_layout(100023).value();
    EXPECT_EQ(layout.context.prevchild, 32U);
    EXPECT_EQ(layout.context.name, 48U);
    EXPECT_EQ(layout.context.bytes, 64U);
    EXPECT_EQ(layout.allocset.blocks, 64U);
    EXPECT_EQ(layout.allocset.context_bytes, 200U);
    EXPECT_EQ(layout.slab->full_chunk_size, (SizedField{72, 8}));
    EXPECT_EQ(layout.slab->nblocks, 96U);
    EXPECT_EQ(layout.slab->lists, 104U);
    EXPECT_EQ(layout.chunk.link, 8U);
    EXPECT_EQ(layout.chunk.size, 0U);
}

TEST(MemoryLayout, HasTheOffsetsOf15) {
    const MemoryLayout layout = memory_layout(150018).value();
    EXPECT_EQ(layout.context.mem_allocated, 8U);
    EXPECT_EQ(layout.context.parent, 24U);
    EXPECT_EQ(layout.context.name, 56U);
    EXPECT_EQ(layout.context.ident, 64U);
    EXPECT_EQ(layout.context.bytes, 80U);
    EXPECT_EQ(layout.allocset.freelist, 88U);
    EXPECT_EQ(layout.allocset.context_bytes, 224U);
    EXPECT_EQ(layout.slab->header_size, 104U);
    EXPECT_EQ(layout.slab->chunks_per_block, 112U);
    EXPECT_EQ(layout.slab->lists, 128U);
    EXPECT_EQ(layout.slab->block_bytes, 24U);
    EXPECT_EQ(layout.generation->blocks, 136U);
    EXPECT_EQ(layout.generation->context_bytes, 152U);
    EXPECT_EQ(layout.generation->block_nfree, 28U);
    EXPECT_EQ(layout.generation->block_bytes, 48U);
}

TEST(MemoryLayout, HasTheOffsetsOf18) {
    const MemoryLayout layout = memory_layout(180006).value();
    EXPECT_EQ(layout.allocset.context_bytes, 200U);
    EXPECT_EQ(layout.slab->full_chunk_size, (SizedField{84, 4}));
    EXPECT_EQ(layout.slab->block_size, (SizedField{88, 4}));
    EXPECT_EQ(layout.slab->empty_blocks, 120U);
    EXPECT_EQ(layout.slab->lists, 128U);
    EXPECT_EQ(layout.slab->list_count, 3U);
    EXPECT_EQ(layout.slab->context_bytes, 176U);
    EXPECT_EQ(layout.slab->block_node, 32U);
    EXPECT_EQ(layout.slab->block_bytes, 48U);
    EXPECT_EQ(layout.generation->blocks, 112U);
    EXPECT_EQ(layout.generation->block_context, 16U);
    EXPECT_EQ(layout.generation->block_bytes, 56U);
    EXPECT_EQ(layout.bump->blocks, 96U);
    EXPECT_EQ(layout.bump->context_bytes, 112U);
    EXPECT_EQ(layout.bump->block_endptr, 24U);
    EXPECT_EQ(layout.bump->block_bytes, 32U);
    EXPECT_EQ(layout.chunk.header_bytes, 8U);
    EXPECT_EQ(layout.chunk.size, std::nullopt);
    EXPECT_EQ(layout.chunk.method_id_bits, 4U);
    EXPECT_EQ(memory_layout(160014)->chunk.method_id_bits, 3U);
}

// A walk reads fields of what it looked at, and of nothing behind it.
TEST(MemoryLayout, KeepsEachFieldWithinItsStruct) {
    for (const int version : test::kLayoutVersions) {
        const MemoryLayout layout = memory_layout(version).value();
        constexpr Offset kWord = 8;
        EXPECT_LE(layout.context.name + kWord, layout.context.bytes) << version;
        EXPECT_LE(layout.context.ident.value_or(0) + kWord, layout.context.bytes) << version;
        EXPECT_EQ(layout.allocset.blocks, layout.context.bytes) << version;
        EXPECT_LE(layout.allocset.freelist + 11 * kWord, layout.allocset.context_bytes) << version;
        if (layout.slab) {
            EXPECT_LE(layout.slab->lists + layout.slab->list_count.value_or(0) * 16,
                      layout.slab->context_bytes)
                << version;
            EXPECT_LE(layout.slab->block_node + 16, layout.slab->block_bytes) << version;
        }
        if (layout.generation) {
            EXPECT_LE(layout.generation->blocks + 16, layout.generation->context_bytes) << version;
            EXPECT_EQ(layout.generation->block_endptr + kWord, layout.generation->block_bytes)
                << version;
        }
        if (layout.bump) {
            EXPECT_LE(layout.bump->blocks + 16, layout.bump->context_bytes) << version;
            EXPECT_EQ(layout.bump->block_endptr + kWord, layout.bump->block_bytes) << version;
        }
    }
}

}  // namespace palloscope
