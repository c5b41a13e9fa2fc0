// However a recording ends, it is valid up to its last snapshot.

#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/recording/reader.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class Record : public testing::Test {
  protected:
    Record() : session_(Session::connect(PostgresServer::shared("15").dsn())) {}

    [[nodiscard]] std::string pid() const { return std::to_string(session_->backend_pid()); }

    [[nodiscard]] std::string recording() const { return folder_.path() / "run.palloscope"; }

    [[nodiscard]] std::vector<std::string> command(
        const std::vector<std::string>& more = {}) const {
        std::vector<std::string> arguments{
            palloscope_program(), "record", pid(), "-o", recording(), "--interval", "20ms"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return arguments;
    }

    // How many snapshots a reader finds in the recording now.
    [[nodiscard]] std::ptrdiff_t readable_snapshots() const {
        const ProgramResult exported =
            run_program({palloscope_program(), "export", recording(), "--to", "snapshots"});
        return exported.exit_code == 0 ? std::ranges::count(exported.out, '\n') : -1;
    }

    // `limit` as prlimit(1) takes it: "SOFT:HARD".
    [[nodiscard]] ProgramResult record_twenty_with_open_files(const std::string& limit) const {
        const std::string application = "record_twenty";
        std::vector<Session> sessions;
        sessions.reserve(20);
        while (sessions.size() < 20) {
            sessions.push_back(Session::connect(PostgresServer::shared("15").dsn() +
                                                " application_name=" + application));
        }
        return run_program({"prlimit",
                            "--nofile=" + limit,
                            palloscope_program(),
                            "record",
                            "all",
                            "--application-name",
                            application,
                            "-o",
                            recording(),
                            "--force",
                            "--interval",
                            "200ms",
                            "--duration",
                            "1s"});
    }

    void expect_untouched() const {
        EXPECT_EQ(tracer_pid(session_->backend_pid()), 0);
        EXPECT_THAT("RS", HasSubstr(std::string(1, state_of(session_->backend_pid()))));
    }

    TemporaryFolder folder_;
    std::optional<Session> session_;
};

