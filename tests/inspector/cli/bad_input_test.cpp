// Whatever a user does wrong, or the machine, ends in a sentence and in the exit code that the
// contract has for it.

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attach/stopped_process.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

ProgramResult palloscope(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), palloscope_program());
    return run_program(arguments);
}

void expect_failure(const ProgramResult& result, int exit_code, const std::string& sentence) {
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_THAT(result.err, StartsWith("palloscope: "));
    EXPECT_THAT(result.err, HasSubstr(sentence));
}

TEST(BadInput, NoCommandOrAWrongOptionIsAUsageError) {
    expect_failure(palloscope({}), 2, "subcommand is required");
    expect_failure(palloscope({"snapshot"}), 2, "TARGET is required");
    expect_failure(palloscope({"snapshot", "1", "--formt", "json"}), 2, "--formt");
    expect_failure(palloscope({"snapshot", "12x"}), 2, "'12x' is neither a PID nor 'all'");
    expect_failure(palloscope({"snapshot", "1", "--timeout", "5"}), 2, "'5' is no time");
    expect_failure(palloscope({"snapshot", "1", "--method", "magic"}), 2, "magic");
}

TEST(BadInput, APidThatIsGoneIsNamed) {
    // Larger than any pid_max.
    expect_failure(palloscope({"snapshot", "99999999"}), 3, "there is no process 99999999");
}

TEST(BadInput, AProcessOfAnotherProgramIsRefused) {
    const std::string pid = std::to_string(getpid());
    expect_failure(
        palloscope({"snapshot", pid}), 3, "process " + pid + " is no PostgreSQL process");
}

TEST(BadInput, NoBackendThatFitsIsSaid) {
    expect_failure(palloscope({"snapshot", "all", "--database", "no such database"}),
                   3,
                   "no PostgreSQL backend fits");
}

TEST(BadInput, AnotherUsersProcessNamesTheMissingCapability) {
    Session session = Session::connect(PostgresServer::shared("15").dsn());
    const std::string pid = std::to_string(session.backend_pid());
    // Where another user can reach it, wherever the checkout lies.
    const TemporaryFolder folder;
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
    const std::filesystem::path program = folder.path() / "palloscope";
    std::filesystem::copy_file(palloscope_program(), program);
    const ProgramResult result =
        run_program({"setpriv", "--reuid=65534", "--clear-groups", program, "snapshot", pid});
    expect_failure(result, 4, pid);
    EXPECT_THAT(result.err, HasSubstr("CAP_SYS_PTRACE"));
}

TEST(BadInput, ATargetThatIsTracedAlreadyNamesItsTracer) {
    Session session = Session::connect(PostgresServer::shared("15").dsn());
    const auto held = StoppedProcess::seize(session.backend_pid(), std::chrono::seconds(5));
    ASSERT_TRUE(held);
    expect_failure(
        palloscope({"snapshot", std::to_string(session.backend_pid()), "--method", "freeze"}),
        4,
        "already traced by process " + std::to_string(getpid()));
}

TEST(BadInput, ABackendThatNeverGetsIdleIsGivenUpInTime) {
    Session session = Session::connect(PostgresServer::shared("15").dsn());
    const std::string pid = std::to_string(session.backend_pid());
    session.send("select pg_sleep(60)");
    ASSERT_TRUE(eventually([&] {
        return palloscope({"list", "--format", "json"}).out.find("select pg_sleep($1)") !=
               std::string::npos;
    }));
    expect_failure(palloscope({"snapshot", pid, "--method", "call", "--timeout", "300ms"}),
                   6,
                   "waiting for its client");
    EXPECT_EQ(tracer_pid(session.backend_pid()), 0);
}

TEST(BadInput, AFileThatIsNoRecordingIsLeftAsItIs) {
    const TemporaryFolder folder;
    const std::string path = folder.path() / "notes.txt";
    std::ofstream(path) << "no recording\n";
    expect_failure(palloscope({"report", path}), 1, path);
    expect_failure(palloscope({"report", path + ".missing"}), 1, path + ".missing");
    std::string text;
    std::getline(std::ifstream(path), text);
    EXPECT_EQ(text, "no recording");
}

TEST(BadInput, ARecordingIsNotOverwrittenUnasked) {
    const TemporaryFolder folder;
    const std::string path = folder.path() / "kept.palloscope";
    std::ofstream(path) << "kept\n";
    Session session = Session::connect(PostgresServer::shared("15").dsn());
    expect_failure(
        palloscope(
            {"record", std::to_string(session.backend_pid()), "-o", path, "--duration", "1s"}),
        2,
        path);
    std::string text;
    std::getline(std::ifstream(path), text);
    EXPECT_EQ(text, "kept");
}

TEST(BadInput, AFullStandardOutputIsAFailure) {
    Session session = Session::connect(PostgresServer::shared("15").dsn());
    const ProgramResult result =
        run_program({"sh",
                     "-c",
                     palloscope_program() + " snapshot " + std::to_string(session.backend_pid()) +
                         " > /dev/full"});
    expect_failure(result, 1, "cannot write to standard output");
}

TEST(GoodInput, HelpAndVersionAreResults) {
    const ProgramResult help = palloscope({"--help"});
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_THAT(help.err, IsEmpty());
    for (const char* command :
         {"list", "check", "snapshot", "diff", "record", "report", "export"}) {
        EXPECT_THAT(help.out, HasSubstr(command));
        const ProgramResult own = palloscope({command, "--help"});
        EXPECT_EQ(own.exit_code, 0) << command;
        EXPECT_THAT(own.out, HasSubstr("Example:")) << command;
        EXPECT_THAT(palloscope({command, "--version"}).out, StartsWith("palloscope ")) << command;
    }
}

}  // namespace
}  // namespace palloscope::test
