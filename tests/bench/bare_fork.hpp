#pragma once

#include <sys/types.h>

#include <chrono>

namespace palloscope::test {

// How long fork(2) takes here, in the median, for a process with as much anonymous memory as `pid`
// has: what a copy-on-write child of it costs at least, whoever makes it. Throws std::runtime_error
// where it cannot be measured.
std::chrono::microseconds bare_fork(pid_t pid);

}  // namespace palloscope::test
