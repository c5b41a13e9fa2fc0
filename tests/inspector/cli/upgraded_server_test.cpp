// A server whose programs were replaced while it runs, as an upgrade of its package does: its file
// is there as /proc/PID/exe only.

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/postgres_server.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

// Where scripts/server looks for installations.
constexpr const char* kServers = "PALLOSCOPE_SERVERS";

// A server of programs of its own, which may be tampered with.
class UpgradedServer : public testing::Test {
  protected:
    UpgradedServer() : server_(start()) {}

    [[nodiscard]] std::filesystem::path program() const {
        return folder_.path() / "npm-16/bin/postgres";
    }

    static ProgramResult palloscope(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), palloscope_program());
        return run_program(arguments);
    }

    // The tree by every method, of a backend that does nothing meanwhile, is the same.
    static void expect_equal_snapshots(const Session& session) {
        const std::string pid = std::to_string(session.backend_pid());
        const auto snapshot = [&](const std::string& method) {
            const ProgramResult result =
                palloscope({"snapshot", pid, "--method", method, "--format", "stats"});
            EXPECT_EQ(result.exit_code, 0) << method << ": " << result.err;
            return result.out;
        };
        const std::string reference = snapshot("call");
        EXPECT_THAT(reference, HasSubstr("Grand total: "));
        for (const char* const method : {"read", "freeze", "fork"}) {
            EXPECT_EQ(snapshot(method), reference) << method;
        }
    }

    [[nodiscard]] Session connect() const { return Session::connect(server_.dsn()); }

    static std::filesystem::path executable_of(pid_t pid) {
        return std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe");
    }

  private:
    [[nodiscard]] PostgresServer start() const {
        using std::filesystem::copy_options;
        const auto installed = executable_of(PostgresServer::shared("16").postmaster_pid());
        std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
        std::filesystem::copy(installed.parent_path().parent_path(),
                              program().parent_path().parent_path(),
                              copy_options::recursive | copy_options::copy_symlinks);
        setenv(kServers, folder_.path().c_str(), 1);
        PostgresServer server = PostgresServer::start("16");
        unsetenv(kServers);
        return server;
    }

    TemporaryFolder folder_;
    PostgresServer server_;
};

TEST_F(UpgradedServer, IsReadThoughItsFileWasReplaced) {
    const Session session = connect();
    ASSERT_EQ(executable_of(session.backend_pid()), program());
    // As dpkg does it: another file takes the name.
    std::filesystem::copy_file("/bin/true", program().string() + ".new");
    std::filesystem::rename(program().string() + ".new", program());
    ASSERT_THAT(executable_of(session.backend_pid()).string(), EndsWith(" (deleted)"));
    expect_equal_snapshots(session);
}

TEST_F(UpgradedServer, IsReadThoughItWasUninstalled) {
    const Session session = connect();
    std::filesystem::remove(program());
    expect_equal_snapshots(session);
    const std::string pid = std::to_string(session.backend_pid());
    const ProgramResult explained = palloscope({"explain", pid, "--format", "json"});
    EXPECT_EQ(explained.exit_code, 0) << explained.err;
    EXPECT_THAT(explained.out, HasSubstr("\"pg_class\""));
    const ProgramResult checked = palloscope({"check", pid});
    EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
}

}  // namespace
}  // namespace palloscope::test
