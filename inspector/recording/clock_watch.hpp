#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "inspector/model/clock_step.hpp"

namespace palloscope {

// Sees when the machine's clock is set, forward or back: Unix time goes another way then than time
// that nobody sets. A machine that was suspended looks alike: nothing ran meanwhile.
class ClockWatch {
  public:
    // A step since the last call, of half a second at least: the clock is also made to go a little
    // faster or slower for a while (adjtimex(2)).
    std::optional<ClockStep> look(std::int64_t unix_ns,
                                  std::chrono::steady_clock::time_point steady);

  private:
    std::optional<std::int64_t> offset_ns_;
};

}  // namespace palloscope
