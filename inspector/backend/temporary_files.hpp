#pragma once

#include <sys/types.h>

#include "attach/error.hpp"
#include "inspector/model/explanation.hpp"

namespace palloscope {

// Those that process `pid` has open: sorts, hashes and held cursors that did not fit into work_mem
// lie in files named pgsql_tmp… (fd.c, OpenTemporaryFileInTablespace). Errors as
// list_descriptors().
[[nodiscard]] Result<TemporaryFiles> read_temporary_files(pid_t pid);

}  // namespace palloscope
