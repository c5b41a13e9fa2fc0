#pragma once

#include <cstdint>

namespace palloscope {

// Whether a system call (its number, or -1 for none) waits for what others do: for a client, a
// latch, a lock of System V, a while. Who is in it is in the middle of no function that takes
// memory; futex(2), of which malloc's own locks are made, is none of them.
[[nodiscard]] bool waits_for_others(std::int64_t system_call) noexcept;

}  // namespace palloscope
