#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct pg_conn;

namespace palloscope::test {

// Rows of text; nullopt is SQL's null.
using Rows = std::vector<std::vector<std::optional<std::string>>>;

// One connection to a server, and so one backend. Everything but alive() throws std::runtime_error
// with the server's message when something fails, or when no answer comes in time.
//
//     Session session = Session::connect(server.dsn());
//     session.exec("CREATE TABLE t (id int)");
//     auto version = session.exec("SHOW server_version").at(0).at(0);
class Session {
  public:
    static Session connect(const std::string& dsn);

    // As it was at the start, also when the connection is lost.
    pid_t backend_pid() const { return backend_pid_; }

    // Rows of the last statement in `sql`, which may hold several.
    Rows exec(const std::string& sql, std::chrono::milliseconds timeout = std::chrono::seconds(60));

    // The two halves of exec, for a backend that is to be busy in between.
    void send(const std::string& sql);
    Rows finish(std::chrono::milliseconds timeout = std::chrono::seconds(60));

    // Asks the server to cancel what was sent; finish() then throws. A backend that has not begun
    // yet ignores it.
    void cancel();

    // Whether the backend answers a SELECT.
    bool alive();

  private:
    struct Close {
        void operator()(pg_conn* connection) const noexcept;
    };

    explicit Session(pg_conn* connection);

    void wait_for_result(std::chrono::steady_clock::time_point deadline);
    [[noreturn]] void fail(const std::string& what) const;

    std::unique_ptr<pg_conn, Close> connection_;
    pid_t backend_pid_;
};

}  // namespace palloscope::test
