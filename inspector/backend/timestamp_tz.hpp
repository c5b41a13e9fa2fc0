#pragma once

#include <algorithm>
#include <cstdint>

namespace palloscope {

// Unix time in nanoseconds of a TimestampTz, which is in microseconds since 2000-01-01
// (src/include/datatype/timestamp.h). Beyond the year 2142 either way, as only a hostile one is,
// that year.
[[nodiscard]] constexpr std::int64_t unix_ns_of(std::int64_t timestamp_us) {
    constexpr std::int64_t kPostgresEpochUs = 946'684'800'000'000;
    constexpr std::int64_t kMostUs = std::int64_t{1} << 52U;
    return (std::clamp<std::int64_t>(timestamp_us, -kMostUs, kMostUs) + kPostgresEpochUs) * 1000;
}

}  // namespace palloscope
