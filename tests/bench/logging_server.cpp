#include "tests/bench/logging_server.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

namespace palloscope::test {

namespace {

// jsonlog is new in 15 (its release notes).
constexpr std::array kFormats{
    LogFormat{.destination = "csvlog", .extension = "csv", .first_major = 10},
    LogFormat{.destination = "stderr", .extension = "log", .first_major = 10},
    LogFormat{.destination = "jsonlog", .extension = "json", .first_major = 15},
};

}  // namespace

LoggingServer::LoggingServer(PostgresServer server, std::vector<LogFormat> formats)
    : server_(std::move(server)), formats_(std::move(formats)) {}

LoggingServer LoggingServer::start(const std::string& version) {
    std::vector<LogFormat> formats;
    std::string destinations;
    for (const LogFormat& format : kFormats) {
        if (std::stoi(version) >= format.first_major) {
            formats.push_back(format);
            destinations += destinations.empty() ? "" : ",";
            destinations += format.destination;
        }
    }
    // The prefix is Debian's.
    return {PostgresServer::start(version,
                                  {"logging_collector=on",
                                   "log_destination=" + destinations,
                                   "log_line_prefix=%m [%p] %q%u@%d ",
                                   "lc_messages=C"}),
            std::move(formats)};
}

std::string LoggingServer::logging_dsn() const {
    return server_.dsn() + " options='-c log_min_duration_statement=0'";
}

std::string LoggingServer::log_path(const LogFormat& format) const {
    return fmt::format("{}/data/log/*.{}", server_.folder(), format.extension);
}

}  // namespace palloscope::test
