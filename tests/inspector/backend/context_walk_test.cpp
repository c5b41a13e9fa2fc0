#include "inspector/backend/context_walk.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/inspector/backend/sound_tree.hpp"
#include "tests/inspector/backend/synthetic_memory.hpp"

namespace palloscope {

namespace {

using test::Assertions;
using test::kLayoutVersions;
using test::SyntheticContext;
using test::SyntheticMemory;

constexpr AllocBlockLayout kBlock;
constexpr std::uint64_t kProcessBytes = std::uint64_t{1} << 30;

Result<ContextTree> walk(const SyntheticMemory& memory,
                         RemoteAddress root,
                         const WalkBounds& bounds = {.bytes = kProcessBytes, .deadline = {}}) {
    MemoryCopy copy(memory);
    copy.set_misses(MemoryCopy::Misses::kFetch);
    ConstantTexts names(getpid(), memory);
    return walk_contexts(copy, memory.layout(), root, names, bounds);
}

Result<> prove(const SyntheticMemory& memory, RemoteAddress root) {
    MemoryCopy copy(memory);
    copy.set_misses(MemoryCopy::Misses::kFetch);
    return prove_chunks(copy, memory.layout(), root);
}

// Trees of a root, and of what a test adds to it.
class Walks : public testing::TestWithParam<int> {
  protected:
    void expect_torn(std::string_view reason) const {
        const auto tree = walk(memory_, top_.address);
        ASSERT_FALSE(tree) << "not: " << reason;
        EXPECT_EQ(tree.error().kind, Error::Kind::kFailed) << tree.error().message;
        EXPECT_THAT(tree.error().message, testing::HasSubstr(std::string(reason)));
    }

    // Sees the tree torn for that reason while the word has that value.
    template <typename T>
    void expect_torn_with(RemoteAddress word, T value, std::string_view reason) {
        const T before = memory_.get<T>(word);
        memory_.put(word, value);
        expect_torn(reason);
        memory_.put(word, before);
    }

    void expect_fault_with(RemoteAddress word, RemoteAddress value) {
        const auto before = memory_.get<RemoteAddress>(word);
        memory_.put(word, value);
        const auto tree = walk(memory_, top_.address);
        ASSERT_FALSE(tree);
        EXPECT_EQ(tree.error().kind, Error::Kind::kFault) << tree.error().message;
        memory_.put(word, before);
    }

    [[nodiscard]] ContextFigures figures_of_only_child() const {
        const auto tree = walk(memory_, top_.address);
        EXPECT_TRUE(tree) << tree.error().message;
        return tree ? tree->contexts.at(1).figures : ContextFigures{};
    }

