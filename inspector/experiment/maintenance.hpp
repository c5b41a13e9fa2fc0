#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "attach/error.hpp"
#include "inspector/experiment/sql_connection.hpp"
#include "inspector/experiment/throwaway_server.hpp"

namespace palloscope {

// A statement of our own, now and then, in every database of a trial's server. Its connections last
// no longer than it does: a workload can drop the databases that it made.
//
//     Maintenance maintenance(server.endpoint());
//     if (!maintenance.busy()) {
//         maintenance.start("VACUUM");
//     }
class Maintenance {
  public:
    explicit Maintenance(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}

    // Sends `sql` to each database that takes connections and is no template, and does not wait for
    // its end: it may have to wait for a lock of the workload.
    void start(const std::string& sql);

    // Whether it is still at work somewhere; ends the connections where it is not.
    [[nodiscard]] bool busy();

    // The backends that have served it, those that are gone too.
    [[nodiscard]] const std::vector<pid_t>& backend_pids() const noexcept { return backend_pids_; }

    // In how many databases it has ended well, each time counted, and what went wrong last; as of
    // the last look by busy().
    [[nodiscard]] int succeeded() const noexcept { return succeeded_; }

    [[nodiscard]] const std::string& error() const noexcept { return error_; }

  private:
    [[nodiscard]] Result<SqlConnection> connect(const std::string& database);
    [[nodiscard]] Result<> start_in(const std::string& database, const std::string& sql);

    Endpoint endpoint_;
    std::vector<SqlConnection> at_work_;
    std::vector<pid_t> backend_pids_;
    int succeeded_ = 0;
    std::string error_;
};

}  // namespace palloscope
