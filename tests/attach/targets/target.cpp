#include "tests/attach/targets/target.hpp"

#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

volatile std::uint64_t counter = 0;
volatile std::uint64_t mismatches = 0;

namespace {

constexpr int kLineBytes = 16;
constexpr int kLinesAWrite = 64;

void write_line(char* line, long number) {
    for (int i = 0; i < kLineBytes; ++i) {
        line[i] = "line           \n"[i];
    }
    int at = kLineBytes - 2;
    do {
        line[at--] = static_cast<char>('0' + number % 10);
        number /= 10;
    } while (number > 0);
}

}  // namespace

void print_many(long lines) {
    char buffer[kLinesAWrite * kLineBytes];
    for (long line = 0; line < lines;) {
        int in_buffer = 0;
        while (in_buffer < kLinesAWrite && line < lines) {
            write_line(buffer + in_buffer++ * kLineBytes, line++);
        }
        if (write(STDERR_FILENO, buffer, static_cast<std::size_t>(in_buffer * kLineBytes)) < 0) {
            _exit(99);
        }
    }
}

void never_return() {
    const timespec moment{.tv_sec = 0, .tv_nsec = 1000000};
    for (;;) {
        nanosleep(&moment, nullptr);
        counter = counter + 1;
    }
}

void fault() {
    print_many(1);
    *reinterpret_cast<volatile char*>(16) = 1;
}

void target::ready() {
    require(write(STDOUT_FILENO, "ready\n", 6) == 6, "write");
}

void target::require(bool condition, const char* what) {
    if (!condition) {
        perror(what);
        exit(98);
    }
}