    SyntheticMemory memory_{*memory_layout(GetParam())};
    const ContextLayout& fields_ = memory_.layout().context;
    SyntheticContext top_ = memory_.add_allocset(
        {}, "TopMemoryContext", {{.chunks = {{.list = 3}, {.list = 5, .is_free = true}}}});
};

// By the first version that counts so.
template <typename T>
T since(int version, std::initializer_list<std::pair<int, T>> values) {
    T found{};
    for (const auto& [first, value] : values) {
        if (version >= first) {
            found = value;
        }
    }
    return found;
}

std::vector<int> versions_from(int first) {
    std::vector<int> versions;
    std::ranges::copy_if(kLayoutVersions, std::back_inserter(versions), [&](int version) {
        return version >= first;
    });
    return versions;
}

std::string version_name(const testing::TestParamInfo<int>& version) {
    return fmt::format("v{}", version.param);
}

class WalksWithSlab : public Walks {};

class WalksWithIdents : public Walks {};

class WalksWithGeneration : public Walks {};

class WalksWithCounts : public Walks {};

class WalksWithBump : public Walks {};

}  // namespace

INSTANTIATE_TEST_SUITE_P(Versions, Walks, testing::ValuesIn(kLayoutVersions), version_name);
INSTANTIATE_TEST_SUITE_P(Versions,
                         WalksWithSlab,
                         testing::ValuesIn(versions_from(100000)),
                         version_name);
INSTANTIATE_TEST_SUITE_P(Versions,
                         WalksWithIdents,
                         testing::ValuesIn(versions_from(110000)),
                         version_name);
INSTANTIATE_TEST_SUITE_P(Versions,
                         WalksWithGeneration,
                         testing::ValuesIn(versions_from(110000)),
                         version_name);
INSTANTIATE_TEST_SUITE_P(Versions,
                         WalksWithCounts,
                         testing::ValuesIn(versions_from(130000)),
                         version_name);
INSTANTIATE_TEST_SUITE_P(Versions,
                         WalksWithBump,
                         testing::ValuesIn(versions_from(170000)),
                         version_name);

// --- figures ------------------------------------------------------------------------------------

TEST_P(Walks, CountAllocSetsAsTheServerDoes) {
    memory_.add_allocset(top_.address,
                         "set",
                         {{.chunks = {{.list = 0},
                                      {.list = 3, .is_free = true},
                                      {.list = 10},
                                      {.list = 3, .is_free = true}},
                           .room_bytes = 104},
                          {.chunks = {{.list = 0, .is_free = true}}, .room_bytes = 0},
                          {.chunks = {}, .room_bytes = 1000}});
    // Blocks of 40 + 8 + 64 + 8192 + 64 + 104, of 40 + 8 and of 40 + 1000 bytes, with five chunk
    // headers of 16 bytes, from 16 on of 8, and with the context itself from 11 on.
    const auto total = since<std::int64_t>(GetParam(),
                                           {{90400, 9560 + 80},
                                            {110000, 9560 + 80 + 216},
                                            {130000, 9560 + 80 + 224},
                                            {160000, 9560 + 40 + 224},
                                            {170000, 9560 + 40 + 200}});
    // 104 + 1000, and chunks of 64, 64 and 8 with their headers.
    const auto free = since<std::int64_t>(GetParam(), {{90400, 1240 + 48}, {160000, 1240 + 24}});
    EXPECT_EQ(figures_of_only_child(),
              (ContextFigures{.total_bytes = total,
                              .total_nblocks = 3,
                              .free_bytes = free,
                              .free_chunks = 3,
                              .used_bytes = total - free}));
}

TEST_P(Walks, CountAnAllocSetWithoutBlocks) {
    memory_.add_allocset(top_.address, "set");
    const auto total =
        since<std::int64_t>(GetParam(), {{90400, 0}, {110000, 216}, {130000, 224}, {170000, 200}});
    EXPECT_EQ(figures_of_only_child(),
              (ContextFigures{.total_bytes = total,
                              .total_nblocks = 0,
                              .free_bytes = 0,
                              .free_chunks = 0,
                              .used_bytes = total}));
}

TEST_P(WalksWithSlab, CountSlabsAsTheServerDoes) {
    memory_.add_slab(top_.address,
                     "TXN",
                     {.chunks_per_block = 8,
                      .full_chunk_bytes = 64,
                      .block_bytes = 1024,
                      .free_in_blocks = {0, 3, 8},
                      .empty_blocks = GetParam() >= 160000 ? 2U : 0U});
    // Nine lists of 16 bytes behind the header from 11 to 15.
    const auto total = since<std::int64_t>(GetParam(),
                                           {{100000, 3072},
                                            {110000, 3072 + 120 + 144},
                                            {130000, 3072 + 128 + 144},
                                            {160000, 3072 + 2048 + 192},
                                            {170000, 3072 + 2048 + 176}});
    EXPECT_EQ(figures_of_only_child(),
              (ContextFigures{.total_bytes = total,
                              .total_nblocks = 3,
                              .free_bytes = std::int64_t{11 * 64},
                              .free_chunks = 11,
                              .used_bytes = total - 11 * 64}));
    const auto tree = walk(memory_, top_.address);
    EXPECT_EQ(tree->contexts[1].type, ContextType::kSlab);
    EXPECT_EQ(tree->contexts[1].slab_empty_blocks, GetParam() >= 160000 ? 2 : 0);
}

TEST_P(WalksWithGeneration, CountGenerationsAsTheServerDoes) {
    memory_.add_generation(top_.address,
                           "Tuples",
                           {{.bytes = 8192, .chunks = 10, .free_chunks = 3, .room_bytes = 512},
                            {.bytes = 1024, .chunks = 1, .free_chunks = 0, .room_bytes = 0}});
    const auto total = since<std::int64_t>(
        GetParam(),
        {{110000, 9216 + 104}, {130000, 9216 + 112}, {150000, 9216 + 152}, {170000, 9216 + 128}});
    EXPECT_EQ(figures_of_only_child(),
              (ContextFigures{.total_bytes = total,
                              .total_nblocks = 2,
                              .free_bytes = 512,
                              .free_chunks = 3,
                              .used_bytes = total - 512}));
    const auto tree = walk(memory_, top_.address);
    EXPECT_EQ(tree->contexts[1].type, ContextType::kGeneration);
    EXPECT_EQ(tree->contexts[1].generation_chunks, 11);
}

TEST_P(WalksWithBump, CountBumpsAsTheServerDoes) {
    memory_.add_bump(top_.address,
                     "Caller tuples",
                     {{.bytes = 1024, .room_bytes = 96}, {.bytes = 8192, .room_bytes = 0}});
    EXPECT_EQ(figures_of_only_child(),
              (ContextFigures{.total_bytes = 9216,
                              .total_nblocks = 2,
                              .free_bytes = 96,
                              .free_chunks = 0,
                              .used_bytes = 9120}));
    EXPECT_EQ(walk(memory_, top_.address)->contexts[1].type, ContextType::kBump);
}

TEST_P(WalksWithGeneration, CountContextsWhoseListOfBlocksWasNeverUsed) {
    const auto generation = memory_.add_generation(top_.address, "Tuples", {});
    const RemoteAddress head = generation.address + memory_.layout().generation->blocks;
    memory_.put(head, RemoteAddress{});
    memory_.put(head + 8, RemoteAddress{});
    EXPECT_EQ(figures_of_only_child().total_nblocks, 0);
}

// --- the tree -----------------------------------------------------------------------------------

TEST_P(Walks, GoDepthFirstInTheServersOrder) {
    const auto first = memory_.add_allocset(top_.address, "first");
    const auto second = memory_.add_allocset(top_.address, "second");
    memory_.add_allocset(first.address, "first's");
    const auto seconds = memory_.add_allocset(second.address, "second's");
    memory_.add_allocset(seconds.address, "innermost");
    memory_.add_allocset(second.address, "second's newest");
    const auto tree = walk(memory_, top_.address);
    ASSERT_TRUE(tree) << tree.error().message;
    EXPECT_THAT(tree->name_paths(),
                testing::ElementsAre("TopMemoryContext",
                                     "TopMemoryContext/second",
                                     "TopMemoryContext/second/second's newest",
                                     "TopMemoryContext/second/second's",
                                     "TopMemoryContext/second/second's/innermost",
                                     "TopMemoryContext/first",
                                     "TopMemoryContext/first/first's"));
    std::vector<int> levels;
    for (const MemoryContext& context : tree->contexts) {
        levels.push_back(context.level);
    }
    EXPECT_THAT(levels, testing::ElementsAre(1, 2, 3, 3, 4, 2, 3));
}

TEST_P(Walks, GoAsDeepAsSavepointsNest) {
    constexpr int kLevels = 100000;
    SyntheticContext innermost = top_;
    for (int level = 1; level < kLevels; ++level) {
        innermost = memory_.add_allocset(innermost.address, "CurTransactionContext");
    }
    const auto tree = walk(memory_, top_.address);
    ASSERT_TRUE(tree) << tree.error().message;
    EXPECT_EQ(tree->contexts.size(), std::size_t{kLevels});
    EXPECT_EQ(tree->contexts.back().level, kLevels);
}

TEST_P(Walks, NeedOnlyWhatTheWalkBeforeThemUsed) {
    memory_.add_allocset(
        top_.address,
        "set",
        {{.chunks = {{.list = 2}, {.list = 0, .is_free = true}, {.list = 4}}, .room_bytes = 48}});
    if (memory_.layout().slab) {
        memory_.add_slab(top_.address, "TXN", {.free_in_blocks = {1, 8}});
    }
    if (memory_.layout().generation) {
        memory_.add_generation(top_.address, "Tuples", {{.bytes = 1024, .room_bytes = 512}});
    }
    if (memory_.layout().bump) {
        memory_.add_bump(top_.address, "Caller tuples", {{.bytes = 1024, .room_bytes = 512}});
    }
    MemoryCopy copy(memory_);
    copy.set_misses(MemoryCopy::Misses::kFetch);
    ConstantTexts names(getpid(), memory_);
    const WalkBounds bounds{.bytes = kProcessBytes, .deadline = {}};
    const auto first = walk_contexts(copy, memory_.layout(), top_.address, names, bounds);
    ASSERT_TRUE(first) << first.error().message;
    ASSERT_TRUE(prove_chunks(copy, memory_.layout(), top_.address));
    // Without a gap between them, so that no byte is there by chance.
    copy.plan(joined(copy.used(), 0));
    copy.set_misses(MemoryCopy::Misses::kFail);
    copy.take();
    EXPECT_EQ(walk_contexts(copy, memory_.layout(), top_.address, names, bounds), first);
    EXPECT_TRUE(prove_chunks(copy, memory_.layout(), top_.address));
    EXPECT_EQ(copy.misses(), 0U);
}

// --- names --------------------------------------------------------------------------------------

TEST_P(Walks, ReadNamesUpToTheirEnd) {
    const RemoteAddress name = memory_.allocate_at_end(5);  // behind it there is nothing
    const auto child = memory_.add_allocset(top_.address, "");
    EXPECT_EQ(walk(memory_, top_.address)->contexts[1].name, "");
    memory_.put(name, std::array{'n', 'a', 'm', 'e', '\0'});
    memory_.put(child.address + fields_.name, name);
    EXPECT_EQ(walk(memory_, top_.address)->contexts[1].name, "name");

    const std::string longer(5000, 'x');
    memory_.put(child.address + fields_.name, memory_.put_text(longer));
    EXPECT_EQ(walk(memory_, top_.address)->contexts[1].name, longer.substr(0, 1024));
    const std::string strange = "a\nb: 12 total in \xff";
    memory_.put(child.address + fields_.name, memory_.put_text(strange));
    EXPECT_EQ(walk(memory_, top_.address)->contexts[1].name, strange);
}

TEST_P(Walks, MissTheEndOfANameThatLeadsOutOfMemory) {
    const auto child = memory_.add_allocset(top_.address, "child");
    const RemoteAddress name = memory_.allocate_at_end(8);
    memory_.put(name, std::uint64_t{0x6161616161616161});
    expect_fault_with(child.address + fields_.name, name);
}

TEST_P(Walks, BeginAtTopMemoryContext) {
    for (const std::string_view name : {"", "TopMemoryContex", "TopMemoryContextX", "postgres"}) {
        expect_torn_with(
            top_.address + fields_.name, memory_.put_text(name), "is not named TopMemoryContext");
    }
}

TEST_P(WalksWithIdents, ShowIdentsAsTheServerDoes) {
    const auto child = memory_.add_allocset(top_.address, "child");
    const auto shown = [&](std::string_view ident) {
        memory_.set_ident(child.address, ident);
        const auto tree = walk(memory_, top_.address);
        EXPECT_TRUE(tree) << tree.error().message;
        EXPECT_EQ(tree->contexts[1].name, "child");
        return tree->contexts[1].ident;
    };
    EXPECT_EQ(walk(memory_, top_.address)->contexts[1].ident, std::nullopt);
    EXPECT_EQ(shown(""), "");
    EXPECT_EQ(shown("SELECT 1"), "SELECT 1");
    EXPECT_EQ(shown("a\nb\tc\x01"), "a b c ");
    const std::string hundred(100, 'x');
    EXPECT_EQ(shown(hundred), hundred);
    EXPECT_EQ(shown(hundred + "x"), hundred + "...");
    EXPECT_EQ(shown(std::string(100000, 'x')), hundred + "...");
    const std::string e_acute = "\xc3\xa9";
    EXPECT_EQ(shown(hundred.substr(1) + e_acute), hundred.substr(1) + "...");
    EXPECT_EQ(shown(hundred.substr(2) + e_acute), hundred.substr(2) + e_acute);
    EXPECT_EQ(shown(hundred.substr(2) + e_acute + "x"), hundred.substr(2) + e_acute + "...");
    const std::string no_utf8(200, '\xbf');
    EXPECT_EQ(shown(no_utf8), no_utf8.substr(0, 100) + "...");
    EXPECT_EQ(shown("\xff\xfe"), "\xff\xfe");
}

TEST_P(WalksWithIdents, CallHashTablesByTheirIdent) {
    const auto table = memory_.add_allocset(top_.address, "dynahash");
    EXPECT_EQ(walk(memory_, top_.address)->contexts[1].name, "dynahash");
    const std::string name =
        "a table whose name is longer than one hundred bytes, " + std::string(60, 'x');
    memory_.set_ident(table.address, name);
    const auto tree = walk(memory_, top_.address);
    ASSERT_TRUE(tree) << tree.error().message;
    EXPECT_EQ(tree->contexts[1].name, name);
    EXPECT_EQ(tree->contexts[1].ident, std::nullopt);
}

// --- hostile memory -----------------------------------------------------------------------------

TEST_P(Walks, RefuseSiblingsInACircle) {
    const auto first = memory_.add_allocset(top_.address, "first");
    const auto second = memory_.add_allocset(top_.address, "second");
    const auto third = memory_.add_allocset(top_.address, "third");
    for (const RemoteAddress to : {first.address, second.address, third.address}) {
        expect_torn_with(first.address + fields_.nextchild, to, "sibling");
    }
    // Where the pointers back fit, too, the circle is not entered.
    if (fields_.prevchild) {
        memory_.put(first.address + fields_.nextchild, third.address);
        memory_.put(third.address + *fields_.prevchild, first.address);
        expect_torn("names another elder sibling");
    }
}

TEST_P(Walks, RefuseChildrenOfOthers) {
    const auto first = memory_.add_allocset(top_.address, "first");
    const auto second = memory_.add_allocset(top_.address, "second");
    const auto below = memory_.add_allocset(first.address, "below");
    expect_torn_with(below.address + fields_.parent, second.address, "names another parent");
    expect_torn_with(below.address + fields_.parent, RemoteAddress{}, "names another parent");
    expect_torn_with(below.address + fields_.firstchild, top_.address, "names another parent");
    expect_torn_with(below.address + fields_.firstchild, below.address, "names another parent");
    expect_torn_with(below.address + fields_.firstchild, first.address, "names another parent");
    expect_torn_with(below.address + fields_.nextchild, second.address, "names another parent");
    expect_torn_with(top_.address + fields_.parent, first.address, "names another parent");
}

TEST_P(Walks, RefuseASiblingOfTheRoot) {
    expect_torn_with(top_.address + fields_.nextchild, top_.address, "is the root");
    const auto child = memory_.add_allocset(top_.address, "child");
    expect_torn_with(top_.address + fields_.nextchild, child.address, "is the root");
}

TEST_P(Walks, RefuseAWrongElderSibling) {
    const auto elder = memory_.add_allocset(top_.address, "elder");
    const auto younger = memory_.add_allocset(top_.address, "younger");
    if (!fields_.prevchild) {
        return;  // it has none
    }
    for (const SyntheticContext& context : {elder, younger, top_}) {
        expect_torn_with(
            context.address + *fields_.prevchild, elder.address, "names another elder sibling");
    }
}

TEST_P(Walks, RefuseContextsOfNoKnownKind) {
    const auto child = memory_.add_allocset(top_.address, "child");
    const auto tag = memory_.get<std::int32_t>(top_.address);
    for (const std::int32_t other : {tag - 1,
                                     tag + 4,
                                     0,
                                     std::numeric_limits<std::int32_t>::min(),
                                     std::numeric_limits<std::int32_t>::max()}) {
        expect_torn_with(child.address, other, "is of no known kind");
    }
    expect_torn_with(top_.address, std::numeric_limits<std::int32_t>::min(), "no known kind");
    memory_.put(child.address, std::numeric_limits<std::int32_t>::min());
    expect_torn_with(top_.address, std::numeric_limits<std::int32_t>::max(), "no known kind");
}

TEST_P(Walks, RefuseOtherFunctionsThanThoseOfTheKind) {
    const auto child = memory_.add_allocset(top_.address, "child");
    expect_torn_with(child.address + fields_.methods, std::uint64_t{0x400008}, "the functions");
    expect_torn_with(child.address + fields_.methods, RemoteAddress{}, "the functions");
    expect_torn_with(top_.address + fields_.methods, RemoteAddress{}, "the functions");
}

TEST_P(Walks, RefuseBlocksInACircle) {
    const auto set = memory_.add_allocset(
        top_.address, "set", {{.room_bytes = 64}, {.room_bytes = 64}, {.room_bytes = 64}});
    for (const RemoteAddress to : set.blocks) {
        expect_torn_with(set.blocks.back() + kBlock.next, to, "a block that is not its own");
        expect_torn_with(set.blocks.front() + kBlock.next,
                         to == set.blocks[1] ? set.blocks[0] : to,
                         "a block that is not its own");
    }
}

TEST_P(Walks, RefuseBlocksOfOtherContexts) {
    const auto set = memory_.add_allocset(top_.address, "set", {{.room_bytes = 64}});
    expect_torn_with(set.blocks[0] + kBlock.aset, top_.address, "a block that is not its own");
    expect_torn_with(set.address + memory_.layout().allocset.blocks,
                     top_.blocks[0],
                     "a block that is not its own");
}

TEST_P(Walks, RefuseBlocksWhosePointersAreNotInOrder) {
    const auto set =
        memory_.add_allocset(top_.address, "set", {{.chunks = {{.list = 1}}, .room_bytes = 64}});
    const RemoteAddress block = set.blocks[0];
    const auto endptr = memory_.get<RemoteAddress>(block + kBlock.endptr);
    for (const RemoteAddress freeptr :
         {endptr + 1, endptr + 8, block, block + 32, RemoteAddress{}, RemoteAddress{UINT64_MAX}}) {
        expect_torn_with(block + kBlock.freeptr, freeptr, "pointers are not in order");
    }
    for (const RemoteAddress end : {block, RemoteAddress{}, block + 40}) {
        expect_torn_with(block + kBlock.endptr, end, "pointers are not in order");
    }
}

TEST_P(Walks, RefuseMoreMemoryThanTheProcessHas) {
    const auto set = memory_.add_allocset(top_.address, "set", {{.room_bytes = 64}});
    const RemoteAddress endptr = set.blocks[0] + kBlock.endptr;
    for (const std::uint64_t size :
         {kProcessBytes, std::uint64_t{1} << 56, UINT64_MAX - set.blocks[0].value}) {
        expect_torn_with(endptr, set.blocks[0] + size, "more memory than its process");
    }
    // Each of them has less, but not all together.
    const auto other = memory_.add_allocset(top_.address, "other", {{.room_bytes = 64}});
    const auto allocated = fields_.mem_allocated.value_or(0);
    for (const SyntheticContext& context : {set, other}) {
        const std::int64_t more = kProcessBytes / 2;
        memory_.add_to(context.blocks[0] + kBlock.endptr, more);
        if (allocated != 0) {
            memory_.add_to(context.address + allocated, more);
        }
    }
    expect_torn("more memory than its process");
    EXPECT_TRUE(walk(memory_, top_.address, {.bytes = 2 * kProcessBytes, .deadline = {}}));
    // A limit without sense is none that figures overflow within.
    memory_.put(endptr, RemoteAddress{std::uint64_t{1} << 63});
    EXPECT_FALSE(walk(memory_, top_.address, {.bytes = UINT64_MAX, .deadline = {}}));
}

TEST_P(Walks, RefuseFreeChunksOutsideOfTheBlocks) {
    const auto set = memory_.add_allocset(
        top_.address,
        "set",
        {{.chunks = {{.list = 1, .is_free = true}, {.list = 1, .is_free = true}}}});
    const RemoteAddress list = set.address + memory_.layout().allocset.freelist + 8;
    const auto endptr = memory_.get<RemoteAddress>(set.blocks[0] + kBlock.endptr);
    for (const RemoteAddress chunk : {top_.free_chunks[0],
                                      set.blocks[0],
                                      set.blocks[0] + 32,
                                      endptr,
                                      endptr - 8,
                                      RemoteAddress{8},
                                      RemoteAddress{UINT64_MAX - 7},
                                      RemoteAddress{UINT64_MAX - 23}}) {
        expect_torn_with(list, chunk, "a free chunk outside of its blocks");
        expect_torn_with(set.free_chunks[0] + memory_.layout().chunk.link,
                         chunk,
                         "a free chunk outside of its blocks");
    }
    memory_.put(set.address + memory_.layout().allocset.blocks, RemoteAddress{});
    if (fields_.mem_allocated) {
        memory_.put(set.address + *fields_.mem_allocated,
                    std::uint64_t{memory_.layout().allocset.context_bytes});
    }
    expect_torn("a free chunk outside of its blocks");
}

TEST_P(Walks, RefuseFreeChunksInACircle) {
    const auto set = memory_.add_allocset(
        top_.address,
        "set",
        {{.chunks = {{.list = 1, .is_free = true}, {.list = 1, .is_free = true}, {.list = 1}}}});
    for (const RemoteAddress chunk : set.free_chunks) {
        expect_torn_with(
            set.free_chunks[0] + memory_.layout().chunk.link, chunk, "more free bytes than bytes");
    }
}

TEST_P(Walks, RefuseFreeChunksOfAnotherSizeThanTheirList) {
    const auto set = memory_.add_allocset(
        top_.address, "set", {{.chunks = {{.list = 1, .is_free = true}, {.list = 4}}}});
    const RemoteAddress lists = set.address + memory_.layout().allocset.freelist;
    memory_.put(lists + 8, RemoteAddress{});
    for (const std::uint64_t other : {0U, 2U, 3U}) {
        expect_torn_with(
            lists + 8 * other, set.free_chunks[0], "a free chunk of another size than its list");
    }
    memory_.put(lists + 8, set.free_chunks[0]);
    ASSERT_TRUE(walk(memory_, top_.address));
    const RemoteAddress word = set.free_chunks[0] + memory_.layout().chunk.size.value_or(0);
    for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{17}, UINT64_MAX}) {
        expect_torn_with(word, size, "a free chunk of another size than its list");
    }
}

