#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

// What the kernel says of a process, read by the tests' own eyes rather than by the code under
// test. Those of one process, but is_running, throw std::runtime_error where the process is gone.
namespace palloscope::test {

// The letter of proc(5): R running, S sleeping, T stopped, t stopped by a tracer, Z ended.
char state_of(pid_t pid);

// False where it is gone, and where it is a zombie that its parent has yet to reap.
bool is_running(pid_t pid);

// 0 where nobody traces it.
pid_t tracer_pid(pid_t pid);

// In clock ticks since boot; with the PID it names one process for ever.
std::uint64_t start_time(pid_t pid);

// Each open descriptor and what it links to, such as "socket:[1234]".
std::map<int, std::string> open_descriptors(pid_t pid);

std::vector<pid_t> children_of(pid_t pid);

// How a process ended that its parent has not reaped yet, as wait(2) would tell.
int exit_status_of(pid_t zombie);

// Asks every millisecond until `condition` holds; false when time runs out. For what no event
// tells.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds timeout = std::chrono::seconds(10));

}  // namespace palloscope::test
