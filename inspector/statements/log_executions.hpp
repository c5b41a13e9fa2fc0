#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "inspector/model/statement.hpp"
#include "inspector/statements/form_cache.hpp"
#include "inspector/statements/log_entry.hpp"

namespace palloscope {

// Which statements the messages of a log tell of, each counted once however many lines it has.
//
// With durations (log_min_duration_statement = 0, or log_duration beside log_statement) a statement
// ended when that was logged and began so long before. log_statement alone logs a statement before
// it runs and never says when it ended: it counts at the moment in which it began. Between two
// snapshots of an idle backend that is exact, since no statement runs across such a moment; a
// later line, or now, would be wrong by all the time for which the client thinks. Parse and Bind
// count with the Execute that follows, and fetching on from a portal with the first Execute.
// Messages are known in English only (lc_messages). A log names no sessions: its session id is that
// of one connection, and another after a reconnect.
class LogExecutions {
  public:
    // Appends what an entry, logged at that Unix time, completes.
    void take(const LogEntry& entry, std::int64_t logged_ns, std::vector<Execution>& executions);

    // The statement that a backend, which is looked at no longer, ran last, where it logs no
    // durations; else one without its duration has not ended.
    void finish(int pid, std::vector<Execution>& executions);

    // Of statements that were told with their durations, and without.
    [[nodiscard]] std::int64_t with_duration() const { return with_duration_; }

    [[nodiscard]] std::int64_t without_duration() const { return without_duration_; }

    // Of those with a duration, the shortest.
    [[nodiscard]] std::int64_t shortest_ns() const { return shortest_ns_; }

  private:
    // A statement that was logged before it ran.
    struct Begun {
        StatementForm form;
        std::int64_t at_ns = 0;
    };

    [[nodiscard]] std::optional<Begun> take_begun(int pid);
    void take_error(const LogEntry& entry, std::int64_t logged_ns, std::vector<Execution>& out);
    void add_without_duration(int pid, const Begun& begun, std::vector<Execution>& out);
    void add(Execution execution, std::vector<Execution>& out);

    std::unordered_map<int, Begun> begun_;  // by PID
    // Backends that log durations: a statement of theirs without one has not ended.
    std::unordered_set<int> with_durations_;
    FormCache forms_;
    std::int64_t count_ = 0;
    std::int64_t with_duration_ = 0;
    std::int64_t without_duration_ = 0;
    std::int64_t shortest_ns_ = std::numeric_limits<std::int64_t>::max();
};

}  // namespace palloscope
