#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "inspector/model/statement.hpp"

namespace palloscope {

// Which recorded backend a statement is of that a journal, a log or a stepping driver tells of.
// These name backends by the PIDs of the server's own PID namespace, a container's for instance;
// a recording by those of ours.
//
//     ToldBackends targets(read_innermost_pid);
//     targets.add(4242);
//     targets.keep(executions);  // those of 4242, which the server calls 77
class ToldBackends {
  public:
    // What the server calls a process of ours; none where that cannot be known. May be empty: then
    // the PIDs are ours.
    using ServerPid = std::function<std::optional<int>(int pid)>;

    explicit ToldBackends(ServerPid server_pid) : server_pid_(std::move(server_pid)) {}

    // As it begins to be recorded, and as that ends.
    void add(int pid);
    void remove(int pid);

    // The recorded backend that the server calls so; none where there is none, or where backends of
    // two servers are called alike, which nothing tells apart.
    [[nodiscard]] std::optional<int> find(int server_pid) const;

    // What the server calls a recorded backend.
    [[nodiscard]] int server_pid(int pid) const;

    // Leaves those that are of recorded backends and ended at `since_ns` or later, with our PIDs.
    void keep(std::vector<Execution>& executions, std::int64_t since_ns);

    // What the reader of a report must know of those that were left out; may be empty. To be asked
    // at the end.
    [[nodiscard]] std::vector<std::string> notes() const;

  private:
    ServerPid server_pid_;
    std::map<int, int> told_as_;              // by our PID
    std::map<int, std::set<int>> called_so_;  // ours, by the server's
    std::int64_t kept_ = 0;
    std::int64_t of_others_ = 0;
    std::set<int> others_;  // some of their PIDs
    std::int64_t ambiguous_ = 0;
};

}  // namespace palloscope
