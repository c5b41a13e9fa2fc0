#include "attach/resident_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

namespace palloscope {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kPages = 16;

// Of this process.
class ResidentPages : public testing::Test {
  protected:
    ResidentPages()
        : pages_(static_cast<volatile char*>(mmap(nullptr,
                                                  kPages * kPageBytes,
                                                  PROT_READ | PROT_WRITE,
                                                  MAP_PRIVATE | MAP_ANONYMOUS,
                                                  /*fd=*/-1,
                                                  0))) {
        // One by one, not as a huge page.
        madvise(const_cast<char*>(pages_), kPages * kPageBytes, MADV_NOHUGEPAGE);
    }

    ~ResidentPages() override { munmap(const_cast<char*>(pages_), kPages * kPageBytes); }

    [[nodiscard]] std::uint64_t resident_bytes() const {
        const RemoteAddress begin{reinterpret_cast<std::uintptr_t>(pages_)};
        return ResidentMemory::read(getpid()).value().bytes_in(begin, begin + kPages * kPageBytes);
    }

    volatile char* pages_;
};

TEST_F(ResidentPages, AreThoseThatWereWrittenTo) {
    EXPECT_EQ(resident_bytes(), 0U);
    pages_[0] = 1;
    pages_[3 * kPageBytes] = 1;
    pages_[4 * kPageBytes] = 1;
    EXPECT_EQ(resident_bytes(), 3 * kPageBytes);
}

// As a privileged reader knows them: each is the kernel's page of zeros.
TEST_F(ResidentPages, AreNotThoseThatWereOnlyRead) {
    for (std::size_t page = 0; page < kPages; ++page) {
        EXPECT_EQ(pages_[page * kPageBytes], 0);
    }
    EXPECT_EQ(resident_bytes(), 0U);
    pages_[0] = 1;
    EXPECT_EQ(resident_bytes(), kPageBytes);
}

}  // namespace
}  // namespace palloscope
