#pragma once

#include <string>

#include "attach/error.hpp"

namespace palloscope::workload {

// A system call that failed with the errno value `err` on a file or socket of ours: `what`, and the
// reason. kPermission for EACCES and EPERM, kFailed for all else. (os_error() of attach/ would
// suggest capabilities for tracing, which have no part in it.)
[[nodiscard]] tl::unexpected<Error> system_error(int err, const std::string& what);

}  // namespace palloscope::workload
