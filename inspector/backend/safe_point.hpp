#pragma once

#include "attach/error.hpp"
#include "inspector/backend/backend.hpp"

namespace palloscope {

// Whether a function of the server may be called in this process: it is a client backend that runs
// no statement and waits for its client's next one.
//
// That is: its system call is one in which a backend sleeps for its client (epoll_wait(2) in 10 and
// later, poll(2) in 9.6, recvfrom(2) before), debug_query_string is null (postgres.c sets it while
// a message is worked on), InterruptHoldoffCount and CritSectionCount are zero (miscadmin.h), and
// it is not on its way out (proc_exit_inprogress). A backend that waits for a lock or for another
// process sleeps in the same system calls, but its debug_query_string is set.
//
// The answer holds for as long as the process is held stopped; without that it is a hint whether to
// stop it. kUnsupported for a process that never has such a point: no client backend.
[[nodiscard]] Result<bool> at_safe_point(const Backend& backend);

}  // namespace palloscope
