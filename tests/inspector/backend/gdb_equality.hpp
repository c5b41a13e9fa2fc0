#pragma once

#include "inspector/backend/snapshotter.hpp"

namespace palloscope::test {

// Expects the same contexts, to the byte, from our own walk, from the script in gdb
// (scripts/gdb/palloscope.py) under one stop, and from both in a core that gdb makes under that
// very stop. The backend must be at rest now and then.
void expect_equal_in_gdb_and_in_a_core(Snapshotter& snapshotter);

}  // namespace palloscope::test
