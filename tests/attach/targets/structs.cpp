// Holds structs of known layout for readers of debug information.
#include "tests/attach/targets/structs.hpp"

#include <unistd.h>

#include "tests/attach/targets/target.hpp"

// So that the compiler describes them.
Everything* everything = nullptr;
OnlyTypedef only_typedef{};
ConstantPoint* constant_point = nullptr;

int main() {
    target::ready();
    pause();
}
