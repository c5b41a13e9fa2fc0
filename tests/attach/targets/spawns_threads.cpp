// Makes threads that end at once, from two threads, as fast as it can.
#include <thread>

#include "tests/attach/targets/target.hpp"

namespace {

void spawn_for_ever() {
    for (;;) {
        std::thread([] { counter = counter + 1; }).join();
    }
}

}  // namespace

int main() {
    std::thread(spawn_for_ever).detach();
    target::ready();
    spawn_for_ever();
}
