// Statements out of the logs of real servers: what was run is what is recorded.

#include <libpq-fe.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/recording/reader.hpp"
#include "inspector/sql/libpq_owners.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kSecret = "planted-s3cr3t";
constexpr int kFirstWithJson = 15;

void run(PGconn* connection, const std::string& sql, ExecStatusType expected) {
    const PqResult result(PQexec(connection, sql.c_str()));
    ASSERT_EQ(PQresultStatus(result.get()), expected) << PQerrorMessage(connection);
}

// Simple and extended protocol, errors, texts of several lines, secrets in literals and parameters.
void run_statements(PGconn* connection, const char* name) {
    run(connection, fmt::format("SELECT '{}'", kSecret), PGRES_TUPLES_OK);
    run(connection, fmt::format("SELECT\n\t'{}\n' AS a,\n\n  2;", kSecret), PGRES_TUPLES_OK);
    run(connection, fmt::format("SELECT 1/0, '{}'", kSecret), PGRES_FATAL_ERROR);
    run(connection, fmt::format("SELEC '{}'", kSecret), PGRES_FATAL_ERROR);
    run(connection,
        fmt::format("DO $do$ BEGIN RAISE LOG 'duration: 1.000 ms  statement: DROP x {}'; END $do$",
                    kSecret),
        PGRES_COMMAND_OK);
    PQclear(PQprepare(connection, name, "SELECT $1::text || 'x'", 1, nullptr));
    for (int i = 0; i < 2; ++i) {
        const char* const value = kSecret;
        PQclear(PQexecPrepared(connection, name, 1, &value, nullptr, nullptr, 0));
    }
    run(connection, "BEGIN", PGRES_COMMAND_OK);
    run(connection, "CREATE TEMP TABLE IF NOT EXISTS t (a int)", PGRES_COMMAND_OK);
    run(connection, "COMMIT", PGRES_COMMAND_OK);
}

const std::vector<std::string> kForms{
    "SELECT $1",
    "SELECT $1 AS a, $2",
    "SELECT $1/$2, $3",
    "SELEC $1",
    "DO $1",
    "SELECT $1::text || $2",
    "SELECT $1::text || $2",
    "BEGIN",
    "CREATE TEMP TABLE IF NOT EXISTS t (a int)",
    "COMMIT",
};

std::string file_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// A backend that logs in one of the ways in which a server can be set up.
struct Logged {
    std::string what;
    PqConnection connection;

    [[nodiscard]] int pid() const { return PQbackendPID(connection.get()); }
};

class ServerLog : public testing::TestWithParam<std::string> {};