TEST_P(WalksWithCounts, RefuseSumsThatDifferFromWhatTheContextCounts) {
    std::vector<SyntheticContext> contexts{
        top_,
        memory_.add_allocset(top_.address, "set", {{.room_bytes = 64}}),
        memory_.add_slab(top_.address, "TXN", {.free_in_blocks = {1}}),
        memory_.add_generation(top_.address, "Tuples", {{.bytes = 1024, .room_bytes = 8}})};
    if (memory_.layout().bump) {
        contexts.push_back(
            memory_.add_bump(top_.address, "Caller tuples", {{.bytes = 1024, .room_bytes = 8}}));
    }
    ASSERT_TRUE(walk(memory_, top_.address));
    for (const SyntheticContext& context : contexts) {
        const RemoteAddress counted = context.address + *fields_.mem_allocated;
        const auto bytes = memory_.get<std::int64_t>(counted);
        for (const std::int64_t other :
             {bytes + 8, bytes - 8, std::int64_t{0}, std::int64_t{-1}, INT64_MIN, INT64_MAX}) {
            expect_torn_with(counted, other, "(mem_allocated)");
        }
    }
}

namespace {

// All the ways in which a list of two blocks does not hold together.
std::vector<std::pair<RemoteAddress, RemoteAddress>> torn_lists(
    RemoteAddress head, const std::vector<RemoteAddress>& nodes) {
    return {{head, nodes[0]},      // prev of the head is not the last
            {head + 8, nodes[1]},  // next of the head leaves one out
            {nodes[0], nodes[1]},  // prev
            {nodes[0], RemoteAddress{}},
            {nodes[0] + 8, nodes[0]},  // next to itself
            {nodes[0] + 8, head},      // closes too early
            {nodes[1], head},
            {nodes[1] + 8, nodes[0]},  // does not close
            {nodes[1] + 8, nodes[1]}};
}

}  // namespace

