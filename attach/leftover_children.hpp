#pragma once

#include <sys/types.h>

#include <vector>

#include "attach/call_chain.hpp"
#include "attach/error.hpp"
#include "attach/proc.hpp"
#include "attach/process_memory.hpp"
#include "attach/stopped_process.hpp"

// Copy-on-write children (attach/copy_on_write_child.hpp) that have ended and are yet to be reaped,
// which only the process that was made to make them can do: it does not know them.
namespace palloscope {

// Those of a process, 32 at most.
[[nodiscard]] std::vector<pid_t> list_leftovers(pid_t parent);

// Has the process reap these in the chain that is built, and no others: -1 would take its own
// children from it.
void add_reaping(CallChainBuilder& builder,
                 const std::vector<pid_t>& leftovers,
                 const ProcessStatus& parent);

// Whether `child` is one of `parent`. Nothing but a clone(2) with the exit signal 0 makes such
// children.
[[nodiscard]] bool is_leftover(pid_t child, pid_t parent);

// Has the process reap `child`, and all others that are left; lets it go however this ends.
// kTimeout where a signal has stopped it, or it did not come to it within a second.
[[nodiscard]] Result<> reap(StoppedProcess stopped,
                            pid_t child,
                            const ProcessMemory& memory,
                            const CallGadgets& gadgets);

}  // namespace palloscope
