#include "attach/process_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/program.hpp"

namespace palloscope {

namespace {

constexpr std::size_t kPage = 4096;

// Our own process serves as the target: both transports reach it as any other.
class ProcessMemoryTest : public testing::TestWithParam<ProcessMemory::Transport> {
  protected:
    ProcessMemory memory_ = ProcessMemory::open(getpid(), GetParam()).value();
};

// Pages of ours, and behind them one that is not mapped.
class PagesBeforeAHole {
  public:
    explicit PagesBeforeAHole(std::size_t pages)
        : size_((pages + 1) * kPage),
          start_(static_cast<std::byte*>(
              mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
        munmap(start_ + pages * kPage, kPage);
    }

    PagesBeforeAHole(const PagesBeforeAHole&) = delete;
    PagesBeforeAHole& operator=(const PagesBeforeAHole&) = delete;

    ~PagesBeforeAHole() { munmap(start_, size_ - kPage); }

    [[nodiscard]] std::span<std::byte> readable() const { return {start_, size_ - kPage}; }

  private:
    std::size_t size_;
    std::byte* start_;
};

RemoteAddress address_of(const void* object) {
    return {std::bit_cast<std::uint64_t>(object)};
}

template <typename T>
std::span<std::byte> bytes_of(T& object) {
    return std::as_writable_bytes(std::span(&object, 1));
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Transports,
                         ProcessMemoryTest,
                         testing::Values(ProcessMemory::Transport::kProcessVm,
                                         ProcessMemory::Transport::kProcFile),
                         [](const auto& transport) {
                             return transport.param == ProcessMemory::Transport::kProcessVm
                                        ? "ProcessVm"
                                        : "ProcFile";
                         });

TEST_P(ProcessMemoryTest, GathersMorePiecesThanOneCallTakes) {
    std::vector<std::uint32_t> source(5000);
    std::iota(source.begin(), source.end(), 1U);
    std::vector<std::uint32_t> copy(source.size());
    std::vector<RemotePiece> pieces;
    for (std::size_t i = 0; i < source.size(); ++i) {
        pieces.push_back({address_of(&source[i]), bytes_of(copy[i])});
        pieces.push_back({address_of(&source[i]), {}});  // an empty piece is no piece
    }
    const auto done = memory_.gather(pieces);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(copy, source);
}

TEST_P(ProcessMemoryTest, GathersNothingAtAll) {
    EXPECT_TRUE(memory_.gather({}));
    const RemotePiece empty{.address = {}, .into = {}};
    EXPECT_TRUE(memory_.gather({&empty, 1}));
}

TEST_P(ProcessMemoryTest, NamesTheAddressThatCannotBeRead) {
    const PagesBeforeAHole pages(2);
    std::array<std::byte, 3 * kPage> into{};
    const RemoteAddress hole = address_of(pages.readable().data()) + pages.readable().size();
    const std::array pieces{
        RemotePiece{address_of(pages.readable().data()), std::span(into).first(kPage)},
        RemotePiece{address_of(pages.readable().data()) + kPage, std::span(into).last(2 * kPage)}};
    const auto done = memory_.gather(pieces);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, Error::Kind::kFault);
    std::array<char, 20> hexadecimal{};
    snprintf(hexadecimal.data(), hexadecimal.size(), "%#lx", hole.value);
    EXPECT_NE(done.error().message.find(hexadecimal.data()), std::string::npos)
        << done.error().message;
}

TEST_P(ProcessMemoryTest, MarksTheAvailablePiecesThatCannotBeReadWhole) {
    const PagesBeforeAHole pages(2);
    pages.readable()[kPage] = std::byte{1};
    pages.readable().back() = std::byte{2};
    const RemoteAddress start = address_of(pages.readable().data());
    const RemoteAddress hole = start + pages.readable().size();
    std::array<std::byte, 3 * kPage> before{};
    std::array<std::byte, 8> after{};
    const std::array pieces{
        RemotePiece{hole, std::span(before).first(8)},
        RemotePiece{start + kPage, std::span(before).first(kPage)},  // up to the hole
        RemotePiece{hole, {}},                                       // an empty piece is no piece
        RemotePiece{start, before},                                  // into the hole
        RemotePiece{hole - 4, std::span(before).last(8)},
        RemotePiece{{0}, std::span(before).first(8)},
        RemotePiece{{UINT64_MAX - 7}, std::span(before).first(8)},
        RemotePiece{{INT64_MAX - 7}, std::span(before).first(8)},
        RemotePiece{hole - 8, after}};
    std::vector<bool> unread(pieces.size());
    memory_.gather_available(pieces, unread);
    EXPECT_EQ(unread, (std::vector<bool>{true, false, false, true, true, true, true, true, false}));
    EXPECT_EQ(after.back(), std::byte{2});
}

TEST_P(ProcessMemoryTest, GathersWhatIsAvailableOfMoreThanOneCallTakes) {
    const PagesBeforeAHole pages(1);
    const RemoteAddress hole = address_of(pages.readable().data()) + kPage;
    constexpr std::size_t kEvery = 7;
    std::vector<std::uint32_t> source(5000);
    std::iota(source.begin(), source.end(), 1U);
    std::vector<std::uint32_t> copy(source.size());
    std::vector<RemotePiece> pieces;
    for (std::size_t i = 0; i < source.size(); ++i) {
        pieces.push_back({i % kEvery == 0 ? hole : address_of(&source[i]), bytes_of(copy[i])});
    }
    std::vector<bool> unread(pieces.size());
    memory_.gather_available(pieces, unread);
    for (std::size_t i = 0; i < source.size(); ++i) {
        ASSERT_EQ(unread[i], i % kEvery == 0) << i;
        ASSERT_EQ(copy[i], i % kEvery == 0 ? 0 : source[i]) << i;
    }
}

TEST_P(ProcessMemoryTest, TakesAnyNumberForAnAddress) {
    for (const std::uint64_t address : {std::uint64_t{0},
                                        std::uint64_t{8},
                                        std::uint64_t{0x7fffffffffff},
                                        std::uint64_t{0x8000000000000000},
                                        std::uint64_t{0xffffffff80000000},
                                        UINT64_MAX - 3}) {
        const auto value = memory_.read<std::uint64_t>({address});
        ASSERT_FALSE(value) << address;
        EXPECT_EQ(value.error().kind, Error::Kind::kFault) << value.error().message;
    }
}

TEST_P(ProcessMemoryTest, ReadsAStringUpToItsEnd) {
    const std::string text(10000, 'x');
    EXPECT_EQ(memory_.read_string(address_of(text.c_str()), 100000), text);
    EXPECT_EQ(memory_.read_string(address_of(text.c_str()), 5), "xxxxx");
    EXPECT_EQ(memory_.read_string(address_of(text.c_str()), 0), "");
}

TEST_P(ProcessMemoryTest, ReadsAStringThatEndsBeforeAHole) {
    const PagesBeforeAHole pages(1);
    std::span<std::byte> end = pages.readable().last(4);
    end[0] = std::byte{'a'};
    end[1] = std::byte{'b'};
    end[2] = std::byte{'c'};
    EXPECT_EQ(memory_.read_string(address_of(end.data()), 1000), "abc");
    end[3] = std::byte{'d'};
    EXPECT_EQ(memory_.read_string(address_of(end.data()), 1000).error().kind, Error::Kind::kFault);
}

TEST(ProcessMemory, SaysThatAProcessIsGone) {
    EXPECT_EQ(ProcessMemory::open(INT32_MAX).error().kind, Error::Kind::kGone);
}

TEST(ProcessMemory, MarksAllPiecesOfAProcessThatHasGone) {
    test::Program program = test::Program::start({"cat"}, {.keep_input_open = true});
    const std::array memories{
        ProcessMemory::open(program.pid(), ProcessMemory::Transport::kProcessVm).value(),
        ProcessMemory::open(program.pid(), ProcessMemory::Transport::kProcFile).value()};
    program.close_input();
    program.wait();
    std::uint64_t local = 0;
    const std::vector<RemotePiece> pieces(3, {address_of(&local), bytes_of(local)});
    for (const ProcessMemory& memory : memories) {
        std::vector<bool> unread(pieces.size());
        memory.gather_available(pieces, unread);
        EXPECT_EQ(unread, std::vector<bool>(pieces.size(), true));
    }
}

// One process_vm_readv carries 2 GB less a page.
TEST(ProcessMemory, GathersMoreBytesThanOneCallCarries) {
    const auto memory = ProcessMemory::open(getpid()).value();
    std::vector<std::byte> source(std::size_t{8} << 20, std::byte{7});
    std::vector<std::byte> copy(source.size());
    std::vector<RemotePiece> pieces(300, {address_of(source.data()), copy});
    std::uint64_t mark = 0x1234567890abcdef;
    std::uint64_t mark_copy = 0;
    pieces.push_back({address_of(&mark), bytes_of(mark_copy)});
    const auto done = memory.gather(pieces);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(mark_copy, mark);
    EXPECT_EQ(copy, source);
}

}  // namespace palloscope
