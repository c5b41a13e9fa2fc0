#pragma once

#include <string>

#include "attach/error.hpp"
#include "inspector/backend/process_info.hpp"
#include "inspector/model/snapshot.hpp"

namespace palloscope {

// The snapshot of a backend out of a core file, `executable` being the server's file that it ran.
// It needs no right but to read these files. What a core does not hold stays null or 0: resident
// memory, and the state where shared memory was left out. Its method is read, its pause 0, and it
// was taken when the file was written.
//
// kGone where the core is of no PostgreSQL server, kUnsupported where it is of another executable,
// or where this version, build or core cannot be read, kFailed where the core is none, cut off or
// damaged, or was made in the middle of a change.
[[nodiscard]] Result<Snapshot> snapshot_of_core(const std::string& core,
                                                const std::string& executable,
                                                Literals literals);

}  // namespace palloscope