TEST_P(WalksWithSlab, RefuseListsOfBlocksThatDoNotHoldTogether) {
    const auto slab = memory_.add_slab(top_.address, "TXN", {.free_in_blocks = {0, 0}});
    ASSERT_TRUE(walk(memory_, top_.address));
    const RemoteAddress head = slab.address + memory_.layout().slab->lists;
    for (const auto& [word, value] : torn_lists(head, slab.blocks)) {
        expect_torn_with(word, value, "a list of blocks that does not hold together");
    }
}

TEST_P(WalksWithGeneration, RefuseListsOfBlocksThatDoNotHoldTogether) {
    const auto generation =
        memory_.add_generation(top_.address, "Tuples", {{.bytes = 1024}, {.bytes = 1024}});
    ASSERT_TRUE(walk(memory_, top_.address));
    const RemoteAddress head = generation.address + memory_.layout().generation->blocks;
    for (const auto& [word, value] : torn_lists(head, generation.blocks)) {
        expect_torn_with(word, value, "a list of blocks that does not hold together");
    }
}

TEST_P(WalksWithBump, RefuseListsOfBlocksThatDoNotHoldTogether) {
    const auto bump =
        memory_.add_bump(top_.address, "Caller tuples", {{.bytes = 1024}, {.bytes = 1024}});
    ASSERT_TRUE(walk(memory_, top_.address));
    const RemoteAddress head = bump.address + memory_.layout().bump->blocks;
    for (const auto& [word, value] : torn_lists(head, bump.blocks)) {
        expect_torn_with(word, value, "a list of blocks that does not hold together");
    }
}

