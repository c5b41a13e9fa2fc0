#include "attach/memory_copy.hpp"

#include <array>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace palloscope {

namespace {

constexpr std::uint64_t kPage = 4096;
constexpr RemoteAddress kStart{0x7f0000000000};

// Memory in which every byte tells where it lies, and in which state of the memory it was read.
class FakeMemory final : public MemorySource {
  public:
    void map(RemoteAddress begin, std::uint64_t pages) {
        mapped_.push_back({begin, pages * kPage});
    }

    void change() { ++state_; }

    [[nodiscard]] std::size_t reads() const { return reads_; }

    [[nodiscard]] Result<> gather(std::span<const RemotePiece> pieces) const override {
        ++reads_;
        for (const RemotePiece& piece : pieces) {
            const bool found = std::ranges::any_of(mapped_, [&](const RemoteRange& range) {
                return range.holds(piece.address, piece.into.size());
            });
            if (!found) {
                return failure(Error::Kind::kFault, "a hole");
            }
            for (std::size_t i = 0; i < piece.into.size(); ++i) {
                piece.into[i] = byte_at(piece.address + i);
            }
        }
        return {};
    }

    [[nodiscard]] std::byte byte_at(RemoteAddress address) const {
        return static_cast<std::byte>(address.value % 251 + state_);
    }

  private:
    std::vector<RemoteRange> mapped_;
    std::uint64_t state_ = 0;
    mutable std::size_t reads_ = 0;
};

// Two pages, of which the copies under test are made.
class MemoryCopyTest : public testing::Test {
  protected:
    MemoryCopyTest() { memory_.map(kStart, 2); }

    void expect_bytes_of(RemoteAddress address, const std::byte* found, std::uint64_t size) const {
        ASSERT_NE(found, nullptr) << std::hex << address.value;
        for (std::uint64_t i = 0; i < size; ++i) {
            ASSERT_EQ(found[i], memory_.byte_at(address + i)) << std::hex << (address + i).value;
        }
    }

    FakeMemory memory_;
    MemoryCopy copy_{memory_};
};

}  // namespace

TEST(Joined, IsInTheOrderOfAddresses) {
    EXPECT_THAT(
        joined({{kStart + 100, 8}, {kStart, 8}, {kStart + 50, 8}}, 0),
        testing::ElementsAre(
            RemoteRange{kStart, 8}, RemoteRange{kStart + 50, 8}, RemoteRange{kStart + 100, 8}));
}

TEST(Joined, MakesOneOfRangesThatTouchOrOverlap) {
    EXPECT_THAT(joined({{kStart, 8}, {kStart + 8, 8}, {kStart + 12, 8}}, 0),
                testing::ElementsAre(RemoteRange{kStart, 20}));
}

TEST(Joined, KeepsTheLongerOfTwoOfWhichOneLiesInTheOther) {
    EXPECT_THAT(joined({{kStart, 100}, {kStart + 8, 8}, {kStart + 100, 1}}, 0),
                testing::ElementsAre(RemoteRange{kStart, 101}));
    EXPECT_THAT(joined({{kStart, 8}, {kStart, 100}, {kStart, 8}}, 0),
                testing::ElementsAre(RemoteRange{kStart, 100}));
}

TEST(Joined, BridgesGapsUpToTheLargestOne) {
    const std::vector<RemoteRange> ranges{{kStart, 8}, {kStart + 24, 8}, {kStart + 49, 8}};
    EXPECT_THAT(joined(ranges, 16),
                testing::ElementsAre(RemoteRange{kStart, 32}, RemoteRange{kStart + 49, 8}));
    EXPECT_THAT(joined(ranges, UINT64_MAX), testing::ElementsAre(RemoteRange{kStart, 57}));
    EXPECT_THAT(joined({}, 16), testing::IsEmpty());
}

TEST(Joined, CountsNoGapBeyondTheLastAddress) {
    const RemoteAddress last{UINT64_MAX - 7};
    EXPECT_THAT(joined({{last, 4}, {kStart, 8}}, 1024),
                testing::ElementsAre(RemoteRange{kStart, 8}, RemoteRange{last, 4}));
    EXPECT_THAT(joined({{last, 4}, {last + 6, 1}}, 1024),
                testing::ElementsAre(RemoteRange{last, 7}));
}

