#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>

#include "attach/call_chain.hpp"
#include "attach/captured_call.hpp"
#include "attach/error.hpp"
#include "attach/file_descriptor.hpp"
#include "attach/process_memory.hpp"
#include "attach/stopped_process.hpp"

// What a copy-on-write child (attach/copy_on_write_child.hpp), which we hold, is made to do. A
// chain in the child restores nothing: it ends in exit_group(0).
namespace palloscope {

// Runs the child through the one step that was built, a system call, and gives its result.
[[nodiscard]] Result<std::int64_t> run_only_step(StoppedProcess& child,
                                                 const ProcessMemory& memory,
                                                 const CallGadgets& gadgets,
                                                 CallChainBuilder& builder);

// Starts the calls, one after the other, with standard error in a file in memory, and gives ours of
// it. kUnsupported where the child can make no such file, or has no room on its stack.
[[nodiscard]] Result<FileDescriptor> start_calls(StoppedProcess& child,
                                                 const ProcessMemory& memory,
                                                 const CallGadgets& gadgets,
                                                 std::span<const FunctionCall> calls);

// Runs the child through its calls to its end; `before_exit` is called when all have returned.
// kFailed where one faults or does not return in time.
[[nodiscard]] Result<> finish_calls(StoppedProcess& child,
                                    std::chrono::milliseconds timeout,
                                    const std::function<void()>& before_exit);

}  // namespace palloscope
