// Has closed its standard error.
#include <unistd.h>

#include "tests/attach/targets/target.hpp"

int main() {
    close(STDERR_FILENO);
    target::ready();
    for (;;) {
        usleep(100);
        counter = counter + 1;
    }
}
