// Three threads beside the first one, each with a counter of its own.
#include <unistd.h>

#include <thread>

#include "tests/attach/targets/target.hpp"

extern "C" {
volatile std::uint64_t thread_counters[3] = {};
}

int main() {
    for (volatile std::uint64_t& mine : thread_counters) {
        std::thread([&mine] {
            for (;;) {
                mine = mine + 1;
                usleep(50);
            }
        }).detach();
    }
    target::ready();
    for (;;) {
        counter = counter + 1;
        usleep(50);
    }
}
