#pragma once

#include <chrono>
#include <functional>

namespace palloscope::test {

// Starts a process that does `action`, which traces a target for a while, again and again, and
// kills it `when` after `begun` was first seen to hold. Fails the test where it cannot.
void kill_repeating_tracer(const std::function<void()>& action,
                           const std::function<bool()>& begun,
                           std::chrono::microseconds when);

}  // namespace palloscope::test
