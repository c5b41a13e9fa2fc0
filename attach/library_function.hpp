#pragma once

#include <sys/types.h>

#include <span>
#include <string_view>

#include "attach/error.hpp"
#include "attach/proc.hpp"
#include "attach/remote_address.hpp"

namespace palloscope {

// Where a function of a shared library lies in a process. The library is the mapped file that is
// called so, whatever its version ("libc"), in the process's own mount namespace. kUnsupported
// where it has none of that name, where the file was replaced since, or does not export the
// function.
[[nodiscard]] Result<RemoteAddress> find_library_function(pid_t pid,
                                                          std::span<const Mapping> mappings,
                                                          std::string_view library,
                                                          std::string_view function);

}  // namespace palloscope
