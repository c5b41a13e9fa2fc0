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

// What must be known of a process to have it make or reap a child: read before it is held, which
// spares it a tenth of a millisecond.
struct ParentState {
    ProcessStatus status;
    SoftLimits limits;
    std::vector<pid_t> leftovers;  // 32 at most
};

[[nodiscard]] Result<ParentState> read_parent_state(pid_t pid);

// Has the process, which is held, reap those of `parent` that are still left, in the chain that is
// built, and no others: -1 would take its own children from it.
void add_reaping(CallChainBuilder& builder, pid_t pid, const ParentState& parent);

// Whether `child` is one of `parent`. Nothing but a clone(2) with the exit signal 0 makes such
// children.
[[nodiscard]] bool is_leftover(pid_t child, pid_t parent);

// Has the process reap `child`, and all others that were left; lets it go however this ends.
// kTimeout where a signal has stopped it, or it did not come to it within a second.
[[nodiscard]] Result<> reap(StoppedProcess stopped,
                            pid_t child,
                            ParentState parent,
                            const ProcessMemory& memory,
                            const CallGadgets& gadgets);

}  // namespace palloscope