// All ways and all formats at once: three recorders beside four backends of one server.
TEST_P(ServerLog, GivesTheStatementsThatWereRun) {
    const bool json = std::stoi(GetParam()) >= kFirstWithJson;
    std::vector<std::string> extensions{"log", "csv"};
    if (json) {
        extensions.emplace_back("json");
    }
    const PostgresServer server = PostgresServer::start(
        GetParam(),
        {"logging_collector=on",
         json ? "log_destination=stderr,csvlog,jsonlog" : "log_destination=stderr,csvlog",
         "log_line_prefix=%m [%p] %q%u@%d/%a ",
         "log_timezone=America/St_Johns",
         "log_filename=pg-%Y%m%d-%H%M%S.log"});
    std::vector<Logged> backends;
    for (const std::string what :
         {"-c log_min_duration_statement=0",
          "-c log_statement=all",
          "-c log_statement=all -c log_duration=on",
          "-c log_statement=all -c log_min_duration_statement=0 -c log_error_verbosity=verbose"}) {
        backends.push_back(
            {.what = what,
             .connection = PqConnection(PQconnectdb(
                 fmt::format("{} application_name='a b: [1]' options='{}'", server.dsn(), what)
                     .c_str()))});
        ASSERT_EQ(PQstatus(backends.back().connection.get()), CONNECTION_OK);
    }
    const TemporaryFolder folder;
    const auto recording = [&](const std::string& extension) {
        return (folder.path() / extension).string();
    };
    std::vector<Program> recorders;
    for (const std::string& extension : extensions) {
        std::vector<std::string> command{palloscope_program(),
                                         "record",
                                         "all",
                                         "--application-name",
                                         "a b*",
                                         "-o",
                                         recording(extension),
                                         "--interval",
                                         "200ms",
                                         "--statements",
                                         "log:" + server.folder() + "/data/log/pg-*." + extension};
        if (extension == "log") {
            command.insert(command.end(), {"--log-line-prefix", "%m [%p] %q%u@%d/%a "});
        }
        recorders.push_back(Program::start(command));
    }
    for (const std::string& extension : extensions) {
        ASSERT_TRUE(eventually([&] {
            const Result<History> history = read_history(recording(extension));
            return history && history->backends.size() == backends.size() &&
                   std::ranges::all_of(history->backends, [](const BackendHistory& backend) {
                       return !backend.snapshots.empty();
                   });
        })) << extension;
    }
    for (const Logged& backend : backends) {
        run_statements(backend.connection.get(), "p");
    }
    // The collector opens the next file, whose name has another second in it.
    Session session = Session::connect(server.dsn());
    session.exec("SELECT pg_sleep(1.1)");
    session.exec("SELECT pg_rotate_logfile()");
    session.exec("SELECT pg_sleep(0.5)");
    for (const Logged& backend : backends) {
        run_statements(backend.connection.get(), "q");
    }
    session.exec("SELECT pg_sleep(0.5)");
    for (Program& recorder : recorders) {
        recorder.send_signal(SIGINT);
    }
    std::vector<std::string> expected = kForms;
    expected.insert(expected.end(), kForms.begin(), kForms.end());
    for (std::size_t i = 0; i < extensions.size(); ++i) {
        const std::string& extension = extensions[i];
        const ProgramResult result = recorders[i].wait();
        EXPECT_EQ(result.exit_code, 130) << result.err;
        const Result<History> history = read_history(recording(extension));
        ASSERT_TRUE(history) << history.error().message;
        for (const Logged& backend : backends) {
            const auto found = std::ranges::find_if(
                history->backends,
                [&](const BackendHistory& one) { return one.process.pid == backend.pid(); });
            ASSERT_NE(found, history->backends.end());
            std::vector<std::string> forms;
            std::ptrdiff_t failed = 0;
            for (const ExecutionRecord& execution : found->executions) {
                forms.push_back(history->forms.at(execution.form).text);
                failed += execution.failed ? 1 : 0;
                EXPECT_GE(execution.started_at_ns + 1'000'000'000,
                          found->snapshots.front().taken_at_ns);
                EXPECT_LE(execution.ended_at_ns, found->snapshots.back().taken_at_ns);
            }
            EXPECT_THAT(forms, ElementsAreArray(expected)) << extension << ": " << backend.what;
            EXPECT_EQ(failed, 4) << extension << ": " << backend.what;
        }
        EXPECT_THAT(file_text(recording(extension)), Not(HasSubstr(kSecret))) << extension;
        EXPECT_THAT(result.out + result.err, Not(HasSubstr(kSecret))) << extension;
        // Snapshots may be missed on a busy machine; of the log there is one thing to say.
        std::vector<std::string> of_the_log = history->notes;
        std::erase_if(of_the_log,
                      [](const std::string& note) { return !note.starts_with("the log"); });
        EXPECT_THAT(of_the_log, ElementsAre(HasSubstr("have no duration")));
    }
}

INSTANTIATE_TEST_SUITE_P(Versions, ServerLog, testing::Values("10", "15", "18"), kVersionName);

TEST(RecordLog, RefusesALogWhosePrefixItDoesNotKnow) {
    const TemporaryFolder folder;
    const std::string log = folder.path() / "pg.log";
    std::ofstream(log) << "at 12 process 42 LOG:  statement: SELECT 1\n";
    const ProgramResult result = run_program({palloscope_program(),
                                              "record",
                                              "all",
                                              "-o",
                                              folder.path() / "run.palloscope",
                                              "--statements",
                                              "log:" + log});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr("--log-line-prefix"));
    EXPECT_THAT(result.err, HasSubstr(log));
}

}  // namespace
}  // namespace palloscope::test
