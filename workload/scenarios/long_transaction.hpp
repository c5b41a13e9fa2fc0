#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>

#include "workload/session.hpp"

namespace CLI {
class App;
}

namespace palloscope::workload {

// The transaction that each session of an application keeps open over many loops, as a batch job
// does that commits once in so many items. Thread-safe.
//
// A run that ends in the middle leaves it to the server to roll back.
class LongTransaction {
  public:
    // Adds --loops-per-transaction to a scenario's command.
    void add_option(CLI::App& command);

    // Runs `body` in the open transaction of `session`: begins one where there is none, commits it
    // after its last loop, and rolls it back where `body` fails on a living connection. Steps of
    // the journal as Session::transaction() has them.
    [[nodiscard]] Result<> run(Session& session,
                               const std::string& step,
                               const std::function<Result<>()>& body);

  private:
    // Whether the loop that `session` has just done was the last of its transaction.
    bool is_over(const Session& session);

    std::size_t loops_per_transaction_ = 5000;
    std::mutex mutex_;
    std::map<int, std::size_t> loops_done_;  // in the open transaction of each backend
};

}  // namespace palloscope::workload
