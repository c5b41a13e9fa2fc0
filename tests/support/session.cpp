#include "tests/support/session.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <exception>
#include <stdexcept>

namespace palloscope::test {

namespace {

struct ClearResult {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
};

using ResultPointer = std::unique_ptr<PGresult, ClearResult>;

Rows rows_of(const PGresult* result) {
    Rows rows(static_cast<std::size_t>(PQntuples(result)));
    for (int row = 0; row < PQntuples(result); ++row) {
        auto& values = rows.at(static_cast<std::size_t>(row));
        for (int column = 0; column < PQnfields(result); ++column) {
            values.push_back(PQgetisnull(result, row, column) != 0
                                 ? std::nullopt
                                 : std::optional<std::string>(PQgetvalue(result, row, column)));
        }
    }
    return rows;
}

}  // namespace

void Session::Close::operator()(pg_conn* connection) const noexcept {
    PQfinish(connection);
}

Session::Session(pg_conn* connection)
    : connection_(connection), backend_pid_(PQbackendPID(connection)) {}

Session Session::connect(const std::string& dsn) {
    Session session(PQconnectdb(dsn.c_str()));
    if (PQstatus(session.connection_.get()) != CONNECTION_OK) {
        session.fail("cannot connect to '" + dsn + "'");
    }
    // Notices would clutter the tests' output.
    PQsetNoticeProcessor(
        session.connection_.get(), [](void*, const char*) {}, nullptr);
    return session;
}

Rows Session::exec(const std::string& sql, std::chrono::milliseconds timeout) {
    send(sql);
    return finish(timeout);
}

void Session::send(const std::string& sql) {
    if (PQsendQuery(connection_.get(), sql.c_str()) == 0) {
        fail("cannot send '" + sql + "'");
    }
}

Rows Session::finish(std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    Rows rows;
    std::string error;
    for (;;) {
        wait_for_result(deadline);
        const ResultPointer result(PQgetResult(connection_.get()));
        if (!result) {
            break;
        }
        if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) {
            error = PQresultErrorMessage(result.get());
        }
        rows = rows_of(result.get());
    }
    if (!error.empty()) {
        throw std::runtime_error(error);
    }
    return rows;
}

void Session::wait_for_result(std::chrono::steady_clock::time_point deadline) {
    // libpq closes the socket when sending finds the connection lost; PQgetResult then says so.
    while (PQisBusy(connection_.get()) != 0 && PQsocket(connection_.get()) >= 0) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        pollfd watched{.fd = PQsocket(connection_.get()), .events = POLLIN, .revents = 0};
        if (left.count() <= 0 || poll(&watched, 1, static_cast<int>(left.count())) == 0) {
            fail("no answer in time");
        }
        if (PQconsumeInput(connection_.get()) == 0) {
            fail("the connection is lost");
        }
    }
}

void Session::cancel() {
    std::array<char, 256> message{};
    PGcancel* const handle = PQgetCancel(connection_.get());
    const bool sent = PQcancel(handle, message.data(), static_cast<int>(message.size())) != 0;
    PQfreeCancel(handle);
    if (!sent) {
        throw std::runtime_error(message.data());
    }
}

bool Session::alive() {
    try {
        return exec("SELECT 1", std::chrono::seconds(10)) == Rows{{"1"}};
    } catch (const std::exception&) {
        return false;
    }
}

void Session::fail(const std::string& what) const {
    throw std::runtime_error("backend " + std::to_string(backend_pid()) + ": " + what + ": " +
                             PQerrorMessage(connection_.get()));
}

}  // namespace palloscope::test
