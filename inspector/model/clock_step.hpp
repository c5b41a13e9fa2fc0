#pragma once

#include <cstdint>

namespace palloscope {

// The machine's clock was set.
struct ClockStep {
    std::int64_t at_ns = 0;  // when that was seen, Unix time by the clock as it is since
    std::int64_t by_ns = 0;  // below 0: back

    bool operator==(const ClockStep&) const = default;
};

}  // namespace palloscope
