// Runs as nobody, and may make no more processes.
#include <sys/resource.h>
#include <unistd.h>

#include "tests/attach/targets/target.hpp"

int main() {
    constexpr uid_t kNobody = 65534;
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    target::require(setrlimit(RLIMIT_NPROC, &none) == 0, "setrlimit");
    target::require(setgid(kNobody) == 0 && setuid(kNobody) == 0, "setuid");
    target::ready();
    for (;;) {
        usleep(100);
        counter = counter + 1;
    }
}
