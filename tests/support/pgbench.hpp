#pragma once

#include <string>
#include <vector>

#include "tests/support/postgres_server.hpp"

namespace palloscope::test {

// The command that runs Debian's pgbench 15 with these options on the server's database postgres.
[[nodiscard]] inline std::vector<std::string> pgbench(const PostgresServer& server,
                                                      const std::vector<std::string>& options) {
    std::vector<std::string> command{"/usr/lib/postgresql/15/bin/pgbench",
                                     "-h",
                                     server.folder(),
                                     "-p",
                                     std::to_string(server.port()),
                                     "-U",
                                     "postgres"};
    command.insert(command.end(), options.begin(), options.end());
    command.emplace_back("postgres");
    return command;
}

}  // namespace palloscope::test