TEST_F(Record, EndsAfterItsDurationWithAPrivateFileAndASummary) {
    const ProgramResult result = run_program(command({"--duration", "1s"}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("pause median"));

    struct stat status {};

    ASSERT_EQ(stat(recording().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    EXPECT_GT(readable_snapshots(), 10);
    expect_untouched();
}

TEST_F(Record, KeepsWhatTheServerSaysAndNothingOfThePassword) {
    const std::string dsn = PostgresServer::shared("15").dsn() + " password=hunter2";
    const ProgramResult result = run_program(command({"--duration", "1s", "--dsn", dsn}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const auto history = read_history(recording());
    ASSERT_TRUE(history) << history.error().message;
    const std::vector<ServerFact>& facts = history->backends.at(0).server_facts;
    const std::string dead_rows_of(kCatalogsOfDatabase);
    EXPECT_THAT(facts, Contains(ServerFact{std::string(kSessionFact), "database", "postgres"}));
    EXPECT_THAT(facts, Contains(ServerFact{std::string(kDeadRowsFact), dead_rows_of, "postgres"}));
    EXPECT_THAT(facts, Contains(testing::Field(&ServerFact::name, "work_mem")));
    std::ifstream file(recording(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    EXPECT_THAT(bytes, HasSubstr("work_mem"));
    EXPECT_THAT(bytes + result.out + result.err, Not(HasSubstr("hunter2")));
}

TEST_F(Record, RecordsAllTheSameWhereTheServerCannotBeAsked) {
    const ProgramResult result =
        run_program(command({"--duration", "1s", "--dsn", "host=127.0.0.1 port=1"}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_GT(readable_snapshots(), 10);
    const ProgramResult report = run_program({palloscope_program(), "report", recording()});
    EXPECT_THAT(report.out, HasSubstr("the server was not asked by SQL"));
}

TEST_F(Record, RecordsMoreBackendsThanTheSoftLimitOfOpenFilesAllows) {
    const ProgramResult result = record_twenty_with_open_files("64:");
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("of 20 backends, "));
    EXPECT_THAT(result.out, Not(HasSubstr(": 0 snapshots"))) << result.out;
}

TEST_F(Record, WhereNoMoreFilesCanBeOpenedItSaysSo) {
    // Whichever file of a backend is the one too many: none is left out in silence.
    std::string summaries;
    for (const char* const limit : {"99:99", "100:100", "101:101", "102:102", "103:103"}) {
        const ProgramResult result = record_twenty_with_open_files(limit);
        EXPECT_THAT(result.out, HasSubstr("of 20 backends, ")) << limit << result.err;
        summaries += result.out;
    }
    EXPECT_THAT(summaries, HasSubstr("(the last: no more files can be opened"));
}

TEST_F(Record, CanBeReadWhileItIsWritten) {
    Program recorder = Program::start(command());
    EXPECT_TRUE(eventually([&] { return readable_snapshots() > 3; }));
    const std::ptrdiff_t before = readable_snapshots();
    EXPECT_TRUE(eventually([&] { return readable_snapshots() > before; }));
    recorder.send_signal(SIGTERM);
    EXPECT_EQ(recorder.wait().exit_code, 130);
}

TEST_F(Record, InterruptedItEndsWithItsOwnExitCode) {
    Program recorder = Program::start(command());
    ASSERT_TRUE(eventually([&] { return readable_snapshots() > 3; }));
    recorder.send_signal(SIGINT);
    const ProgramResult result = recorder.wait();
    EXPECT_EQ(result.exit_code, 130) << result.err;
    EXPECT_THAT(result.out, HasSubstr("interrupted"));
    EXPECT_GT(readable_snapshots(), 3);
    expect_untouched();
}

TEST_F(Record, KilledItLeavesAllUpToItsLastSnapshot) {
    Program recorder = Program::start(command());
    ASSERT_TRUE(eventually([&] { return readable_snapshots() > 3; }));
    recorder.send_signal(SIGKILL);
    EXPECT_EQ(recorder.wait().signal, SIGKILL);
    EXPECT_GT(readable_snapshots(), 3);
    const ProgramResult report = run_program({palloscope_program(), "report", recording()});
    EXPECT_EQ(report.exit_code, 0) << report.err;
    EXPECT_THAT(report.out, HasSubstr("its recorder still runs, or was killed"));
    EXPECT_TRUE(session_->alive());
    expect_untouched();
}

TEST_F(Record, TakesTurnsWithAnotherThatRecordsTheSameBackend) {
    const std::vector<std::string> often{"--method", "freeze", "--duration", "2s"};
    std::vector<std::string> beside = command(often);
    *std::ranges::find(beside, recording()) = folder_.path() / "beside.palloscope";
    Program other = Program::start(beside);
    for (const ProgramResult& result : {run_program(command(often)), other.wait()}) {
        EXPECT_EQ(result.exit_code, 0) << result.err;
        EXPECT_THAT(result.err, Not(HasSubstr("is not recorded"))) << result.err;
    }
    EXPECT_GT(readable_snapshots(), 50);
    expect_untouched();
}

TEST_F(Record, EndsWhenTheBackendGoesAway) {
    Program recorder = Program::start(command());
    ASSERT_TRUE(eventually([&] { return readable_snapshots() > 3; }));
    session_.reset();
    const ProgramResult result = recorder.wait();
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("backend gone"));
    EXPECT_GT(readable_snapshots(), 3);
}

TEST_F(Record, OnAFullDiskKeepsWhatItHas) {
    // A disk of its own, in a mount namespace that ends with the program.
    const std::string script = "mount -t tmpfs -o size=600k none " + folder_.path().string() +
                               " && " + palloscope_program() + " record " + pid() + " -o " +
                               recording() + " --interval 5ms --duration 60s; echo \"exit $?\"; " +
                               palloscope_program() + " export " + recording() +
                               " --to snapshots | wc -l";
    // Something that changes from snapshot to snapshot, or a delta would be empty.
    session_->send("select count(pg_sleep(0.001)) from generate_series(1, 1)");
    session_->finish();
    Program recorder = Program::start({"unshare", "--mount", "sh", "-c", script});
    int statement = 0;
    while (!recorder.wait_for_end_of_output(std::chrono::milliseconds(1))) {
        session_->exec("prepare filler_" + std::to_string(++statement) + " as select 1");
    }
    const ProgramResult result = recorder.wait();
    EXPECT_THAT(result.out, HasSubstr("exit 1"));
    EXPECT_THAT(result.err, HasSubstr(recording()));
    const std::size_t line = result.out.find('\n');
    EXPECT_GT(std::stoi(result.out.substr(line + 1)), 3) << result.out << result.err;
    expect_untouched();
}

TEST_F(Record, CountsTheLinesOfAJournalThatItCannotRead) {
    const std::string journal = folder_.path() / "journal.jsonl";
    std::ofstream(journal) << "{\"seq\": 1, broken\n";
    const ProgramResult result =
        run_program(command({"--duration", "500ms", "--statements", "journal:" + journal}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("line"));
    EXPECT_THAT(result.out, HasSubstr("note:"));
}

}  // namespace
}  // namespace palloscope::test
