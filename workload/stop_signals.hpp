#pragma once

#include <chrono>
#include <functional>
#include <stop_token>

#include "attach/error.hpp"
#include "workload/descriptor.hpp"

namespace palloscope::workload {

// SIGINT and SIGTERM as a request to stop instead of a death.
//
// Make it before the first thread, so that all threads have both signals blocked:
//
//     auto signals = StopSignals::catch_them();
//     std::thread work([&] { do_it(stop.get_token()); signals->finish(); });
//     signals->wait(stop, progress);
class StopSignals {
  public:
    [[nodiscard]] static Result<StopSignals> catch_them();

    // Waits for finish(). The first signal requests `stop`; the second one ends the process at
    // once, with exit code 130. `progress` is called about once a second meanwhile.
    void wait(std::stop_source stop, const std::function<void()>& progress);

    // Ends wait(); from any thread.
    void finish();

  private:
    StopSignals(Descriptor signals, Descriptor finished);

    Descriptor signals_;
    Descriptor finished_;
};

}  // namespace palloscope::workload
