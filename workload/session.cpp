#include "workload/session.hpp"

#include <libpq-fe.h>

#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include <fmt/core.h>

#include "inspector/statements/form.hpp"

namespace palloscope::workload {

namespace {

// The SQLSTATE connection_failure, for connections that ended without a word from the server.
constexpr std::string_view kConnectionFailure = "08006";

// How long a session waits for somebody to listen at a stepping socket that is already there.
constexpr std::chrono::milliseconds kStepPatience{10000};

void ignore_notice(void* /*argument*/, const PGresult* /*result*/) {}

std::int64_t nanoseconds(std::chrono::nanoseconds time) {
    return time.count();
}

// The results of what was sent: the first that tells of a failure, else the last one. PQexec would
// give the last in any case: where the server ends the connection that is libpq's own, which has
// lost the server's reason. `sent` is what the function of libpq that sends it returned.
Rows result_of(PGconn* connection, int sent) {
    if (sent == 0) {
        return Rows(PQmakeEmptyPGresult(connection, PGRES_FATAL_ERROR));
    }
    Rows kept(nullptr);
    while (PGresult* result = PQgetResult(connection)) {
        Rows next(result);
        if (kept.succeeded()) {
            kept = std::move(next);
        }
    }
    return kept;
}

std::string without_line_end(std::string text) {
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    return text;
}

}  // namespace

Rows::Rows(pg_result* result) : result_(result, &PQclear) {}

bool Rows::succeeded() const {
    const ExecStatusType status = PQresultStatus(result_.get());
    return result_ == nullptr || status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
           status == PGRES_EMPTY_QUERY;
}

std::string Rows::sqlstate() const {
    const char* code = PQresultErrorField(result_.get(), PG_DIAG_SQLSTATE);
    return std::string(code == nullptr ? kConnectionFailure : code);
}

std::int64_t Rows::count() const {
    if (PQresultStatus(result_.get()) == PGRES_TUPLES_OK) {
        return PQntuples(result_.get());
    }
    const std::string_view affected = PQcmdTuples(result_.get());
    std::int64_t count = 0;
    std::from_chars(affected.data(), affected.data() + affected.size(), count);
    return count;
}

std::string_view Rows::value(int row, int column) const {
    const PGresult* result = result_.get();
    if (row >= PQntuples(result) || column >= PQnfields(result)) {
        return {};
    }
    return PQgetvalue(result, row, column);
}

Result<Session> Session::open(const SessionSettings& settings, Bookkeeping bookkeeping) {
    const char* chosen = settings.application_name ? settings.application_name->c_str() : nullptr;
    // Later keywords win over what `conninfo` says; a null value counts as not given.
    const std::array<const char*, 4> keywords = {
        "dbname", "fallback_application_name", "application_name", nullptr};
    const std::array<const char*, 4> values = {
        settings.conninfo.c_str(), settings.default_application_name.c_str(), chosen, nullptr};
    Connection connection(PQconnectdbParams(keywords.data(), values.data(), /*expand_dbname=*/1),
                          &PQfinish);
    if (PQstatus(connection.get()) != CONNECTION_OK) {
        return failure(Error::Kind::kFailed,
                       fmt::format("cannot connect to PostgreSQL: {}",
                                   without_line_end(PQerrorMessage(connection.get()))),
                       "check --dsn and libpq's environment variables (PGHOST, PGPORT, …)");
    }
    PQsetNoticeReceiver(connection.get(), &ignore_notice, nullptr);
    Session session(std::move(connection), settings.name, bookkeeping);
    session.start_stepping();
    return session;
}

Session::Session(Connection connection, std::string name, Bookkeeping bookkeeping)
    : connection_(std::move(connection)), name_(std::move(name)), bookkeeping_(bookkeeping) {}

void Session::start_stepping() {
    StepSocket* socket = bookkeeping_.step_socket;
    if (socket == nullptr || socket->gone()) {
        return;
    }
    auto client = StepClient::connect(socket->path(), kStepPatience);
    if (!client) {
        socket->give_up(client.error());
        return;
    }
    if (auto greeted = client->hello(backend_pid(), name_); !greeted) {
        socket->give_up(greeted.error());
        return;
    }
    step_client_ = std::move(*client);
}

Result<Rows> Session::run(std::string_view step, std::string_view sql) {
    const std::string text(sql);
    return run(step, sql, [&] {
        return result_of(connection_.get(), PQsendQuery(connection_.get(), text.c_str()));
    });
}

Result<Rows> Session::run_prepared(std::string_view step,
                                   const std::string& name,
                                   const std::string& sql,
                                   const std::vector<std::string>& parameters) {
    std::vector<const char*> values;
    for (const std::string& parameter : parameters) {
        values.push_back(parameter.c_str());
    }
    PGconn* connection = connection_.get();
    return run(step, sql, [&] {
        Rows parsed = result_of(
            connection,
            PQsendPrepare(
                connection, name.c_str(), sql.c_str(), /*nParams=*/0, /*paramTypes=*/nullptr));
        if (!parsed.succeeded()) {
            return parsed;
        }
        return result_of(connection,
                         PQsendQueryPrepared(connection,
                                             name.c_str(),
                                             static_cast<int>(values.size()),
                                             values.data(),
                                             /*paramLengths=*/nullptr,
                                             /*paramFormats=*/nullptr,
                                             /*resultFormat=*/0));
    });
}

Result<Rows> Session::run(std::string_view step,
                          std::string_view sql,
                          const std::function<Rows()>& execute) {
    Execution execution{.backend_pid = backend_pid(),
                        .session = name_,
                        .step = std::string(step),
                        .form = statement_form(sql)};
    // Both ends from one reading of the wall clock: a clock that is set back in between would make
    // the statement end before it began.
    const auto begin = std::chrono::steady_clock::now();
    execution.started_at_ns = nanoseconds(std::chrono::system_clock::now().time_since_epoch());
    Rows rows = execute();
    execution.ended_at_ns =
        execution.started_at_ns + nanoseconds(std::chrono::steady_clock::now() - begin);

    const bool failed = !rows.succeeded();
    if (failed) {
        execution.error = rows.sqlstate();
        ++bookkeeping_.counters.errors;
    } else {
        execution.rows = rows.count();
    }
    ++bookkeeping_.counters.statements;
    const std::optional<std::string> sqlstate = execution.error;
    if (auto recorded = record(std::move(execution)); !recorded) {
        return tl::unexpected(recorded.error());
    }
    if (failed) {
        return failure(lost() ? Error::Kind::kGone : Error::Kind::kFailed,
                       fmt::format("{}: {} failed with SQLSTATE {}", name_, step, *sqlstate));
    }
    return rows;
}

Result<> Session::run(const std::vector<Statement>& statements) {
    for (const Statement& statement : statements) {
        if (auto rows = run(statement.step, statement.sql); !rows) {
            return tl::unexpected(rows.error());
        }
    }
    return {};
}

Result<> Session::transaction(const std::string& step, const std::function<Result<>()>& body) {
    if (auto begun = run(step + "/begin", "BEGIN"); !begun) {
        return tl::unexpected(begun.error());
    }
    if (auto done = body(); !done) {
        if (!lost()) {
            // Whether this succeeds or loses the connection: the failure to tell is the body's.
            static_cast<void>(run(step + "/rollback", "ROLLBACK"));
        }
        return done;
    }
    return run(step + "/commit", "COMMIT").map([](const Rows&) {});
}

std::string Session::literal(std::string_view text) const {
    const std::unique_ptr<char, void (*)(void*)> escaped(
        PQescapeLiteral(connection_.get(), text.data(), text.size()), &PQfreemem);
    // Null where `text` is not in the connection's encoding, or memory is exhausted. NULL is the
    // one literal that is never wrong SQL.
    return escaped ? escaped.get() : "NULL";
}

bool Session::lost() const {
    return PQstatus(connection_.get()) == CONNECTION_BAD;
}

bool Session::in_transaction() const {
    const PGTransactionStatusType status = PQtransactionStatus(connection_.get());
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

int Session::backend_pid() const {
    return PQbackendPID(connection_.get());
}

Result<> Session::record(Execution execution) {
    const auto line = bookkeeping_.journal.append(execution);
    if (!line) {
        return tl::unexpected(line.error());
    }
    if (step_client_) {
        if (auto reported = step_client_->report(*line, execution.seq); !reported) {
            bookkeeping_.step_socket->give_up(reported.error());
            step_client_.reset();
        }
    }
    return {};
}

}  // namespace palloscope::workload
