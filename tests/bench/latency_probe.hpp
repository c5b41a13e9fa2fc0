#pragma once

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/support/session.hpp"

namespace palloscope::test {

// Sends one small query after another on a session, from a thread of its own, and remembers the
// longest wait for an answer: what a client notices of a pause. Nobody else may use the session,
// nor destroy it, while it runs.
//
//     LatencyProbe probe(session);
//     … pause the backend …
//     auto longest = probe.stop();
class LatencyProbe {
  public:
    // Returns once the first answer came.
    explicit LatencyProbe(Session& session);

    LatencyProbe(const LatencyProbe&) = delete;
    LatencyProbe& operator=(const LatencyProbe&) = delete;
    LatencyProbe(LatencyProbe&&) = delete;
    LatencyProbe& operator=(LatencyProbe&&) = delete;
    ~LatencyProbe() = default;

    // Waits for the answer under way. Throws what the session threw.
    std::chrono::microseconds stop();

  private:
    void run();

    Session& session_;
    std::atomic<bool> stop_ = false;
    std::atomic<bool> answered_ = false;
    std::chrono::steady_clock::duration longest_{};
    std::exception_ptr error_;
    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace palloscope::test