TEST_P(WalksWithSlab, RefuseCountsOfSlabsThatCannotBe) {
    const SlabLayout& fields = *memory_.layout().slab;
    const auto slab = memory_.add_slab(top_.address, "TXN", {.free_in_blocks = {0, 8}});
    for (const std::int32_t chunks : {-1, 0, 1000, INT32_MIN, INT32_MAX}) {
        expect_torn_with(
            slab.address + fields.chunks_per_block, chunks, "chunks that its blocks cannot hold");
    }
    const RemoteAddress nfree = slab.blocks[1] - fields.block_node + fields.block_nfree;
    for (const std::int32_t chunks : {-1, 9, INT32_MIN, INT32_MAX}) {
        expect_torn_with(nfree, chunks, "a block that is not its own");
    }
    if (fields.nblocks) {
        for (const std::int32_t blocks : {1, 3, -1, INT32_MIN, INT32_MAX}) {
            expect_torn_with(
                slab.address + *fields.nblocks, blocks, "another number of blocks than it counts");
        }
    }
    if (fields.header_size) {
        for (const std::uint64_t bytes : {UINT64_MAX, std::uint64_t{1} << 63, kProcessBytes}) {
            expect_torn_with(
                slab.address + *fields.header_size, bytes, "more memory than its process");
        }
    }
    if (fields.empty_blocks) {
        expect_torn_with(slab.address + *fields.empty_blocks, UINT32_MAX, "more empty blocks");
    }
    if (fields.block_slab) {
        expect_torn_with(slab.blocks[0] - fields.block_node + *fields.block_slab,
                         top_.address,
                         "a block that is not its own");
    }
    const RemoteAddress block_size = slab.address + fields.block_size.at;
    for (const std::uint32_t bytes : {0U, 1U, 511U}) {
        expect_torn_with(block_size, bytes, "chunks that its blocks cannot hold");
    }
    expect_torn_with(block_size, UINT32_MAX, "more memory than its process");
    expect_torn_with(
        slab.address + fields.full_chunk_size.at, 0U, "chunks that its blocks cannot hold");
    if (fields.block_size.bytes == 8) {
        expect_torn_with(block_size, UINT64_MAX, "chunks that its blocks cannot hold");
        expect_torn_with(block_size, kProcessBytes + 1, "more memory than its process");
    }
}