TEST(RemoteRange, HoldsWhatLiesInItWhole) {
    const RemoteRange range{kStart, 16};
    EXPECT_TRUE(range.holds(kStart, 16));
    EXPECT_TRUE(range.holds(kStart + 16, 0));
    EXPECT_TRUE(range.holds(kStart + 8, 8));
    EXPECT_FALSE(range.holds(kStart + 8, 9));
    EXPECT_FALSE(range.holds(kStart - 1, 2));
    EXPECT_FALSE(range.holds(kStart + 8, UINT64_MAX));
    EXPECT_FALSE(range.holds({UINT64_MAX - 3}, 8));
}

TEST_F(MemoryCopyTest, GivesItsRoomToTheNextOne) {
    MemoryCopy next(memory_);
    copy_.plan({{kStart, kPage}});
    next.plan({{kStart + kPage, 100}});
    copy_.take();
    const std::byte* const room = copy_.find(kStart, 8);
    next.take();
    EXPECT_NE(next.find(kStart + kPage, 8), room);
    next.put_away();
    copy_.put_away();
    EXPECT_EQ(copy_.find(kStart, 8), nullptr);
    EXPECT_THAT(copy_.planned(), testing::ElementsAre(RemoteRange{kStart, kPage}));
    EXPECT_THAT(copy_.used(), testing::ElementsAre(RemoteRange{kStart, 8}));
    next.make_room();
    next.take();
    EXPECT_EQ(next.find(kStart + kPage, 8), room);
    expect_bytes_of(kStart + kPage, next.find(kStart + kPage, 100), 100);
    // There is none for this one yet, and what lies in another's is not its own.
    copy_.take();
    expect_bytes_of(kStart, copy_.find(kStart, kPage), kPage);
    expect_bytes_of(kStart + kPage, next.find(kStart + kPage, 100), 100);
}

TEST_F(MemoryCopyTest, NeedsLargerRoomForALargerPlan) {
    copy_.plan({{kStart, 8}});
    copy_.take();
    copy_.put_away();
    copy_.plan({{kStart, 2 * kPage}});
    copy_.make_room();
    copy_.take();
    expect_bytes_of(kStart, copy_.find(kStart, 2 * kPage), 2 * kPage);
}

TEST_F(MemoryCopyTest, FindsWhatWasPlannedWithoutAnotherRead) {
    copy_.plan({{kStart + 16, 32}, {kStart + kPage - 8, 16}});
    copy_.take();
    const std::size_t reads = memory_.reads();
    expect_bytes_of(kStart + 16, copy_.find(kStart + 16, 32), 32);
    expect_bytes_of(kStart + kPage, copy_.find(kStart + kPage, 8), 8);
    expect_bytes_of(kStart + 47, copy_.find(kStart + 47, 1), 1);
    EXPECT_EQ(memory_.reads(), reads);
    EXPECT_EQ(copy_.misses(), 0U);
}

TEST_F(MemoryCopyTest, FindsOnlyWhatLiesInOneRangeWhole) {
    copy_.plan({{kStart + 16, 16}, {kStart + 32, 16}});
    copy_.take();
    EXPECT_EQ(copy_.find(kStart + 24, 16), nullptr);
    EXPECT_EQ(copy_.find(kStart + 15, 2), nullptr);
    EXPECT_EQ(copy_.find(kStart + 48, 1), nullptr);
    EXPECT_NE(copy_.find(kStart + 32, 16), nullptr);
}

TEST_F(MemoryCopyTest, HoldsNothingBeforeItIsTaken) {
    copy_.plan({{kStart, 16}});
    EXPECT_EQ(copy_.find(kStart, 8), nullptr);
    copy_.take();
    EXPECT_NE(copy_.find(kStart, 8), nullptr);
    copy_.plan({{kStart, 16}});
    EXPECT_EQ(copy_.find(kStart, 8), nullptr);
}

