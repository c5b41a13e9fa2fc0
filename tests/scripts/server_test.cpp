#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/postgres_server.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {
namespace {

using testing::HasSubstr;

ProgramResult run_server_script(const std::vector<std::string>& arguments) {
    std::vector<std::string> command{PALLOSCOPE_SOURCE_DIR "/scripts/server"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_program(command);
}

TEST(ServerScript, ShowsItsUsageForAWrongCommandLine) {
    const ProgramResult result = run_server_script({"begin"});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr("scripts/server start VERSION DIR"));
    EXPECT_EQ(run_server_script({"--help"}).out, result.err);
}

TEST(ServerScript, NamesTheVersionsThatThereAre) {
    const ProgramResult result = run_server_script({"fetch", "9.6"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr("versions: 9_4 to 9_6, 10 to 19"));
}

// There are no packages of these.
TEST(ServerScript, SaysWhereOldServersAreToBePut) {
    const TemporaryFolder folder;
    const ProgramResult result = run_program({"env",
                                              "PALLOSCOPE_SERVERS=" + folder.path().string(),
                                              PALLOSCOPE_SOURCE_DIR "/scripts/server",
                                              "fetch",
                                              "9_6"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr("version 9.6 is not in " + folder.path().string() + "/9_6"));
}

TEST(ServerScript, RefusesASecondServerInOneFolder) {
    const PostgresServer server = PostgresServer::start("15");
    const ProgramResult result = run_server_script({"start", "15", server.folder()});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr("a server runs in " + server.folder() + " already"));
}

TEST(ServerScript, StartsAServerAgainThatItStopped) {
    const PostgresServer server = PostgresServer::start("15", {"work_mem=1MB"});
    EXPECT_EQ(run_server_script({"stop", server.folder()}).exit_code, 0);
    EXPECT_FALSE(is_running(server.postmaster_pid()));
    const ProgramResult result = run_server_script({"start", "15", server.folder()});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("socket=" + server.folder()));
}

// Up to 15 a server's programs ask for the folder that they are called in. A clone may lie in
// /root.
TEST(ServerScript, StartsAServerFromAFolderThatIsClosedToItsUser) {
    const TemporaryFolder folder;
    std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
    const PostgresServer server = PostgresServer::start("15");
    EXPECT_EQ(run_server_script({"stop", server.folder()}).exit_code, 0);
    const ProgramResult result =
        run_program({PALLOSCOPE_SOURCE_DIR "/scripts/server", "start", "15", server.folder()},
                    {.working_directory = folder.path()});
    EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST(ServerScript, StopsNothingWhereNoServerRuns) {
    EXPECT_EQ(run_server_script({"stop", "/nowhere"}).exit_code, 0);
}

// However a test ends, the kernel closes its end of the guard's input.
TEST(ServerScript, ClearsAServerAwayWhenItsGuardsInputEnds) {
    const PostgresServer server = PostgresServer::start("15");
    Program guard =
        Program::start({PALLOSCOPE_SOURCE_DIR "/scripts/server", "guard", server.folder()},
                       {.keep_input_open = true});
    EXPECT_TRUE(is_running(server.postmaster_pid()));
    guard.close_input();
    EXPECT_EQ(guard.wait().exit_code, 0);
    EXPECT_FALSE(is_running(server.postmaster_pid()));
    EXPECT_FALSE(std::filesystem::exists(server.folder()));
}

}  // namespace
}  // namespace palloscope::test