// Lists that are zeros were never used, and could go on for ever.
TEST_P(WalksWithSlab, RefuseMoreListsThanThereIsMemoryFor) {
    const SlabLayout& fields = *memory_.layout().slab;
    const auto slab = memory_.add_slab(top_.address, "TXN", {.free_in_blocks = {}});
    memory_.allocate(1 << 20);
    if (fields.list_count) {
        return;  // their number is fixed
    }
    memory_.put(slab.address + fields.full_chunk_size.at, std::uint64_t{1});
    memory_.put(slab.address + fields.block_size.at, std::uint64_t{1} << 20);
    memory_.put(slab.address + fields.chunks_per_block, std::int32_t{1} << 20);
    const auto tree = walk(memory_, top_.address, {.bytes = 1 << 19, .deadline = {}});
    ASSERT_FALSE(tree);
    EXPECT_THAT(tree.error().message, testing::HasSubstr("longer than its process has memory"));
}

TEST_P(WalksWithGeneration, RefuseCountsOfGenerationsThatCannotBe) {
    const GenerationLayout& fields = *memory_.layout().generation;
    const auto generation = memory_.add_generation(
        top_.address, "Tuples", {{.bytes = 1024, .chunks = 5, .free_chunks = 2}});
    const RemoteAddress block = generation.blocks[0];
    for (const std::int32_t chunks : {1, 0, -1, INT32_MIN}) {
        expect_torn_with(block + fields.block_nchunks, chunks, "a block that is not its own");
    }
    for (const std::int32_t chunks : {6, -1, INT32_MIN, INT32_MAX}) {
        expect_torn_with(block + fields.block_nfree, chunks, "a block that is not its own");
    }
    for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{1025}, UINT64_MAX}) {
        expect_torn_with(block + fields.block_blksize, bytes, "a block that is not its own");
    }
    for (const RemoteAddress pointer : {block - 8, block + 1025, RemoteAddress{UINT64_MAX}}) {
        expect_torn_with(block + fields.block_freeptr, pointer, "a block that is not its own");
        expect_torn_with(block + fields.block_endptr, pointer, "a block that is not its own");
    }
    if (fields.block_context) {
        expect_torn_with(
            block + *fields.block_context, top_.address, "a block that is not its own");
    }
    memory_.put(block + fields.block_blksize, kProcessBytes);
    expect_torn_with(
        block + fields.block_endptr, block + kProcessBytes, "more memory than its process");
}

