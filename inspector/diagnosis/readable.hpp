#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace palloscope {

// Figures as people read them, in PostgreSQL's units (1 kB = 1024 bytes, as in postgresql.conf).

// "812 bytes", "4.20 kB", "878 MB", "-36.0 kB".
[[nodiscard]] std::string readable_bytes(double bytes);

// "0.35 s", "42 s", "49 min 12 s", "3 h 5 min".
[[nodiscard]] std::string readable_seconds(double seconds);

// "1,204,000".
[[nodiscard]] std::string readable_count(double count);

// "96 %", of a share between 0 and 1; "99.6 %" where rounding would say too much.
[[nodiscard]] std::string readable_share(double share);

// "1 snapshot", "12 snapshots".
[[nodiscard]] std::string counted(std::int64_t count, std::string_view noun);

}  // namespace palloscope
