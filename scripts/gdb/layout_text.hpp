#pragma once

#include <string>

namespace palloscope {

// scripts/gdb/palloscope_gdb/layouts.py: what inspector/ knows of PostgreSQL's structures, as
// Python, for the gdb script.
[[nodiscard]] std::string layout_text();

}  // namespace palloscope