TEST_P(WalksWithBump, RefuseBumpBlocksWhosePointersAreNotInOrder) {
    const BumpLayout& fields = *memory_.layout().bump;
    const auto bump = memory_.add_bump(top_.address, "Caller tuples", {{.bytes = 1024}});
    const RemoteAddress block = bump.blocks[0];
    for (const RemoteAddress pointer : {block - 8, block + 1025, RemoteAddress{UINT64_MAX}}) {
        expect_torn_with(block + fields.block_freeptr, pointer, "pointers are not in order");
    }
    for (const RemoteAddress pointer : {block - 8, block + 1023, RemoteAddress{}}) {
        expect_torn_with(block + fields.block_endptr, pointer, "pointers are not in order");
    }
    for (const std::uint64_t bytes : {kProcessBytes, std::uint64_t{1} << 62}) {
        expect_torn_with(
            block + fields.block_endptr, block + bytes, "more memory than its process");
    }
}

TEST_P(Walks, MissWhatLiesNowhere) {
    const auto elder = memory_.add_allocset(top_.address, "elder");
    const auto set = memory_.add_allocset(top_.address, "set", {{.room_bytes = 64}});
    const RemoteAddress behind = memory_.begin() + memory_.size();
    for (const RemoteAddress nowhere : {RemoteAddress{8},
                                        memory_.begin() - 8,
                                        behind - 8,  // there, but no context has room there
                                        behind,
                                        RemoteAddress{std::uint64_t{1} << 47},
                                        RemoteAddress{std::uint64_t{1} << 63},
                                        RemoteAddress{UINT64_MAX - 7}}) {
        for (const RemoteAddress word : {set.address + fields_.firstchild,
                                         set.address + memory_.layout().allocset.blocks,
                                         set.blocks[0] + kBlock.next,
                                         elder.address + fields_.nextchild}) {
            expect_fault_with(word, nowhere);
        }
    }
    expect_fault_with(set.address + fields_.name, {});
    expect_fault_with(set.address + fields_.name, behind);
    expect_fault_with(set.address + fields_.name, {UINT64_MAX});
    if (fields_.ident) {
        expect_fault_with(set.address + *fields_.ident, behind);
    }
    EXPECT_EQ(walk(memory_, behind).error().kind, Error::Kind::kFault);
}

TEST_P(Walks, RefuseMisalignedContexts) {
    const auto set = memory_.add_allocset(top_.address, "set", {{.room_bytes = 64}});
    for (const std::uint64_t off : {1U, 2U, 4U, 7U}) {
        expect_torn_with(top_.address + fields_.firstchild, set.address + off, "cannot lie there");
        expect_torn_with(set.address + fields_.firstchild, set.address + off, "cannot lie there");
        EXPECT_FALSE(walk(memory_, top_.address + off));
    }
    EXPECT_FALSE(walk(memory_, {}));
    expect_torn_with(set.address + memory_.layout().allocset.blocks,
                     set.blocks[0] + 1,
                     "a block that is not its own");
}

TEST_P(Walks, EndInTime) {
    using Clock = std::chrono::steady_clock;
    const auto tree =
        walk(memory_, top_.address, {.bytes = kProcessBytes, .deadline = Clock::now()});
    ASSERT_FALSE(tree);
    EXPECT_EQ(tree.error().kind, Error::Kind::kTimeout);
    EXPECT_THAT(tree.error().message, testing::HasSubstr("the time for a walk was over"));
    EXPECT_TRUE(walk(memory_,
                     top_.address,
                     {.bytes = kProcessBytes, .deadline = Clock::now() + std::chrono::hours(1)}));
}

TEST_P(Walks, TakeNoMoreStepsThanThereIsMemory) {
    SyntheticContext innermost = top_;
    for (int level = 0; level < 1000; ++level) {
        innermost = memory_.add_allocset(innermost.address, "child");
    }
    const auto tree = walk(memory_, top_.address, {.bytes = 900 * 16, .deadline = {}});
    ASSERT_FALSE(tree);
    EXPECT_EQ(tree.error().kind, Error::Kind::kFailed);
    EXPECT_FALSE(walk(memory_, top_.address, {.bytes = 0, .deadline = {}}));
}

namespace {

// A tree with contexts of all kinds, each with free and allocated room.
class Mutations : public testing::TestWithParam<int> {
  protected:
    void walk_and_prove() {
        copy_.plan({});
        copy_.set_misses(MemoryCopy::Misses::kFetch);
        const auto tree = walk_contexts(copy_,
                                        memory_.layout(),
                                        top_.address,
                                        names_,
                                        {.bytes = kProcessBytes, .deadline = {}});
        ASSERT_EQ(test::broken_promise(tree, kProcessBytes), std::nullopt);
        const auto proved = prove_chunks(copy_, memory_.layout(), top_.address);
        ASSERT_TRUE(proved || !test::broken_promise(proved.error()));
    }

    [[nodiscard]] RemoteAddress word(std::uint64_t index) const {
        return memory_.begin() + index * 8;
    }

    SyntheticMemory memory_{*memory_layout(GetParam())};
    SyntheticContext top_ = add_all_kinds(memory_);
    MemoryCopy copy_{memory_};
    ConstantTexts names_{getpid(), memory_};
};

}  // namespace

INSTANTIATE_TEST_SUITE_P(Versions,
                         Mutations,
                         testing::Values(90400, 90600, 100000, 120000, 150000, 160000, 170000),
                         version_name);

