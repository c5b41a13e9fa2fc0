#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace palloscope {

// How long all processors together were idle since the machine started, in clock ticks, waits for
// disks included (the first line of /proc/stat, proc(5)).
[[nodiscard]] std::optional<std::uint64_t> parse_idle_ticks(std::string_view text);

// How much of the machine's processors nobody uses.
class IdleProcessors {
  public:
    using Clock = std::chrono::steady_clock;

    // On average since the call before: 1.5 is one and a half of them. Zero at the first call, and
    // where the kernel does not tell.
    [[nodiscard]] double count();

  private:
    std::optional<std::uint64_t> ticks_;
    Clock::time_point asked_at_;
};

}  // namespace palloscope
