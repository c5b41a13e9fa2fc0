#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/program.hpp"

namespace palloscope::test {

// A real PostgreSQL server in a folder of its own (scripts/server). It stops, and its folder goes,
// with this owner, and also when the test is killed.
//
//     PostgresServer server = PostgresServer::start("13", {"work_mem=1MB"});
//     Session session = Session::connect(server.dsn());
class PostgresServer {
  public:
    // `version` is as scripts/server takes it ("15" is Debian's, "npm-15" is not); `settings` are
    // NAME=VALUE. Throws std::runtime_error: a test that cannot have its server fails.
    static PostgresServer start(std::string_view version,
                                const std::vector<std::string>& settings = {});

    // One server a version, with default settings, for all tests of this executable: started on
    // first use, stopped when the executable ends. A test must leave it as it found it.
    static PostgresServer& shared(std::string_view version);

    PostgresServer(PostgresServer&& other) noexcept;
    PostgresServer& operator=(PostgresServer&& other) noexcept;
    PostgresServer(const PostgresServer&) = delete;
    PostgresServer& operator=(const PostgresServer&) = delete;
    ~PostgresServer();

    // Of the superuser postgres on database postgres; more can be appended (" dbname=other").
    const std::string& dsn() const { return dsn_; }

    // On 127.0.0.1.
    int port() const { return port_; }

    pid_t postmaster_pid() const { return postmaster_pid_; }

    // The server's log up to now.
    std::string log() const;

    // Where its socket, its log and its data lie.
    const std::string& folder() const { return folder_; }

  private:
    PostgresServer(std::string folder, Program guard);

    std::string folder_;
    Program guard_;  // scripts/server guard: clears up when its input ends
    std::string dsn_;
    int port_ = 0;
    pid_t postmaster_pid_ = 0;
};

// The majors that tests of every version run on (tests/CMakeLists.txt).
std::vector<std::string> server_versions();

// Names a test after its major, "v15" for "15" and "npm-15", which is how ctest runs one version's
// tests together:
//
//     INSTANTIATE_TEST_SUITE_P(EveryVersion, SnapshotTest,
//                              testing::ValuesIn(server_versions()), kVersionName);
inline constexpr auto kVersionName = [](const auto& info) {
    return "v" + info.param.substr(info.param.find('-') + 1);
};

}  // namespace palloscope::test
