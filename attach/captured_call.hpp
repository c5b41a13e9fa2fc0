#pragma once

#include <chrono>
#include <string>

#include "attach/call_chain.hpp"
#include "attach/error.hpp"
#include "attach/process.hpp"
#include "attach/process_memory.hpp"
#include "attach/remote_address.hpp"
#include "attach/stopped_process.hpp"

namespace palloscope {

struct FunctionCall {
    RemoteAddress function;
    CallChainBuilder::Arguments arguments{};
};

struct CapturedOutput {
    // What the function wrote to its standard error.
    std::string text;
    // From the moment when the process was told to stop until it went on by itself.
    double pause_us = 0;
};

// Makes the stopped process call a function of its own while its standard error is a file in memory
// that only we read, and lets it go.
//
// Two chains that restore themselves do it (attach/call_chain.hpp). The first one makes the file
// and a duplicate of the standard error, and closes both: it leaves nothing behind, whatever fails
// in it. We hold the process in the middle of it, look whether the descriptors got the numbers that
// were foretold, and switch over, by one write of the registers, to the second one, which
// redirects, calls, puts back, closes and notes the time. From either's start on the process needs
// nobody, and ends as it was, also when we are killed at any instruction.
//
// It is the caller's duty that the function may run at this point, and returns. `stopped` is
// consumed: the process runs on however this ends. kUnsupported where the process cannot be called
// into, as one of several threads, of which one could open a file under a number that was foretold
// if we were killed in the middle; kFailed where it does not come back within `timeout` (it then
// goes on with the call by itself), kGone where it ended.
[[nodiscard]] Result<CapturedOutput> call_with_captured_stderr(StoppedProcess stopped,
                                                               const Process& process,
                                                               const ProcessMemory& memory,
                                                               const CallGadgets& gadgets,
                                                               const FunctionCall& call,
                                                               std::chrono::milliseconds timeout);

}  // namespace palloscope
