#include "inspector/backend/server_processes.hpp"

#include <fnmatch.h>

#include <utility>

#include "attach/proc.hpp"
#include "inspector/backend/backend.hpp"
#include "inspector/backend/process_info.hpp"
#include "inspector/backend/process_title.hpp"
#include "inspector/backend/server_binary.hpp"

namespace palloscope {

namespace {

bool equals(const std::optional<std::string>& wanted, const std::optional<std::string>& actual) {
    return !wanted || (actual && *actual == *wanted);
}

bool matches(const std::optional<std::string>& pattern, const std::optional<std::string>& text) {
    return !pattern || (text && fnmatch(pattern->c_str(), text->c_str(), 0) == 0);
}

// What costs least to tell, of the thousands of processes that a machine may run.
bool is_another_program(pid_t pid) {
    const auto binary = ServerBinary::of_process(pid);
    return !binary && binary.error().kind == Error::Kind::kGone;
}

bool has_server_title(pid_t pid) {
    const auto command_line = read_command_line(pid);
    return command_line && parse_process_title(*command_line);
}

}  // namespace

bool ProcessFilter::admits(const ProcessInfo& info) const {
    return equals(database, info.database) && equals(user, info.user) &&
           matches(application_name, info.application_name) &&
           equals(backend_type, info.backend_type) && info.rss_anon_bytes >= min_rss_anon_bytes;
}

ServerProcesses find_server_processes(const ProcessFilter& filter) {
    return find_server_processes(filter, list_processes());
}

ServerProcesses find_server_processes(const ProcessFilter& filter, std::span<const int> pids) {
    ServerProcesses processes;
    for (const int pid : pids) {
        if (is_another_program(pid)) {
            continue;
        }
        const auto backend = Backend::open(pid);
        if (backend) {
            auto info = read_process_info(*backend, backend->memory(), Literals::kMasked);
            if (info && filter.admits(*info)) {
                processes.found.push_back({.server_version_num = backend->server_version_num(),
                                           .info = std::move(*info),
                                           .confinement = read_confinement(pid)});
            }
            continue;
        }
        if (backend.error().kind == Error::Kind::kPermission && has_server_title(pid)) {
            processes.unreadable.push_back(pid);
        }
    }
    return processes;
}

}  // namespace palloscope
