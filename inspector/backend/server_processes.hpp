#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attach/confinement.hpp"
#include "attach/error.hpp"
#include "inspector/model/snapshot.hpp"

namespace palloscope {

// One PostgreSQL process of this machine, found without a connection to any server.
struct ServerProcess {
    int server_version_num = 0;
    ProcessInfo info;
    Confinement confinement;
};

// Which of them are wanted; what is not given is not asked for.
struct ProcessFilter {
    std::optional<std::string> database;
    std::optional<std::string> user;
    std::optional<std::string> application_name;  // a glob(7) pattern
    std::optional<std::string> backend_type;
    std::int64_t min_rss_anon_bytes = 0;

    [[nodiscard]] bool admits(const ProcessInfo& info) const;
};

struct ServerProcesses {
    std::vector<ServerProcess> found;  // by PID
    // Processes that by their title are PostgreSQL's, but that we may not look at.
    std::vector<int> unreadable;
};

// Looks at every process that our PID namespace shows, across containers and versions.
[[nodiscard]] ServerProcesses find_server_processes(const ProcessFilter& filter);

// The same of these processes alone.
[[nodiscard]] ServerProcesses find_server_processes(const ProcessFilter& filter,
                                                    std::span<const int> pids);

}  // namespace palloscope
