// Changes its alternate signal stack and its signal mask all the time, and looks whether they are
// as it set them; also whether an interrupted system call was made to look as if it had not been.
#include <signal.h>
#include <unistd.h>

#include <cstring>

#include "tests/attach/targets/target.hpp"

namespace {

alignas(16) char stacks[2][65536];

bool is_set(const stack_t& wanted) {
    stack_t found{};
    sigaltstack(nullptr, &found);
    return found.ss_sp == wanted.ss_sp && found.ss_size == wanted.ss_size &&
           found.ss_flags == wanted.ss_flags;
}

bool is_set(const sigset_t& wanted) {
    sigset_t found{};
    sigprocmask(SIG_BLOCK, nullptr, &found);
    return memcmp(&wanted, &found, 8) == 0;
}

}  // namespace

int main() {
    target::ready();
    for (std::uint64_t round = 0;; ++round) {
        const stack_t stack{.ss_sp = stacks[round % 2],
                            .ss_flags = round % 3 == 0 ? SS_DISABLE : 0,
                            .ss_size = sizeof stacks[0]};
        sigset_t mask{};
        sigemptyset(&mask);
        sigaddset(&mask, round % 2 == 0 ? SIGUSR1 : SIGRTMIN);
        target::require(sigaltstack(&stack, nullptr) == 0, "sigaltstack");
        target::require(sigprocmask(SIG_SETMASK, &mask, nullptr) == 0, "sigprocmask");
        for (int look = 0; look < 50; ++look) {
            if ((stack.ss_flags == 0 && !is_set(stack)) || !is_set(mask)) {
                mismatches = mismatches + 1;
            }
        }
        counter = counter + 1;
    }
}
