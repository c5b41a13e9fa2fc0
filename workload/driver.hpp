#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "attach/error.hpp"
#include "workload/scenario.hpp"
#include "workload/session.hpp"
#include "workload/session_pool.hpp"

namespace palloscope::workload {

// How a scenario is run.
struct DriverOptions {
    std::string conninfo;                              // libpq's
    std::optional<std::string> application_name;       // in place of the scenario's own
    std::optional<std::string> journal_path;           // none: no journal
    std::optional<std::string> step_socket;            // none: no stepping
    std::optional<double> rate;                        // loops per second and client
    std::optional<std::chrono::nanoseconds> duration;  // of the loops; set-up is not counted
    std::optional<std::uint64_t> loops;                // per client
    std::optional<std::size_t> sessions;               // in place of the scenario's own layout
    Upkeep upkeep;
    std::optional<std::uint64_t> seed;  // none: another one each run
};

// Sets the scenario up and runs its loops until they are done, time is over or `stop` is requested;
// then each client finishes the transaction that it is in. `counters` may be read meanwhile.
//
// A statement that fails or a connection that is lost ends the loop in which it happens, and the
// client begins its next one, after a growing pause where failures follow one another. A loop cut
// short by a lost connection is done again; one with a failed statement counts as done.
// Errors: what kept the run from beginning (no server, no set-up, no journal, no stepping socket),
// a journal that could no longer be written, or that not one loop came to its end.
[[nodiscard]] Result<> drive(Scenario& scenario,
                             const DriverOptions& options,
                             Counters& counters,
                             const std::stop_token& stop);

}  // namespace palloscope::workload