TEST_F(MemoryCopyTest, IsOfTheMomentAtWhichItWasTaken) {
    copy_.plan({{kStart, 16}});
    copy_.take();
    const std::byte before = memory_.byte_at(kStart);
    memory_.change();
    EXPECT_EQ(*copy_.find(kStart, 1), before);
    copy_.take();
    EXPECT_EQ(*copy_.find(kStart, 1), memory_.byte_at(kStart));
}

TEST_F(MemoryCopyTest, LeavesOutRangesThatCannotBeReadWhole) {
    copy_.plan({{kStart, 8}, {kStart + 2 * kPage - 8, 16}, {kStart + 4 * kPage, 8}});
    copy_.take();
    EXPECT_NE(copy_.find(kStart, 8), nullptr);
    EXPECT_EQ(copy_.find(kStart + 2 * kPage - 8, 8), nullptr);
    EXPECT_EQ(copy_.find(kStart + 4 * kPage, 8), nullptr);
    // What of them is there can be had by itself.
    copy_.set_misses(MemoryCopy::Misses::kFetch);
    expect_bytes_of(kStart + 2 * kPage - 8, copy_.find(kStart + 2 * kPage - 8, 8), 8);
    EXPECT_EQ(copy_.find(kStart + 4 * kPage, 8), nullptr);
}

TEST_F(MemoryCopyTest, TakesARangeAgainThatHadGone) {
    FakeMemory memory;
    MemoryCopy copy(memory);
    copy.plan({{kStart, 8}});
    copy.take();
    EXPECT_EQ(copy.find(kStart, 8), nullptr);
    memory.map(kStart, 1);
    copy.take();
    EXPECT_NE(copy.find(kStart, 8), nullptr);
}

TEST_F(MemoryCopyTest, FetchesWholePagesWhereItMay) {
    copy_.take();
    EXPECT_EQ(copy_.find(kStart + 8, 8), nullptr);
    EXPECT_EQ(copy_.misses(), 1U);
    copy_.set_misses(MemoryCopy::Misses::kFetch);
    expect_bytes_of(kStart + 8, copy_.find(kStart + 8, 8), 8);
    EXPECT_EQ(copy_.misses(), 2U);
    // The rest of the page came with it.
    copy_.set_misses(MemoryCopy::Misses::kFail);
    expect_bytes_of(kStart, copy_.find(kStart, kPage), kPage);
    EXPECT_EQ(copy_.find(kStart, kPage + 1), nullptr);
    EXPECT_EQ(copy_.misses(), 3U);
}

TEST_F(MemoryCopyTest, ForgetsWhatWasFetchedWhenItIsTakenAgain) {
    copy_.set_misses(MemoryCopy::Misses::kFetch);
    EXPECT_NE(copy_.find(kStart, 8), nullptr);
    copy_.take();
    EXPECT_EQ(copy_.misses(), 0U);
    EXPECT_THAT(copy_.used(), testing::IsEmpty());
    memory_.change();
    expect_bytes_of(kStart, copy_.find(kStart, 8), 8);
    EXPECT_EQ(copy_.misses(), 1U);
}

TEST_F(MemoryCopyTest, FetchesWhatCrossesTheEndOfAPageInOnePiece) {
    copy_.set_misses(MemoryCopy::Misses::kFetch);
    expect_bytes_of(kStart + kPage - 8, copy_.find(kStart + kPage - 8, 16), 16);
    EXPECT_EQ(copy_.find(kStart + 2 * kPage - 8, 16), nullptr);
}

TEST_F(MemoryCopyTest, KeepsWhatWasFoundWhileMoreIsFetched) {
    memory_.map(kStart + 4 * kPage, 1000);
    copy_.set_misses(MemoryCopy::Misses::kFetch);
    const std::byte* const first = copy_.find(kStart + 16, 8);
    // A longer piece that begins in the same page once took the first one's place.
    expect_bytes_of(kStart + 16, copy_.find(kStart + 16, kPage), kPage);
    for (std::uint64_t page = 4; page < 1004; ++page) {
        expect_bytes_of(kStart + page * kPage, copy_.find(kStart + page * kPage, 1), 1);
    }
    expect_bytes_of(kStart + 16, first, 8);
    // And the longer one is found from then on.
    copy_.set_misses(MemoryCopy::Misses::kFail);
    expect_bytes_of(kStart, copy_.find(kStart, 2 * kPage), 2 * kPage);
    expect_bytes_of(kStart, copy_.find(kStart, 8), 8);
}

