#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/program.hpp"
#include "tests/support/temporary_folder.hpp"

// Debian's gdb with our script. What fails to run throws std::runtime_error, but for gdb itself.
namespace palloscope::test {

// Commands on a live process, then `detach`; `options` of gdb's own come first.
ProgramResult gdb_on_process(pid_t pid,
                             const std::vector<std::string>& commands,
                             const std::vector<std::string>& options = {});

ProgramResult gdb_on_core(const std::string& executable,
                          const std::string& core,
                          const std::vector<std::string>& commands);

// The path of a core that gcore made of the process, which goes on.
std::string core_of(pid_t pid, const TemporaryFolder& folder);

std::string executable_of(pid_t pid);

std::string contents_of(const std::string& path);

}  // namespace palloscope::test
