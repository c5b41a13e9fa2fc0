#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace palloscope {

// Times in a server's log (log_timezone): "2026-11-25 02:21:06.190 CET", "2026-11-25 02:21:06 -03",
// and "1764037266.190" (%n). UTC, GMT and numeric offsets say what they are. Other abbreviations
// do not (IST is three zones): of those, the first time that is read decides, which must have been
// written just now, so that the zone is its distance from now in quarters of an hour.
class LogClock {
  public:
    explicit LogClock(std::function<std::int64_t()> now);

    // Unix time in nanoseconds; none where it is no time, or of a zone that cannot be known.
    [[nodiscard]] std::optional<std::int64_t> unix_ns(std::string_view text);

  private:
    [[nodiscard]] std::optional<std::int64_t> offset_of(std::string_view zone,
                                                        std::int64_t local_ns);

    std::function<std::int64_t()> now_;
    std::map<std::string, std::int64_t, std::less<>> learnt_;  // nanoseconds east of UTC
};

// Whether a text begins as these times do: "2026-11-25 02:21:06".
[[nodiscard]] bool begins_with_log_time(std::string_view text);

}  // namespace palloscope
