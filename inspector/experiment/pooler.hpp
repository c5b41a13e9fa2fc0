#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "attach/error.hpp"
#include "inspector/experiment/child_process.hpp"
#include "inspector/experiment/throwaway_server.hpp"

namespace palloscope {

// A real PgBouncer between the workload and the server. Ends with this owner.
class Pooler {
  public:
    // `settings` are lines of pgbouncer.ini's section [pgbouncer] ("pool_mode = session"); files
    // lie in the server's folder. kFailed where there is no pgbouncer on this machine, or it does
    // not start.
    [[nodiscard]] static Result<Pooler> start(const ThrowawayServer& server,
                                              const std::optional<Account>& account,
                                              const std::vector<std::string>& settings);

    // For the workload: the server's password, another port.
    [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }

  private:
    Pooler(Endpoint endpoint, ChildProcess process)
        : endpoint_(std::move(endpoint)), process_(std::move(process)) {}

    Endpoint endpoint_;
    ChildProcess process_;
};

}  // namespace palloscope
