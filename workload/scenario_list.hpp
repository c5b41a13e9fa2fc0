#pragma once

#include <string>

namespace palloscope::workload {

// Every scenario with its causes and its summary, a line each.
[[nodiscard]] std::string scenario_list_table();

// One JSON array of objects: `name`, `summary` and `leaks`, which is empty for a control and else
// an array of `cause`, `statements` and `places` (see Leak).
[[nodiscard]] std::string scenario_list_json();

}  // namespace palloscope::workload
