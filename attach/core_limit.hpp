#pragma once

#include <sys/types.h>

namespace palloscope {

// Has the kernel write no core of this process, nor give one to a program (RLIMIT_CORE of 1:
// fs/coredump.c). Where it may not be set, it stays as it is.
void forbid_core(pid_t pid);

}  // namespace palloscope