TEST_F(MemoryCopyTest, RemembersWhatWasUsedInItsOrder) {
    copy_.plan({{kStart, 64}});
    copy_.take();
    (void)copy_.find(kStart + 32, 8);
    (void)copy_.find(kStart + kPage, 8);  // missed
    copy_.set_misses(MemoryCopy::Misses::kFetch);
    (void)copy_.find(kStart + kPage, 8);
    (void)copy_.find(kStart + 32, 8);
    (void)copy_.find(kStart + 8 * kPage, 8);  // not there
    EXPECT_THAT(copy_.used(),
                testing::ElementsAre(RemoteRange{kStart + 32, 8},
                                     RemoteRange{kStart + kPage, 8},
                                     RemoteRange{kStart + 32, 8}));
    EXPECT_EQ(copy_.misses(), 3U);
}

TEST_F(MemoryCopyTest, NeedsNothingMoreForWhatWasUsedBefore) {
    copy_.set_misses(MemoryCopy::Misses::kFetch);
    const std::array looks{std::pair{kStart + 5, 3U},
                           std::pair{kStart + 6, 100U},
                           std::pair{kStart + kPage - 1, 2U},
                           std::pair{kStart + 2 * kPage - 8, 8U}};
    for (const auto& [address, size] : looks) {
        (void)copy_.find(address, size);
    }
    copy_.plan(joined(copy_.used(), 0));
    copy_.set_misses(MemoryCopy::Misses::kFail);
    copy_.take();
    for (const auto& [address, size] : looks) {
        expect_bytes_of(address, copy_.find(address, size), size);
    }
    EXPECT_EQ(copy_.misses(), 0U);
}

TEST_F(MemoryCopyTest, FindsNothingAtHostileAddresses) {
    copy_.plan({{kStart, 64}, {{UINT64_MAX - 15}, 8}});
    copy_.take();
    for (const auto misses : {MemoryCopy::Misses::kFail, MemoryCopy::Misses::kFetch}) {
        copy_.set_misses(misses);
        for (const std::uint64_t address : {std::uint64_t{0},
                                            std::uint64_t{1},
                                            kStart.value - 1,
                                            std::uint64_t{1} << 47,
                                            (std::uint64_t{1} << 57) - 1,
                                            std::uint64_t{1} << 57,
                                            std::uint64_t{1} << 63,
                                            UINT64_MAX - kPage,
                                            UINT64_MAX - 15,
                                            UINT64_MAX}) {
            for (const std::uint64_t size :
                 {std::uint64_t{1}, std::uint64_t{8}, kPage, UINT64_MAX - address, UINT64_MAX}) {
                EXPECT_EQ(copy_.find({address}, std::max(size, std::uint64_t{1})), nullptr)
                    << std::hex << address << ", " << size;
            }
        }
        // From a place that is there, up to one that lies before it.
        EXPECT_EQ(copy_.find(kStart + 8, UINT64_MAX - 3), nullptr);
        EXPECT_EQ(copy_.find(kStart + 8, UINT64_MAX - kStart.value), nullptr);
    }
    EXPECT_THAT(copy_.used(), testing::IsEmpty());
}

TEST_F(MemoryCopyTest, IsASourceOfWhatItHolds) {
    copy_.plan({{kStart, 64}});
    copy_.take();
    std::array<std::byte, 8> bytes{};
    const std::array pieces{RemotePiece{kStart + 8, std::span(bytes).first(4)},
                            RemotePiece{kStart + 60, std::span(bytes).last(4)}};
    ASSERT_TRUE(copy_.gather(pieces));
    EXPECT_EQ(bytes[0], memory_.byte_at(kStart + 8));
    EXPECT_EQ(bytes[7], memory_.byte_at(kStart + 63));
    const auto outside = copy_.read<std::uint64_t>(kStart + 60);
    ASSERT_FALSE(outside);
    EXPECT_EQ(outside.error().kind, Error::Kind::kFault);
}

}  // namespace palloscope
