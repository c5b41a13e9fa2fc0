#pragma once

#include <chrono>

#include "inspector/cli/command.hpp"
#include "inspector/cli/interruption.hpp"

namespace palloscope {

// Sleeps for `wait`, or until the user asks to stop, between two looks at a backend, and lets go
// meanwhile of what a stop could not let go of (StoppedProcess::release_late_stops). The exit code
// that follows once the second look is shown: an interrupt shows what has grown until then.
[[nodiscard]] ExitCode await_second_look(const StopRequest& stop, std::chrono::nanoseconds wait);

}  // namespace palloscope
