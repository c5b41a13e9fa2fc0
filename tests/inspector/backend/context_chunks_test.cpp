#include "inspector/backend/context_chunks.hpp"

#include <unistd.h>

#include <random>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "inspector/backend/context_walk.hpp"
#include "tests/inspector/backend/synthetic_memory.hpp"

namespace palloscope {
namespace {

using test::kLayoutVersions;
using test::SyntheticContext;
using test::SyntheticMemory;

constexpr std::uint64_t kProcessBytes = std::uint64_t{1} << 30;

// The chunks of a context below the root, as the walk finds its blocks.
class Chunks : public testing::TestWithParam<int> {
  protected:
    Chunks() {
        set_ = memory_.add_allocset(
            top_.address,
            "set",
            {{.chunks = {{.list = 3}, {.list = 3, .is_free = true}, {.list = 4}}, .room_bytes = 64},
             {.chunks = {
                  {.list = 5, .is_free = true}, {.list = 5, .is_free = true}, {.list = 0}}}});
        MemoryCopy copy(memory_);
        copy.set_misses(MemoryCopy::Misses::kFetch);
        ConstantTexts names(getpid(), memory_);
        ContextPlaces places;
        const auto tree = walk_contexts(copy,
                                        memory_.layout(),
                                        top_.address,
                                        names,
                                        {.bytes = kProcessBytes, .deadline = {}},
                                        WalkPurpose::kTree,
                                        &places);
        EXPECT_TRUE(tree);
        EXPECT_EQ(places.contexts, (std::vector<RemoteAddress>{top_.address, set_.address}));
        for (const ContextBlock& block : places.blocks) {
            if (block.context == 1) {
                blocks_.push_back(block);
            }
        }
    }

    [[nodiscard]] Result<ContextChunks> read() const {
        return ContextChunks::read(memory_, memory_.layout(), set_.address, blocks_);
    }

    [[nodiscard]] std::int64_t with_header(std::int64_t payload) const {
        return payload + memory_.layout().chunk.header_bytes;
    }

    SyntheticMemory memory_{*memory_layout(GetParam())};
    SyntheticContext top_ =
        memory_.add_allocset({}, "TopMemoryContext", {{.chunks = {{.list = 3}}}});
    SyntheticContext set_;
    std::vector<ContextBlock> blocks_;
};

TEST_P(Chunks, AreThoseInUse) {
    const auto chunks = read();
    ASSERT_TRUE(chunks) << chunks.error().message;
    ASSERT_EQ(chunks->chunks().size(), 3U);
    std::vector<ChunkSize> expected{{.size = with_header(128), .chunks = 1},
                                    {.size = with_header(64), .chunks = 1},
                                    {.size = with_header(8), .chunks = 1}};
    EXPECT_EQ(chunks->sizes(), expected);
}

TEST_P(Chunks, AreFoundByTheirAddresses) {
    const auto chunks = read();
    ASSERT_TRUE(chunks);
    for (std::size_t i = 0; i < chunks->chunks().size(); ++i) {
        const Chunk& chunk = chunks->chunks()[i];
        const std::uint64_t bytes = chunk.size - memory_.layout().chunk.header_bytes;
        EXPECT_EQ(chunks->starting_at(chunk.payload), i);
        EXPECT_EQ(chunks->starting_at(chunk.payload + 1), std::nullopt);
        EXPECT_EQ(chunks->holding(chunk.payload + (bytes - 1)), i);
        EXPECT_NE(chunks->holding(chunk.payload + bytes), i);
        EXPECT_EQ(chunks->bytes_of(i).size(), bytes);
    }
    EXPECT_EQ(chunks->holding({}), std::nullopt);
    EXPECT_EQ(chunks->holding({UINT64_MAX}), std::nullopt);
    for (const RemoteAddress free : set_.free_chunks) {
        EXPECT_EQ(chunks->starting_at(free + memory_.layout().chunk.header_bytes), std::nullopt);
    }
}

TEST_P(Chunks, DoNotFollowAListInACircle) {
    const RemoteAddress free = set_.free_chunks.front();
    memory_.put(free + memory_.layout().chunk.link, free);
    const auto chunks = read();
    ASSERT_FALSE(chunks);
    EXPECT_EQ(chunks.error().kind, Error::Kind::kFailed);
}

TEST_P(Chunks, AreNotReadWhereBlocksOverlap) {
    const RemoteAddress within = blocks_.front().begin + 64;
    blocks_.push_back({.context = 1, .begin = within, .free = within + 64});
    const auto chunks = read();
    ASSERT_FALSE(chunks);
    EXPECT_EQ(chunks.error().kind, Error::Kind::kFailed);
}

TEST_P(Chunks, SurviveWhateverTheBytesSay) {
    constexpr int kTrials = 3000;
    std::mt19937 random(20261124);  // NOLINT: the same bytes in each run
    for (int trial = 0; trial < kTrials; ++trial) {
        SyntheticMemory damaged = memory_;
        for (int flips = 0; flips < 4; ++flips) {
            const RemoteAddress at = damaged.begin() + random() % (damaged.size() / 8) * 8;
            damaged.put(at,
                        random() % 2 == 0 ? std::uint64_t{random()} : UINT64_MAX - random() % 64);
        }
        const auto chunks = ContextChunks::read(damaged, damaged.layout(), set_.address, blocks_);
        for (std::size_t i = 0; chunks && i < chunks->chunks().size(); ++i) {
            EXPECT_LE(chunks->bytes_of(i).size(), damaged.size());
        }
    }
}

INSTANTIATE_TEST_SUITE_P(OfEveryVersion, Chunks, testing::ValuesIn(kLayoutVersions));

}  // namespace
}  // namespace palloscope
