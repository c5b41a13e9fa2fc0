#pragma once

#include <string>

#include "attach/error.hpp"

namespace palloscope {

// For files and sockets of ours, where os_error's remedy, which speaks of processes, would mislead.
// `err` is an errno value; its text is appended to `what`. EPERM and EACCES become kPermission, all
// else kFailed.
[[nodiscard]] tl::unexpected<Error> io_error(int err, const std::string& what);

}  // namespace palloscope
