#include "inspector/sql/server_facts.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "inspector/sql/libpq_owners.hpp"

namespace palloscope {

namespace {

using Clock = std::chrono::steady_clock;

// Rows of PID (0: of the server), kind, name and value. The views have these columns from 10 to 19;
// of the settings, those are given that the server has. What the user may not see is null
// (pgstatfuncs.c, pg_stat_get_activity).
constexpr std::string_view kQuestion = R"(
SELECT 0, 'setting', name, current_setting(name)
FROM pg_settings
WHERE name IN ('plan_cache_mode', 'jit', 'jit_above_cost', 'jit_inline_above_cost', 'work_mem',
  'hash_mem_multiplier', 'maintenance_work_mem', 'temp_buffers', 'shared_buffers', 'max_connections',
  'max_locks_per_transaction', 'idle_session_timeout', 'idle_in_transaction_session_timeout',
  'transaction_timeout', 'autovacuum')
UNION ALL
SELECT 0, 'dead rows', 'of database', current_database()
UNION ALL
(SELECT 0, 'dead rows', relname, n_dead_tup::text
 FROM pg_stat_all_tables
 WHERE schemaname = 'pg_catalog' AND n_dead_tup > 0
 ORDER BY n_dead_tup DESC LIMIT 5)
UNION ALL
SELECT pid, 'session', name, value
FROM pg_stat_activity, LATERAL (VALUES
  ('database', datname::text), ('user', usename::text), ('application_name', application_name),
  ('client', CASE WHEN client_port = -1 THEN 'a local socket'
                  ELSE coalesce(client_hostname, host(client_addr)) END),
  ('backend_start', to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')),
  ('xact_start', to_char(xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'))) facts (name, value)
WHERE datname IS NOT NULL AND value <> '' AND pid <> pg_backend_pid()
)";

std::string question(std::chrono::milliseconds timeout) {
    return fmt::format(
        "BEGIN READ ONLY; SET LOCAL statement_timeout = {0}; SET LOCAL lock_timeout "
        "= {0}; {1}; COMMIT",
        timeout.count(),
        kQuestion);
}

// libpq's words on one line.
tl::unexpected<Error> unanswered(PGconn* connection) {
    std::string reason = PQerrorMessage(connection);
    while (!reason.empty() && reason.back() == '\n') {
        reason.pop_back();
    }
    std::ranges::replace(reason, '\n', ' ');
    return failure(Error::Kind::kFailed,
                   fmt::format("the server was not asked by SQL: {}", reason));
}

PqConnection connect(const std::string& dsn, std::chrono::milliseconds timeout) {
    const std::string seconds =
        std::to_string(std::chrono::ceil<std::chrono::seconds>(timeout).count());
    // What comes later wins over what `dsn` says.
    const std::array<const char*, 4> keywords{
        "dbname", "connect_timeout", "application_name", nullptr};
    const std::array<const char*, 4> values{dsn.c_str(), seconds.c_str(), "palloscope", nullptr};
    return PqConnection(PQconnectdbParams(keywords.data(), values.data(), /*expand_dbname=*/1));
}

// Whether PQgetResult would not wait: it has no limit of time of its own.
bool wait_for_result(PGconn* connection, Clock::time_point deadline) {
    while (PQisBusy(connection) != 0) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        pollfd socket{.fd = PQsocket(connection), .events = POLLIN, .revents = 0};
        if (left.count() <= 0) {
            return false;
        }
        poll(&socket, 1, static_cast<int>(left.count()));
        if (PQconsumeInput(connection) != 1) {
            return false;
        }
    }
    return true;
}

void add_rows(const PGresult* rows, ServerFacts& facts) {
    for (int row = 0; row < PQntuples(rows); ++row) {
        const auto value = [&](int column) -> std::string {
            return {PQgetvalue(rows, row, column),
                    static_cast<std::size_t>(PQgetlength(rows, row, column))};
        };
        const std::string number = value(0);
        int pid = 0;
        std::from_chars(number.data(), number.data() + number.size(), pid);
        std::vector<ServerFact>& to = pid == 0 ? facts.server : facts.sessions[pid];
        to.push_back({.kind = value(1), .name = value(2), .value = value(3)});
    }
}

}  // namespace

Result<> check_dsn(const std::string& dsn) {
    char* message = nullptr;
    const std::unique_ptr<PQconninfoOption, FreeBy<PQconninfoFree>> options(
        PQconninfoParse(dsn.c_str(), &message));
    PQfreemem(message);
    if (!options) {
        return failure(Error::Kind::kUsage,
                       "what --dsn gives is no connection string",
                       "give one as libpq takes it: 'host=/run/postgresql dbname=app', or a URI");
    }
    return {};
}

Result<ServerFacts> ask_server(const std::string& dsn, std::chrono::milliseconds timeout) {
    const PqConnection connection = connect(dsn, timeout);
    if (PQstatus(connection.get()) != CONNECTION_OK) {
        return unanswered(connection.get());
    }
    const Clock::time_point deadline = Clock::now() + timeout;
    PQsetNoticeProcessor(
        connection.get(), [](void*, const char*) {}, nullptr);
    if (PQsendQuery(connection.get(), question(timeout).c_str()) != 1) {
        return unanswered(connection.get());
    }
    ServerFacts facts;
    for (;;) {
        if (!wait_for_result(connection.get(), deadline)) {
            return failure(Error::Kind::kFailed,
                           fmt::format("the server was not asked by SQL: no answer within {} ms",
                                       timeout.count()));
        }
        const PqResult answer(PQgetResult(connection.get()));
        if (!answer) {
            return facts;
        }
        switch (PQresultStatus(answer.get())) {
            case PGRES_TUPLES_OK:
                add_rows(answer.get(), facts);
                break;
            case PGRES_COMMAND_OK:
                break;
            default:
                return unanswered(connection.get());
        }
    }
}

}  // namespace palloscope
