#include "tests/bench/latency_probe.hpp"

#include <algorithm>
#include <exception>

namespace palloscope::test {

using std::chrono::steady_clock;

LatencyProbe::LatencyProbe(Session& session) : session_(session), thread_([this] { run(); }) {
    answered_.wait(false);
}

std::chrono::microseconds LatencyProbe::stop() {
    stop_ = true;
    if (thread_.joinable()) {
        thread_.join();
    }
    if (error_) {
        std::rethrow_exception(error_);
    }
    return std::chrono::duration_cast<std::chrono::microseconds>(longest_);
}

void LatencyProbe::run() {
    try {
        while (!stop_) {
            const auto asked = steady_clock::now();
            session_.exec("SELECT 1");
            longest_ = std::max(longest_, steady_clock::now() - asked);
            answered_ = true;
            answered_.notify_one();
        }
    } catch (const std::exception&) {
        error_ = std::current_exception();
        answered_ = true;
        answered_.notify_one();
    }
}

}  // namespace palloscope::test
