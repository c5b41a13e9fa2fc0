#pragma once

#include <atomic>
#include <chrono>

namespace palloscope {

// While it lives, SIGINT and SIGTERM do not end the program but ask it to stop; a second one ends
// it at once, as usual. One at a time.
class StopRequest {
  public:
    StopRequest();
    StopRequest(const StopRequest&) = delete;
    StopRequest& operator=(const StopRequest&) = delete;
    StopRequest(StopRequest&&) = delete;
    StopRequest& operator=(StopRequest&&) = delete;
    ~StopRequest();

    [[nodiscard]] const std::atomic<bool>& flag() const noexcept;

    // Sleeps up to `until`, or until the user asks to stop: true then.
    [[nodiscard]] bool sleep_until(std::chrono::steady_clock::time_point until) const;
};

}  // namespace palloscope
