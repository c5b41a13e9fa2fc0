#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace palloscope {

// Now, Unix time in nanoseconds.
[[nodiscard]] std::int64_t unix_time_ns();

// Unix time in nanoseconds as ISO 8601 in UTC with microseconds: "2026-11-23T09:00:00.123456Z".
[[nodiscard]] std::string iso_time_text(std::int64_t unix_ns);

// Reads that form, whose fraction may be left out; none where it is another or no date.
[[nodiscard]] std::optional<std::int64_t> unix_ns_from_iso_time(std::string_view text);

// For people: "2026-11-23 09:00:00.123 UTC".
[[nodiscard]] std::string moment_text(std::int64_t unix_ns);

// For estimates: "2026-11-23 09:00 UTC", rounded.
[[nodiscard]] std::string minute_text(std::int64_t unix_ns);

// A length of time with its unit: "412 us", "1.4 ms", "30.0 s", "5.5 min", "2.0 h".
[[nodiscard]] std::string duration_text(double us);

// server_version_num as the server writes its version: "15.18" for 150018, "9.4.26" for 90426.
[[nodiscard]] std::string server_version_text(int server_version_num);

}  // namespace palloscope
