#pragma once

#include <string_view>

namespace palloscope::workload {

// Prints `message` as a line of its own on standard error, in one piece whichever thread says it.
// Never to be given a statement's text or the server's words about it: both can hold literals.
void warn(std::string_view message);

}  // namespace palloscope::workload
