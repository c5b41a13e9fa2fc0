// Counts signals: real-time ones, of which the kernel queues each, and adds their values up.
#include <signal.h>
#include <unistd.h>

#include "tests/attach/targets/target.hpp"

extern "C" {
volatile std::uint64_t signals_seen = 0;
volatile std::uint64_t sum_of_values = 0;
}

int main() {
    struct sigaction action {};

    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = [](int, siginfo_t* info, void*) {
        signals_seen = signals_seen + 1;
        sum_of_values = sum_of_values + static_cast<std::uint64_t>(info->si_value.sival_int);
    };
    target::require(sigaction(SIGRTMIN, &action, nullptr) == 0, "sigaction");
    signal(SIGUSR2, SIG_IGN);
    target::ready();
    for (;;) {
        usleep(100);
        counter = counter + 1;
    }
}
