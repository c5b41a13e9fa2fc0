#include "inspector/backend/debug_layout.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "inspector/backend/context_walk.hpp"
#include "tests/inspector/backend/synthetic_memory.hpp"

namespace palloscope {

namespace {

// Programs that hold the structs of a version, tests/attach/targets/memory_contexts.cpp.
DwarfTypes types_of(const std::string& program) {
    const std::string path =
        fmt::format("{}/tests/attach/targets/memory_contexts_{}", PALLOSCOPE_BINARY_DIR, program);
    return DwarfTypes::open(FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC))).value();
}

Result<MemoryLayout> layout_of(const std::string& program, int version) {
    return layout_from_debug_information(types_of(program), *memory_layout(version));
}

// Every word that ANOTHER adds moves what comes behind it.
MemoryLayout moved_15() {
    MemoryLayout layout = *memory_layout(150000);
    layout.context = {.mem_allocated = 16,
                      .methods = 24,
                      .parent = 32,
                      .firstchild = 40,
                      .prevchild = 48,
                      .nextchild = 56,
                      .name = 64,
                      .ident = 72,
                      .bytes = 88};
    layout.chunk = {.header_bytes = 24, .link = 16, .size = 0, .method_id_bits = 0};
    layout.allocset = {.blocks = 96, .freelist = 104, .context_bytes = 240};
    layout.slab = {.full_chunk_size = {96, 8},
                   .block_size = {112, 8},
                   .chunks_per_block = 128,
                   .nblocks = 136,
                   .header_size = 120,
                   .empty_blocks = std::nullopt,
                   .lists = 152,
                   .list_count = std::nullopt,
                   .context_bytes = 152,
                   .block_node = 8,
                   .block_nfree = 24,
                   .block_slab = std::nullopt,
                   .block_bytes = 32};
    layout.generation = {.blocks = 152,
                         .context_bytes = 168,
                         .block_blksize = 24,
                         .block_nchunks = 32,
                         .block_nfree = 36,
                         .block_freeptr = 40,
                         .block_endptr = 48,
                         .block_context = std::nullopt,
                         .block_bytes = 56};
    return layout;
}

MemoryLayout moved_17() {
    MemoryLayout layout = *memory_layout(170000);
    layout.context = moved_15().context;
    layout.allocset = {.blocks = 96, .freelist = 104, .context_bytes = 216};
    layout.slab = {.full_chunk_size = {92, 4},
                   .block_size = {104, 4},
                   .chunks_per_block = 108,
                   .nblocks = std::nullopt,
                   .header_size = std::nullopt,
                   .empty_blocks = 160,
                   .lists = 168,
                   .list_count = 3,
                   .context_bytes = 216,
                   .block_node = 40,
                   .block_nfree = 16,
                   .block_slab = 8,
                   .block_bytes = 56};
    layout.generation = {.blocks = 128,
                         .context_bytes = 144,
                         .block_blksize = 32,
                         .block_nchunks = 40,
                         .block_nfree = 44,
                         .block_freeptr = 48,
                         .block_endptr = 56,
                         .block_context = 24,
                         .block_bytes = 64};
    layout.bump = {.blocks = 112,
                   .context_bytes = 128,
                   .block_freeptr = 24,
                   .block_endptr = 32,
                   .block_bytes = 40};
    return layout;
}

}  // namespace

TEST(DebugLayout, IsTheKnownOneOfEveryVersion) {
    for (const auto& [program, versions] :
         {std::pair{90400, std::vector{90400}},
          std::pair{90500, std::vector{90500}},
          std::pair{90600, std::vector{90600}},
          std::pair{100000, std::vector{100000}},
          std::pair{110000, std::vector{110000, 120000}},
          std::pair{130000, std::vector{130000, 140000}},
          std::pair{150000, std::vector{150000}},
          std::pair{160000, std::vector{160000}},
          std::pair{170000, std::vector{170000, 180000, 190000}}}) {
        for (const int version : versions) {
            const auto layout = layout_of(std::to_string(program), version);
            ASSERT_TRUE(layout) << version << ": " << layout.error().message;
            EXPECT_EQ(*layout, *memory_layout(version)) << version;
        }
    }
}

