#include "workload/driver.hpp"

#include <condition_variable>
#include <latch>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "workload/client.hpp"
#include "workload/journal.hpp"
#include "workload/pacer.hpp"
#include "workload/session_pool.hpp"
#include "workload/step_client.hpp"
#include "workload/warning.hpp"

namespace palloscope::workload {

namespace {

constexpr std::chrono::milliseconds kStepSocketPatience{10000};

// The pools of all workers, and which of them each client may use.
struct Connections {
    std::vector<std::unique_ptr<SessionPool>> pools;
    std::vector<std::vector<SessionPool*>> pools_of_client;
};

Connections connections_for(const Layout& layout,
                            const DriverOptions& options,
                            Bookkeeping bookkeeping) {
    Connections connections;
    const auto add_pool = [&](std::string name, const Worker& worker, std::size_t size) {
        const SessionSettings settings{.conninfo = options.conninfo,
                                       .name = std::move(name),
                                       .default_application_name = worker.application_name,
                                       .application_name = options.application_name};
        connections.pools.push_back(
            std::make_unique<SessionPool>(settings, size, options.upkeep, bookkeeping));
        return connections.pools.back().get();
    };
    if (options.sessions) {
        for (std::size_t index = 0; index < *options.sessions; ++index) {
            const Worker& worker = layout.workers[index % layout.workers.size()];
            connections.pools_of_client.push_back(
                {add_pool(fmt::format("session-{}", index + 1), worker, /*size=*/1)});
        }
        return connections;
    }
    std::vector<SessionPool*> all;
    for (const Worker& worker : layout.workers) {
        all.push_back(add_pool(worker.name, worker, layout.pool_size));
    }
    connections.pools_of_client.assign(layout.workers.size(), all);
    return connections;
}

// The loops of one client, to their end.
class LoopRunner {
  public:
    LoopRunner(Scenario& scenario,
               const DriverOptions& options,
               Bookkeeping bookkeeping,
               std::stop_token stop)
        : scenario_(scenario),
          loops_(options.loops),
          bookkeeping_(bookkeeping),
          stop_(std::move(stop)),
          pacer_(options.rate) {}

    void run(Client& client) {
        std::uint64_t done = 0;
        while (!loops_ || done < *loops_) {
            if (!sleep_until(pacer_.next(std::chrono::steady_clock::now()), stop_)) {
                return;
            }
            const auto result = scenario_.loop(client);
            if (result) {
                ++done;
                ++bookkeeping_.counters.loops;
                backoff_.reset();
                continue;
            }
            if (result.error().kind == Error::Kind::kInterrupted || !recover(result.error())) {
                return;
            }
            if (result.error().kind != Error::Kind::kGone) {
                ++done;
            }
        }
    }

  private:
    // Says the first failure and pauses after each. False where the run is to stop.
    bool recover(const Error& error) {
        if (bookkeeping_.journal.error()) {
            return false;
        }
        const auto pause = backoff_.next();
        if (!std::exchange(said_, true)) {
            warn(fmt::format("{}; the loop begins anew (further failures are in the journal)",
                             error.message));
        }
        return sleep_until(std::chrono::steady_clock::now() + pause, stop_);
    }

    Scenario& scenario_;
    std::optional<std::uint64_t> loops_;
    Bookkeeping bookkeeping_;
    std::stop_token stop_;
    Pacer pacer_;
    Backoff backoff_;
    bool said_ = false;
};

// Requests `stop` once `duration` is over; gives up when all `clients` are done.
class Deadline {
  public:
    Deadline(std::optional<std::chrono::nanoseconds> duration, std::stop_source stop) {
        if (duration) {
            thread_ = std::jthread([end = std::chrono::steady_clock::now() + *duration,
                                    stop = std::move(stop)](const std::stop_token& done) mutable {
                if (sleep_until(end, done)) {
                    stop.request_stop();
                }
            });
        }
    }

  private:
    std::jthread thread_;
};

Result<> set_up(Scenario& scenario, const DriverOptions& options, Bookkeeping bookkeeping) {
    // A session of its own, which is not stepped: nobody wants to measure it.
    bookkeeping.step_socket = nullptr;
    const SessionSettings settings{.conninfo = options.conninfo,
                                   .name = "set-up",
                                   .default_application_name = "palloscope-workload set-up"};
    return Session::open(settings, bookkeeping).and_then([&](Session&& session) {
        return scenario.set_up(session);
    });
}

void run_clients(Scenario& scenario,
                 const DriverOptions& options,
                 Bookkeeping bookkeeping,
                 const std::stop_token& stop) {
    Connections connections = connections_for(scenario.layout(), options, bookkeeping);
    std::stop_source end;
    const std::stop_callback stopped(stop, [&end] { end.request_stop(); });
    const Deadline deadline(options.duration, end);
    std::uint64_t seed = options.seed ? *options.seed : random_seed();
    std::vector<std::jthread> threads;
    for (const auto& pools : connections.pools_of_client) {
        threads.emplace_back([&, pools, client_seed = seed++] {
            Client client(pools, client_seed, end.get_token());
            LoopRunner(scenario, options, bookkeeping, end.get_token()).run(client);
            if (bookkeeping.journal.error()) {
                end.request_stop();
            }
        });
    }
    for (std::jthread& thread : threads) {
        thread.join();
    }
}

}  // namespace

Result<> drive(Scenario& scenario,
               const DriverOptions& options,
               Counters& counters,
               const std::stop_token& stop) {
    std::optional<Journal> journal;
    if (options.journal_path) {
        auto opened = Journal::open(*options.journal_path);
        if (!opened) {
            return tl::unexpected(opened.error());
        }
        journal.emplace(std::move(*opened));
    } else {
        journal.emplace();
    }
    std::optional<StepSocket> step_socket;
    if (options.step_socket) {
        step_socket.emplace(*options.step_socket);
        if (auto there = step_socket->wait_for_it(kStepSocketPatience, stop); !there) {
            return there;
        }
    }
    const Bookkeeping bookkeeping{.journal = *journal,
                                  .counters = counters,
                                  .step_socket = step_socket ? &*step_socket : nullptr};
    if (auto ready = set_up(scenario, options, bookkeeping); !ready) {
        return ready;
    }
    run_clients(scenario, options, bookkeeping, stop);
    if (auto error = journal->error()) {
        return tl::unexpected(*error);
    }
    if (counters.loops == 0 && counters.errors > 0 && !stop.stop_requested()) {
        return failure(Error::Kind::kFailed,
                       "not one loop came to its end",
                       "the journal names the SQLSTATE of each statement that failed");
    }
    return {};
}

}  // namespace palloscope::workload
