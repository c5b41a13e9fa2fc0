// Never enters the kernel.
#include "tests/attach/targets/target.hpp"

int main() {
    target::ready();
    for (;;) {
        counter = counter + 1;
    }
}
