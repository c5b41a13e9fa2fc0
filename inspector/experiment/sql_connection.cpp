#include "inspector/experiment/sql_connection.hpp"

#include <libpq-fe.h>

#include <utility>

#include <fmt/core.h>

#include "inspector/experiment/text_file.hpp"

namespace palloscope {

Result<SqlConnection> SqlConnection::open(const std::string& conninfo) {
    PqConnection connection(PQconnectdb(conninfo.c_str()));
    if (PQstatus(connection.get()) != CONNECTION_OK) {
        return failure(Error::Kind::kFailed, last_line(PQerrorMessage(connection.get())));
    }
    // Notices of a server of ours tell nobody anything.
    PQsetNoticeProcessor(
        connection.get(), [](void*, const char*) {}, nullptr);
    return SqlConnection(std::move(connection));
}

int SqlConnection::backend_pid() const {
    return PQbackendPID(connection_.get());
}

Result<std::vector<std::string>> SqlConnection::ask(const std::string& sql) const {
    const PqResult result(PQexec(connection_.get(), sql.c_str()));
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
        return failure(Error::Kind::kFailed,
                       fmt::format("{}: {}", sql, last_line(PQerrorMessage(connection_.get()))));
    }
    std::vector<std::string> column(static_cast<std::size_t>(PQntuples(result.get())));
    int row = 0;
    for (std::string& value : column) {
        value = PQgetvalue(result.get(), row++, 0);
    }
    return column;
}

Result<> SqlConnection::send(const std::string& sql) {
    if (PQsendQuery(connection_.get(), sql.c_str()) != 1) {
        return failure(Error::Kind::kFailed,
                       fmt::format("{}: {}", sql, last_line(PQerrorMessage(connection_.get()))));
    }
    return {};
}

bool SqlConnection::busy() {
    while (PQconsumeInput(connection_.get()) == 1 && PQisBusy(connection_.get()) == 0) {
        const PqResult result(PQgetResult(connection_.get()));
        if (!result) {
            return false;
        }
        if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) {
            error_ = last_line(PQresultErrorMessage(result.get()));
        } else {
            ++succeeded_;
        }
    }
    return PQstatus(connection_.get()) == CONNECTION_OK;
}

}  // namespace palloscope
