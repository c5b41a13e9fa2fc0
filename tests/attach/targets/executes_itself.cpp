// Becomes a new program, itself, some hundred times a second.
#include <unistd.h>

#include <cstring>

#include "tests/attach/targets/target.hpp"

int main(int, char** arguments) {
    if (arguments[1] == nullptr) {
        target::ready();
    }
    char again[] = "again";
    char* next[] = {arguments[0], again, nullptr};
    execv("/proc/self/exe", next);
    target::require(false, "execv");
}
