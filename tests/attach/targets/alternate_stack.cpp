// Spends its life in a signal handler, on an alternate stack of 16 kB.
#include <signal.h>
#include <unistd.h>

#include "tests/attach/targets/target.hpp"

int main() {
    alignas(16) static char bytes[16384];
    const stack_t stack{.ss_sp = bytes, .ss_flags = 0, .ss_size = sizeof bytes};
    target::require(sigaltstack(&stack, nullptr) == 0, "sigaltstack");

    struct sigaction action {};

    action.sa_flags = SA_ONSTACK;
    action.sa_handler = [](int) {
        target::ready();
        for (;;) {
            usleep(100);
            counter = counter + 1;
        }
    };
    target::require(sigaction(SIGUSR1, &action, nullptr) == 0, "sigaction");
    raise(SIGUSR1);
}
