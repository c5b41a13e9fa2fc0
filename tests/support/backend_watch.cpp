#include "tests/support/backend_watch.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>

#include "tests/support/process_state.hpp"

namespace palloscope::test {

namespace {

std::vector<std::string> changed_descriptors(const std::map<int, std::string>& before,
                                             const std::map<int, std::string>& after) {
    std::vector<std::string> changes;
    for (const auto& [descriptor, target] : before) {
        const auto found = after.find(descriptor);
        if (found == after.end() || found->second != target) {
            changes.push_back("descriptor " + std::to_string(descriptor) + " was " + target +
                              " and is " + (found == after.end() ? "closed" : found->second));
        }
    }
    for (const auto& [descriptor, target] : after) {
        if (!before.contains(descriptor)) {
            changes.push_back("descriptor " + std::to_string(descriptor) +
                              " is left open: " + target);
        }
    }
    return changes;
}

std::vector<std::string> harms_of_backend(pid_t pid,
                                          const std::map<int, std::string>& descriptors) {
    std::vector<std::string> harms = changed_descriptors(descriptors, open_descriptors(pid));
    const char state = state_of(pid);
    if (state != 'S' && state != 'R') {
        harms.push_back(std::string("the backend is in state ") + state);
    }
    if (tracer_pid(pid) != 0) {
        harms.push_back("process " + std::to_string(tracer_pid(pid)) + " traces the backend");
    }
    for (const pid_t child : children_of(pid)) {
        harms.push_back("the backend has a child, " + std::to_string(child));
    }
    return harms;
}

// A backend's first query opens files of the catalog, and keeps them open.
std::map<int, std::string> descriptors_after_a_query(Session& session) {
    if (!session.alive()) {
        throw std::runtime_error("the backend to be watched does not answer");
    }
    return open_descriptors(session.backend_pid());
}

}  // namespace

BackendWatch::BackendWatch(const PostgresServer& server, Session& session)
    : server_(server),
      session_(session),
      descriptors_(descriptors_after_a_query(session)),
      postmaster_start_time_(start_time(server.postmaster_pid())),
      log_(server.log()) {}

std::vector<std::string> BackendWatch::harms() {
    std::vector<std::string> harms;
    // First: an answer shows that whatever was under way in the backend has come to its end.
    if (!session_.alive()) {
        harms.emplace_back("the backend does not answer");
    }
    try {
        const auto of_backend = harms_of_backend(session_.backend_pid(), descriptors_);
        harms.insert(harms.end(), of_backend.begin(), of_backend.end());
        if (start_time(server_.postmaster_pid()) != postmaster_start_time_) {
            harms.emplace_back("the postmaster is another process");
        }
    } catch (const std::exception& error) {
        harms.emplace_back(error.what());
    }
    const std::string log = server_.log();
    if (log != log_) {
        harms.push_back("the server logged: " + log.substr(std::min(log.size(), log_.size())));
    }
    return harms;
}

}  // namespace palloscope::test
