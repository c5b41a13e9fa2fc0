// generations MEGABYTES [once]: writes the number of the round into each page of that much memory,
// in their order, again and again; at any moment the first pages hold it and the others the one
// before. With "once" it rests after the first round.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/attach/targets/target.hpp"

extern "C" {
volatile std::uint64_t* volatile pages = nullptr;
volatile std::uint64_t page_count = 0;
}

int main(int /*count*/, char** arguments) {
    constexpr std::size_t kPageWords = 512;
    constexpr std::size_t kMegabytePages = 256;
    const std::size_t count = strtoul(arguments[1], nullptr, 10) * kMegabytePages;
    void* const memory = mmap(nullptr,
                              count * kPageWords * sizeof(std::uint64_t),
                              PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS,
                              -1,
                              0);
    target::require(memory != MAP_FAILED, "mmap");
    // Small pages, as a server's heap has them: a huge one would be copied in one entry.
    madvise(memory, count * kPageWords * sizeof(std::uint64_t), MADV_NOHUGEPAGE);
    pages = static_cast<volatile std::uint64_t*>(memory);
    page_count = count;
    for (std::uint64_t round = 1;; ++round) {
        for (std::size_t page = 0; page < count; ++page) {
            pages[page * kPageWords] = round;
        }
        if (round == 1) {
            target::ready();
        }
        counter = counter + 1;
        while (arguments[2] != nullptr) {
            pause();
        }
    }
}
