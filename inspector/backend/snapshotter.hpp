#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>

#include "attach/error.hpp"
#include "inspector/backend/backend.hpp"
#include "inspector/backend/process_info.hpp"
#include "inspector/backend/stats_call.hpp"
#include "inspector/model/snapshot.hpp"

namespace palloscope {

// Takes snapshots of one backend, and keeps between them what does not change.
//
//     auto snapshotter = Snapshotter::open(4242);
//     auto snapshot = snapshotter->take(std::chrono::seconds(5));
class Snapshotter {
  public:
    // Errors as Backend::open. `literals` says whether idents and the running statement keep the
    // literals of SQL.
    [[nodiscard]] static Result<Snapshotter> open(pid_t pid, Literals literals);

    // By the method `call`. kTimeout where no safe point came within `timeout`.
    [[nodiscard]] Result<Snapshot> take(std::chrono::milliseconds timeout);

    [[nodiscard]] const Backend& backend() const noexcept { return *backend_; }

  private:
    Snapshotter(std::unique_ptr<Backend> backend, Literals literals)
        : backend_(std::move(backend)), literals_(literals), call_(*backend_) {}

    std::unique_ptr<Backend> backend_;  // its address is kept by call_
    Literals literals_;
    StatsCall call_;
};

}  // namespace palloscope
