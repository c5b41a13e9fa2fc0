#pragma once

#include <string>
#include <utility>
#include <vector>

#include "attach/error.hpp"
#include "inspector/sql/libpq_owners.hpp"

namespace palloscope {

// A connection of our own to a server or a pooler of an experiment.
class SqlConnection {
  public:
    // `conninfo` as libpq takes it. kFailed with the server's words, which hold no password.
    [[nodiscard]] static Result<SqlConnection> open(const std::string& conninfo);

    [[nodiscard]] int backend_pid() const;

    // The first column of what a statement gives, which is waited for. kFailed with the server's
    // words.
    [[nodiscard]] Result<std::vector<std::string>> ask(const std::string& sql) const;

    // Sends a statement and does not wait for its end, nor ask what it gives.
    [[nodiscard]] Result<> send(const std::string& sql);

    // Whether a statement that was sent is still at work.
    [[nodiscard]] bool busy();

    // Of the statements that were sent: how many have ended well, and the server's words on the
    // last that did not; as of the last look by busy().
    [[nodiscard]] int succeeded() const noexcept { return succeeded_; }

    [[nodiscard]] const std::string& error() const noexcept { return error_; }

  private:
    explicit SqlConnection(PqConnection connection) : connection_(std::move(connection)) {}

    PqConnection connection_;
    int succeeded_ = 0;
    std::string error_;
};

}  // namespace palloscope
