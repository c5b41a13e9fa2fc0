#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "attach/error.hpp"
#include "inspector/experiment/child_process.hpp"
#include "inspector/experiment/service_account.hpp"
#include "inspector/experiment/temporary_folder.hpp"

namespace palloscope {

// Where a server or a pooler listens, on 127.0.0.1, and the password of its superuser postgres.
struct Endpoint {
    int port = 0;
    std::string password;

    // For libpq, with `application_name`.
    [[nodiscard]] std::string conninfo(const std::string& database,
                                       const std::string& application_name) const;
};

// A port of 127.0.0.1 that nobody uses now. kFailed where there is none.
[[nodiscard]] Result<int> free_port();

// A PostgreSQL server of our own, empty, for one trial: on 127.0.0.1 alone, with a random password,
// without fsync, in a temporary folder. It ends, and its folder goes, with this owner. Where we are
// killed it shuts down at once, and its folder stays below the temporary folder.
class ThrowawayServer {
  public:
    // `settings` are NAME=VALUE. kFailed with the last line of its log where it does not start.
    [[nodiscard]] static Result<ThrowawayServer> start(const std::filesystem::path& programs,
                                                       const std::optional<Account>& account,
                                                       const std::vector<std::string>& settings);

    [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }

    [[nodiscard]] pid_t postmaster_pid() const noexcept { return postmaster_.pid(); }

    // What else the trial keeps in files.
    [[nodiscard]] const TemporaryFolder& folder() const noexcept { return folder_; }

  private:
    ThrowawayServer(TemporaryFolder folder, Endpoint endpoint, ChildProcess postmaster)
        : folder_(std::move(folder)),
          endpoint_(std::move(endpoint)),
          postmaster_(std::move(postmaster)) {}

    // In this order: the postmaster ends before its folder goes.
    TemporaryFolder folder_;
    Endpoint endpoint_;
    ChildProcess postmaster_;
};

}  // namespace palloscope
