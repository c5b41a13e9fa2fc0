#pragma once

#include <cstdint>

// What every target program has: things that a test looks up by their symbols, reads and calls.
extern "C" {

// Goes up for as long as the program does what it is for.
extern volatile std::uint64_t counter;
// Goes up when the program finds itself changed.
extern volatile std::uint64_t mismatches;

// Writes `lines` lines of 16 bytes each, "line        42\n", to standard error; touches nothing
// else, so that it may be called at any instruction.
void print_many(long lines);

// Waits for ever, in many short sleeps.
void never_return();

// Writes to no memory of the program, after one line to standard error.
void fault();
}

namespace target {

// Tells the test, on standard output, that the program is set up.
void ready();

// Ends the program with a message where `condition` does not hold: a set-up that failed.
void require(bool condition, const char* what);

}  // namespace target
