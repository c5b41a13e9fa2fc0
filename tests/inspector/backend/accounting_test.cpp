#include "inspector/backend/accounting.hpp"

#include <gtest/gtest.h>

namespace palloscope {
namespace {

// As glibc 2.36 prints it (malloc/malloc.c, __malloc_stats).
constexpr const char* kTwoArenas =
    "Arena 0:\n"
    "system bytes     =    1351680\n"
    "in use bytes     =    1277296\n"
    "Arena 1:\n"
    "system bytes     =     135168\n"
    "in use bytes     =       3200\n"
    "Total (incl. mmap):\n"
    "system bytes     =    2011136\n"
    "in use bytes     =    1804784\n"
    "max mmap regions =          2\n"
    "max mmap bytes   =     524288\n";

TEST(MallocStats, AreTheSumOfAllArenasWithoutWhatIsMapped) {
    EXPECT_EQ(parse_malloc_stats(kTwoArenas),
              (MallocTotals{.system_bytes = 1486848, .in_use_bytes = 1280496}));
}

TEST(MallocStats, AreNoneInAnotherText) {
    EXPECT_EQ(parse_malloc_stats(""), std::nullopt);
    EXPECT_EQ(parse_malloc_stats("___ Begin jemalloc statistics ___\n"), std::nullopt);
    EXPECT_EQ(parse_malloc_stats("Arena 0:\nsystem bytes     =  "), std::nullopt);
    EXPECT_EQ(parse_malloc_stats("Arena 0:\nsystem bytes = 5\nin use bytes = 7\n"), std::nullopt);
    EXPECT_EQ(parse_malloc_stats("Arena 0:\nsystem bytes = x\nin use bytes = 7\n"), std::nullopt);
}

}  // namespace
}  // namespace palloscope