TEST(DebugLayout, FollowsFieldsThatWereMoved) {
    EXPECT_EQ(layout_of("moved_150000", 150000), moved_15());
    EXPECT_EQ(layout_of("moved_170000", 170000), moved_17());
}

TEST(DebugLayout, ReadsTheContextsOfABuildThatMovedFields) {
    for (const int version : {150000, 170000}) {
        const auto layout = layout_of(fmt::format("moved_{}", version), version);
        ASSERT_TRUE(layout) << layout.error().message;
        test::SyntheticMemory memory(*layout);
        const auto top = memory.add_allocset(
            {},
            "TopMemoryContext",
            {{.chunks = {{.list = 1}, {.list = 2, .is_free = true}}, .room_bytes = 32}});
        memory.add_slab(top.address, "TXN", {.free_in_blocks = {0, 1}});
        memory.add_generation(top.address, "Tuples", {{.bytes = 128, .room_bytes = 16}});
        MemoryCopy copy(memory);
        copy.set_misses(MemoryCopy::Misses::kFetch);
        ConstantTexts names(getpid(), memory);
        const WalkBounds bounds{.bytes = 1 << 30, .deadline = {}};
        const auto tree = walk_contexts(copy, *layout, top.address, names, bounds);
        ASSERT_TRUE(tree) << tree.error().message;
        EXPECT_EQ(tree->contexts.size(), 3U);
        EXPECT_EQ(tree->contexts[0].figures.free_chunks, 1);
        EXPECT_TRUE(prove_chunks(copy, *layout, top.address));
        EXPECT_FALSE(walk_contexts(copy, *memory_layout(version), top.address, names, bounds));
    }
}

TEST(DebugLayout, KeepsWhatTheDebugInformationLeavesOut) {
    for (const int version : {90400, 100000, 150000, 180000}) {
        EXPECT_EQ(layout_of("missing", version), *memory_layout(version)) << version;
    }
}

TEST(DebugLayout, RefusesOtherBlocks) {
    const auto layout = layout_of("other_blocks", 150000);
    ASSERT_FALSE(layout);
    EXPECT_EQ(layout.error().kind, Error::Kind::kUnsupported);
    EXPECT_NE(layout.error().message.find("AllocBlockData"), std::string::npos);
}

// Of what version the structs are is not said: whatever comes of it, a walk stays within them.
TEST(DebugLayout, KeepsEachFieldWithinItsStruct) {
    for (const char* const program : {"90400", "100000", "130000", "170000", "moved_170000"}) {
        for (const int version : {90400, 100000, 110000, 150000, 160000, 170000}) {
            const auto layout = layout_of(program, version);
            if (!layout) {
                EXPECT_EQ(layout.error().kind, Error::Kind::kUnsupported);
                continue;
            }
            EXPECT_LE(layout->context.name + 8, layout->context.bytes);
            EXPECT_LE(layout->context.ident.value_or(0) + 8, layout->context.bytes);
            EXPECT_LE(layout->allocset.freelist + 88, layout->allocset.context_bytes);
            EXPECT_LE(layout->chunk.size.value_or(0) + 8, layout->chunk.header_bytes);
            if (layout->slab) {
                EXPECT_LE(layout->slab->empty_blocks.value_or(0) + 4, layout->slab->context_bytes);
                EXPECT_LE(layout->slab->nblocks.value_or(0) + 4, layout->slab->context_bytes);
                EXPECT_LE(layout->slab->block_node + 16, layout->slab->block_bytes);
            }
            if (layout->generation) {
                EXPECT_LE(layout->generation->block_endptr + 8, layout->generation->block_bytes);
            }
        }
    }
}

}  // namespace palloscope