TEST_P(Mutations, OfEachWordGiveAnErrorOrATree) {
    ASSERT_TRUE(walk(memory_, top_.address)) << walk(memory_, top_.address).error().message;
    ASSERT_TRUE(prove(memory_, top_.address)) << prove(memory_, top_.address).error().message;
    for (std::uint64_t i = 0; i < memory_.size() / 8; ++i) {
        const auto before = memory_.get<std::uint64_t>(word(i));
        for (const std::uint64_t value : {std::uint64_t{0},
                                          before + 8,
                                          before - 8,
                                          before + 1,
                                          before + kProcessBytes,
                                          ~before,
                                          std::uint64_t{1} << 31,
                                          std::uint64_t{1} << 63,
                                          UINT64_MAX >> 1,
                                          UINT64_MAX,
                                          UINT64_MAX - 31,
                                          top_.address.value}) {
            memory_.put(word(i), value);
            ASSERT_NO_FATAL_FAILURE(walk_and_prove()) << "word " << i << ": " << value;
        }
        memory_.put(word(i), before);
    }
}

TEST_P(Mutations, OfRandomWordsGiveAnErrorOrATree) {
    constexpr int kMutations = 5000;
    std::mt19937_64 random(20250726);  // NOLINT(cert-msc*): the same each time
    const std::uint64_t words = memory_.size() / 8;
    for (int mutation = 0; mutation < kMutations; ++mutation) {
        std::vector<std::pair<RemoteAddress, std::uint64_t>> before;
        const std::uint64_t count = 1 + random() % 3;
        for (std::uint64_t i = 0; i < count; ++i) {
            const RemoteAddress at = word(random() % words);
            before.emplace_back(at, memory_.get<std::uint64_t>(at));
            const std::array values{random(),
                                    before.back().second ^ std::uint64_t{1} << random() % 64,
                                    word(random() % words).value,
                                    memory_.get<std::uint64_t>(word(random() % words))};
            memory_.put(at, values.at(random() % values.size()));
        }
        ASSERT_NO_FATAL_FAILURE(walk_and_prove()) << "mutation " << mutation;
        for (auto restored = before.rbegin(); restored != before.rend(); ++restored) {
            memory_.put(restored->first, restored->second);
        }
    }
    EXPECT_TRUE(walk(memory_, top_.address));
}

// --- chunks -------------------------------------------------------------------------------------

TEST_P(Walks, ProveChunksThatAreLaidOutAsInTheirVersion) {
    EXPECT_TRUE(prove(memory_, top_.address)) << prove(memory_, top_.address).error().message;
    for (std::size_t list = 0; list <= 10; ++list) {
        SyntheticMemory memory(memory_.layout());
        const auto top = memory.add_allocset(
            {},
            "TopMemoryContext",
            {{.chunks =
                  {{.list = list}, {.list = 10, .is_free = true}, {.list = 0}, {.list = list}},
              .room_bytes = 100}});
        EXPECT_TRUE(prove(memory, top.address)) << prove(memory, top.address).error().message;
    }
}

// So it is in the autovacuum launcher of 15.
TEST_P(Walks, ProveChunksOfAnOlderBlockWhereAllOfTheNewestAreFree) {
    SyntheticMemory memory(memory_.layout());
    const auto top = memory.add_allocset(
        {},
        "TopMemoryContext",
        {{.chunks = {{.list = 3, .is_free = true}, {.list = 5, .is_free = true}}, .room_bytes = 8},
         {.chunks = {{.list = 3}, {.list = 5, .is_free = true}}, .room_bytes = 16}});
    EXPECT_TRUE(prove(memory, top.address)) << prove(memory, top.address).error().message;
}

TEST_P(Walks, RefuseChunksOfABuildWithAssertions) {
    SyntheticMemory memory(memory_.layout(), Assertions::kOn);
    const auto top = memory.add_allocset(
        {},
        "TopMemoryContext",
        {{.chunks = {{.list = 3}, {.list = 1}, {.list = 5, .is_free = true}}, .room_bytes = 104}});
    const auto proved = prove(memory, top.address);
    ASSERT_FALSE(proved);
    EXPECT_EQ(proved.error().kind, Error::Kind::kFailed);
}

TEST_P(Walks, ProveNothingWithoutAllocatedChunks) {
    SyntheticMemory memory(memory_.layout());
    const auto without_blocks = memory.add_allocset({}, "TopMemoryContext");
    EXPECT_EQ(prove(memory, without_blocks.address).error().kind, Error::Kind::kFailed);
    const auto without_chunks =
        memory.add_allocset({}, "TopMemoryContext", {{.chunks = {}, .room_bytes = 1000}});
    EXPECT_EQ(prove(memory, without_chunks.address).error().kind, Error::Kind::kFailed);
    EXPECT_EQ(prove(memory, {8}).error().kind, Error::Kind::kFault);
    EXPECT_EQ(prove(memory, {UINT64_MAX - 7}).error().kind, Error::Kind::kFault);
}

TEST_P(Walks, RefuseChunksThatLeadElsewhere) {
    const RemoteAddress first = top_.blocks[0] + kBlock.header_bytes;
    const RemoteAddress word =
        first + memory_.layout().chunk.size.value_or(0);  // its size, or all about it
    const auto before = memory_.get<std::uint64_t>(word);
    for (const std::uint64_t other : {std::uint64_t{0},
                                      before + 8,
                                      before + 1,
                                      before << 20,
                                      std::uint64_t{1} << 63,
                                      UINT64_MAX - 7,   // to itself, with the header
                                      UINT64_MAX - 15,  // to itself
                                      UINT64_MAX - 23,  // back
                                      UINT64_MAX - 39,
                                      UINT64_MAX}) {
        memory_.put(word, other);
        const auto proved = prove(memory_, top_.address);
        ASSERT_FALSE(proved) << other;
        EXPECT_EQ(proved.error().kind, Error::Kind::kFailed) << proved.error().message;
    }
    memory_.put(word, before);
    for (const RemoteAddress freeptr : {first + 8, RemoteAddress{}, RemoteAddress{UINT64_MAX}}) {
        memory_.put(top_.blocks[0] + kBlock.freeptr, freeptr);
        EXPECT_FALSE(prove(memory_, top_.address)) << freeptr.value;
    }
}

}  // namespace palloscope
