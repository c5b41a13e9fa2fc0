// Makes children and waits for them, for any of them; looks whether it gets its own ones only, one
// SIGCHLD each, and is told that it has no other.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "tests/attach/targets/target.hpp"

extern "C" {
volatile std::uint64_t signals_seen = 0;
}

namespace {

constexpr int kExitCode = 7;

bool reaps(pid_t child) {
    int status = 0;
    return waitpid(-1, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == kExitCode;
}

}  // namespace

int main() {
    struct sigaction action {};

    action.sa_flags = SA_RESTART;
    action.sa_handler = [](int) { signals_seen = signals_seen + 1; };
    target::require(sigaction(SIGCHLD, &action, nullptr) == 0, "sigaction");
    target::ready();
    for (;;) {
        const pid_t child = fork();
        target::require(child >= 0, "fork");
        if (child == 0) {
            usleep(200);
            _exit(kExitCode);
        }
        const bool reaped = reaps(child);
        const bool has_no_other = waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
        counter = counter + 1;
        if (!reaped || !has_no_other || signals_seen != counter) {
            mismatches = mismatches + 1;
        }
    }
}
