#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attach/error.hpp"
#include "workload/journal.hpp"
#include "workload/step_client.hpp"

// libpq's own types, so that its header stays out of ours.
struct pg_conn;
struct pg_result;

namespace palloscope::workload {

// What a run has done so far, counted by all of its sessions.
struct Counters {
    std::atomic<std::uint64_t> loops{0};       // those that came to their end
    std::atomic<std::uint64_t> statements{0};  // those sent, failed ones among them
    std::atomic<std::uint64_t> errors{0};      // statements that failed
    std::atomic<std::uint64_t> reconnects{0};  // sessions opened in place of another one
    std::atomic<std::uint64_t> upkeeps{0};     // what was to be done between requests
};

// What every session writes to. Outlives them all.
struct Bookkeeping {
    Journal& journal;
    Counters& counters;
    StepSocket* step_socket = nullptr;  // none: no stepping
};

// A statement to be sent, and where in the workload it stands ("load-policy/create-schema").
struct Statement {
    std::string step;
    std::string sql;
};

// The result of one statement.
class Rows {
  public:
    // Takes over a result of libpq; null counts as a success without rows.
    explicit Rows(pg_result* result);

    [[nodiscard]] bool succeeded() const;

    // That of a statement that failed; 08006 (connection_failure) where the server gave none.
    [[nodiscard]] std::string sqlstate() const;

    // Rows given, or for INSERT, UPDATE, DELETE and the like rows affected.
    [[nodiscard]] std::int64_t count() const;

    // One value as text, empty for NULL and for what is not there.
    [[nodiscard]] std::string_view value(int row, int column) const;

  private:
    std::unique_ptr<pg_result, void (*)(pg_result*)> result_;
};

// How to connect, and as what.
struct SessionSettings {
    std::string conninfo;  // libpq's; what it leaves out comes from libpq's environment variables
    std::string name;      // the journal's `session`
    // application_name where neither `conninfo` nor the environment sets one …
    std::string default_application_name;
    // … and the one that wins over both.
    std::optional<std::string> application_name;
};

// One connection to PostgreSQL whose every statement is timed, masked, journalled and, where the
// run is stepped, waited for.
//
// Statements are sent in the simple protocol, literals in their texts, as Sequel and many other
// clients send them. One thread at a time. After a statement failed with kGone the connection is
// lost (lost() is true) and the session of no more use.
//
//     auto session = Session::open(settings, bookkeeping);
//     auto rows = session->run("login/role", fmt::format("SELECT … = {}", session->literal(id)));
class Session {
  public:
    // kFailed, with libpq's reason (which names host, database and user but no password).
    [[nodiscard]] static Result<Session> open(const SessionSettings& settings,
                                              Bookkeeping bookkeeping);

    // Sends one statement, which is no COPY. kFailed with its SQLSTATE where the server refused it;
    // kGone where the connection was lost, journalled as 08006 unless the server answered this very
    // statement with the reason; kFailed too where the journal could not be written
    // (Journal::error() tells). The messages hold no literals.
    [[nodiscard]] Result<Rows> run(std::string_view step, std::string_view sql);

    // Sends one statement as drivers do that prepare it: a Parse message under `name` (empty for
    // the unnamed statement, which the next Parse replaces), then Bind and Execute with
    // `parameters` as texts. In the journal it is one statement. Errors as run().
    [[nodiscard]] Result<Rows> run_prepared(std::string_view step,
                                            const std::string& name,
                                            const std::string& sql,
                                            const std::vector<std::string>& parameters);

    // Sends them one after the other, up to the first that fails.
    [[nodiscard]] Result<> run(const std::vector<Statement>& statements);

    // BEGIN, `body`, COMMIT; ROLLBACK in place of COMMIT where `body` fails on a living connection.
    // The three stand in the journal as STEP/begin, STEP/commit and STEP/rollback.
    [[nodiscard]] Result<> transaction(const std::string& step,
                                       const std::function<Result<>()>& body);

    // `text` as a literal, quotes included, right for this connection's encoding and settings.
    [[nodiscard]] std::string literal(std::string_view text) const;

    [[nodiscard]] bool lost() const;

    // Whether a transaction is open, or failed and not rolled back yet.
    [[nodiscard]] bool in_transaction() const;

    [[nodiscard]] int backend_pid() const;

  private:
    using Connection = std::unique_ptr<pg_conn, void (*)(pg_conn*)>;

    Session(Connection connection, std::string name, Bookkeeping bookkeeping);
    void start_stepping();
    [[nodiscard]] Result<Rows> run(std::string_view step,
                                   std::string_view sql,
                                   const std::function<Rows()>& execute);
    [[nodiscard]] Result<> record(Execution execution);

    Connection connection_;
    std::string name_;
    Bookkeeping bookkeeping_;
    std::optional<StepClient> step_client_;
};

}  // namespace palloscope::workload
