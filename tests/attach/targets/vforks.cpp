// Waits for SIGUSR1, then sleeps uninterruptibly, in vfork(2), until its input ends; then counts.
#include <signal.h>
#include <unistd.h>

#include "tests/attach/targets/target.hpp"

int main() {
    struct sigaction action {};

    action.sa_handler = [](int) {};
    target::require(sigaction(SIGUSR1, &action, nullptr) == 0, "sigaction");
    target::ready();
    pause();
    if (vfork() == 0) {
        char byte = 0;
        while (read(STDIN_FILENO, &byte, 1) > 0) {
        }
        _exit(0);
    }
    for (;;) {
        usleep(100);
        counter = counter + 1;
    }
}
