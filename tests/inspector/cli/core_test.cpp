// The memory contexts of a backend out of a core file of it.

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/gdb.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

ProgramResult snapshot(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {palloscope_program(), "snapshot"});
    return run_program(arguments);
}

ProgramResult snapshot_of(const std::string& core, const std::string& executable) {
    return snapshot({"--core", core, "--exe", executable, "--format", "json"});
}

void expect_failure(const ProgramResult& result, int exit_code, const std::string& sentence) {
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_THAT(result.err, StartsWith("palloscope: "));
    EXPECT_THAT(result.err, HasSubstr(sentence));
    EXPECT_EQ(result.out, "");
}

// A core of one backend, which all tests read.
class CoreOfABackend : public testing::Test {
  protected:
    CoreOfABackend()
        : session_(Session::connect(server_.dsn())),
          executable_(executable_of(session_.backend_pid())) {
        session_.exec("prepare secretive as select 'a secret'");
        core_ = core_of(session_.backend_pid(), folder_);
    }

    PostgresServer server_ = PostgresServer::start("15", {"shared_buffers=1MB"});
    TemporaryFolder folder_;
    Session session_;
    std::string executable_;
    std::string core_;
};

TEST_F(CoreOfABackend, IsReadAsTheLiveOneIs) {
    const ProgramResult of_core = snapshot_of(core_, executable_);
    ASSERT_EQ(of_core.exit_code, 0) << of_core.err;
    const auto live = nlohmann::json::parse(
        snapshot({std::to_string(session_.backend_pid()), "--format", "json"}).out);
    const auto read = nlohmann::json::parse(of_core.out);
    EXPECT_EQ(read.at("contexts"), live.at("contexts"));
    EXPECT_EQ(read.at("server_version_num"), live.at("server_version_num"));
    EXPECT_EQ(read.at("process").at("pid"), session_.backend_pid());
    EXPECT_EQ(read.at("process").at("user"), "postgres");
    EXPECT_EQ(read.at("process").at("backend_type"), "client backend");
    EXPECT_EQ(read.at("process").at("state"), "idle");
    EXPECT_EQ(read.at("pause_us"), 0);
    EXPECT_THAT(of_core.out, HasSubstr("select $1"));
    EXPECT_THAT(of_core.out, Not(HasSubstr("a secret")));
}

TEST_F(CoreOfABackend, CannotBeReadWithTheExecutableOfAnotherBuild) {
    const PostgresServer other = PostgresServer::start("npm-15");
    expect_failure(snapshot_of(core_, executable_of(other.postmaster_pid())),
                   5,
                   "is not the file that made the core (" + executable_ + ")");
    expect_failure(snapshot_of(core_, "/bin/true"), 5, "/bin/true is not the file");
}

TEST_F(CoreOfABackend, IsNotReadWhereItIsCutOff) {
    const auto size = std::filesystem::file_size(core_);
    for (const auto bytes : {size / 2, std::uintmax_t{4096}, std::uintmax_t{100}}) {
        std::filesystem::resize_file(core_, bytes);
        expect_failure(snapshot_of(core_, executable_), 1, core_ + " is cut off");
    }
}

// Headers, notes and the list of mapped files are hostile: whatever they say, we end by ourselves.
TEST_F(CoreOfABackend, MayHoldAnythingInItsHeaders) {
    constexpr int kDamages = 40;
    constexpr int kBytesEach = 8;
    constexpr std::size_t kHeaderBytes = 12000;
    const std::string whole = contents_of(core_);
    std::mt19937 random(6);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in each run
    std::uniform_int_distribution<std::size_t> place(0, kHeaderBytes - 1);
    for (int i = 0; i < kDamages; ++i) {
        std::fstream file(core_, std::ios::in | std::ios::out | std::ios::binary);
        file.write(whole.data(), kHeaderBytes);
        for (int byte = 0; byte < kBytesEach; ++byte) {
            file.seekp(static_cast<std::streamoff>(place(random)));
            file.put(static_cast<char>(random()));
        }
        file.close();
        const ProgramResult result = snapshot_of(core_, executable_);
        EXPECT_THAT(result.exit_code, testing::AnyOf(0, 1, 3, 5)) << result.signal << result.err;
        EXPECT_EQ(result.err.empty(), result.exit_code == 0);
    }
}

TEST_F(CoreOfABackend, GoesWithItsExecutableAndWithNoTarget) {
    expect_failure(snapshot({"--core", core_}), 2, "--core and --exe go together");
    expect_failure(snapshot({"--exe", executable_}), 2, "--core and --exe go together");
    expect_failure(
        snapshot({"1", "--core", core_, "--exe", executable_}), 2, "TARGET is not for a --core");
    expect_failure(snapshot({"--method", "read", "--core", core_, "--exe", executable_}),
                   2,
                   "--method is not for a --core");
}

TEST(CoreFile, MustBeOne) {
    const std::string executable = "/usr/lib/postgresql/15/bin/postgres";
    expect_failure(snapshot_of("/bin/true", executable), 1, "/bin/true is no core file");
    expect_failure(snapshot_of("/etc/passwd", executable), 1, "/etc/passwd is no core file");
    expect_failure(snapshot_of("/", executable), 1, "/ is no regular file");
    expect_failure(snapshot_of("/none", executable), 1, "cannot read /none: No such file");
}

TEST(CoreFile, OfAnotherProgramIsRefused) {
    const TemporaryFolder folder;
    const Program program = Program::start({"sleep", "1000"});
    const std::string core = core_of(program.pid(), folder);
    expect_failure(snapshot_of(core, executable_of(program.pid())),
                   3,
                   "the core is of no PostgreSQL server: its process ran ");
    expect_failure(snapshot_of(core, "/none"), 1, "cannot read /none: No such file");
}

}  // namespace
}  // namespace palloscope::test
