#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <vector>

#include "attach/error.hpp"
#include "workload/random.hpp"
#include "workload/session_pool.hpp"

namespace palloscope::workload {

// One user of the application under load, such as one thread of JMeter: sends its requests one
// after the other, each to a worker of the application's choice. What a scenario's loop is given.
class Client {
  public:
    // Sends requests to any of `pools`, which has at least one and outlives it.
    Client(std::vector<SessionPool*> pools, std::uint64_t seed, std::stop_token stop);

    // The session that serves the next request; to be given back (by the end of its life) before
    // another one is taken. kInterrupted once the run is to stop: so a loop ends between two
    // transactions.
    [[nodiscard]] Result<SessionPool::Lease> session();

    [[nodiscard]] Random& random() { return random_; }

  private:
    std::vector<SessionPool*> pools_;
    Random random_;
    std::stop_token stop_;
};

}  // namespace palloscope::workload
