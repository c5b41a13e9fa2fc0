#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "attach/error.hpp"
#include "inspector/model/server_fact.hpp"

namespace palloscope {

// What a server says when it is asked by SQL.
struct ServerFacts {
    // Of the server as a whole: settings as a new session gets them, and dead rows of the catalogs
    // of the database that was connected to.
    std::vector<ServerFact> server;
    // Of each session by the PID that the server itself knows it by.
    std::map<int, std::vector<ServerFact>> sessions;
};

// Fails (kUsage) where `dsn` is no connection string of libpq. The message holds nothing of it: it
// may hold a password.
[[nodiscard]] Result<> check_dsn(const std::string& dsn);

// Connects as application "palloscope", asks in one transaction that may only read, and leaves.
// Takes at most `timeout` after it is connected, and about as long for each of the hosts of `dsn`
// before (at least two seconds). kFailed with the reason, which holds no password.
[[nodiscard]] Result<ServerFacts> ask_server(const std::string& dsn,
                                             std::chrono::milliseconds timeout);

}  // namespace palloscope
