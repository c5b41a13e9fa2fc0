#pragma once

#include <string>
#include <vector>

#include "tests/support/postgres_server.hpp"

namespace palloscope::test {

// A format of the server's log, as log_destination calls it, and how the names of its files end
// (logfile_getname of syslogger.c).
struct LogFormat {
    const char* destination = "";
    const char* extension = "";
    int first_major = 0;
};

// A server that logs the statements of those sessions that ask for it, in every format that it has:
// the same server serves who reads its log and who does not.
//
//     const LoggingServer server = LoggingServer::start("15");
//     drive(server.logging_dsn());
//     record("log:" + server.log_path(server.formats().front()));
class LoggingServer {
  public:
    // `version` is a major. Throws std::runtime_error, as PostgresServer::start does.
    static LoggingServer start(const std::string& version);

    [[nodiscard]] const std::string& dsn() const { return server_.dsn(); }

    // Of sessions whose statements are logged, each with its duration.
    [[nodiscard]] std::string logging_dsn() const;

    // Never empty.
    [[nodiscard]] const std::vector<LogFormat>& formats() const { return formats_; }

    // For 'palloscope record --statements log:…': a pattern, since the server rotates its log.
    [[nodiscard]] std::string log_path(const LogFormat& format) const;

  private:
    LoggingServer(PostgresServer server, std::vector<LogFormat> formats);

    PostgresServer server_;
    std::vector<LogFormat> formats_;
};

}  // namespace palloscope::test
