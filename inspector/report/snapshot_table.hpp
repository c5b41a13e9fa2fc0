#pragma once

#include <string>

#include "inspector/model/snapshot.hpp"

namespace palloscope {

// A snapshot as psql prints "table pg_backend_memory_contexts", with the columns of PostgreSQL 18's
// view for every version and its cut of idents at 1,024 bytes. Nothing is folded or fitted to a
// terminal, so that it can be compared and cut by columns. Ends in a newline.
[[nodiscard]] std::string snapshot_table(const Snapshot& snapshot);

}  // namespace palloscope
