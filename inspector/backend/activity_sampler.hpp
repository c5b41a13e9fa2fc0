#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attach/error.hpp"
#include "inspector/model/statement.hpp"

namespace palloscope {

// Sees which statements backends run, from outside: a thread looks at what all of them tell of
// themselves in shared memory (BackendStatus), as often as takes its share of one processor
// (LookPace), with what is done with the statements that were seen. It stops nobody and asks the
// server nothing.
//
//     ActivitySampler sampler;
//     sampler.watch(pids);
//     … std::vector<Execution> executions = *sampler.poll();
class ActivitySampler {
  public:
    ActivitySampler();
    ActivitySampler(const ActivitySampler&) = delete;
    ActivitySampler(ActivitySampler&& other) noexcept;
    ActivitySampler& operator=(const ActivitySampler&) = delete;
    ActivitySampler& operator=(ActivitySampler&& other) noexcept;
    ~ActivitySampler();

    // From now on these backends and no others. One that cannot be watched is noted.
    void watch(std::span<const int> pids);

    // A backend that is watched has gone, and with it its last statement, which the next poll()
    // gives.
    void finish(int pid);

    // The statements that have ended since the last call; rows and errors are not known. Those of a
    // backend are in their order. Never fails; a Result like that of other sources.
    [[nodiscard]] Result<std::vector<Execution>> poll();

    // BackendHistory::seen_share of a backend that is watched, as at the last look.
    [[nodiscard]] std::optional<double> seen_share(int pid) const;

    // What the reader of a report must know: how many statements may have been missed, and which
    // backends were not watched, and why.
    // To be asked at the end.
    [[nodiscard]] std::vector<std::string> notes();

  private:
    class Impl;

    std::unique_ptr<Impl> impl_;
};

}  // namespace palloscope
