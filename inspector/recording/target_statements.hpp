#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "attach/error.hpp"
#include "inspector/backend/activity_sampler.hpp"
#include "inspector/model/statement.hpp"
#include "inspector/recording/told_backends.hpp"
#include "inspector/recording/writer.hpp"
#include "inspector/statements/journal.hpp"
#include "inspector/statements/server_log.hpp"
#include "inspector/statements/step_server.hpp"

namespace palloscope {

// Where the statements of a recording come from.
struct NoStatements {};

using StatementSource =
    std::variant<NoStatements, ActivitySampler, JournalReader, ServerLogReader, StepServer>;

// The statements of a recording's targets, from their source into the recording: those that are of
// a target and ended after the start.
//
//     TargetStatements statements(source, server_pid, writer);
//     statements.start(unix_time_ns());
//     statements.set_targets({4242});
//     statements.store_new();    // again and again
//     statements.finish(4242, TargetEnd::kGone);
//     statements.set_targets({});
class TargetStatements {
  public:
    // `writer` must outlive it. `server_pid` says what its server calls a target, as
    // ToldBackends::ServerPid.
    TargetStatements(StatementSource source,
                     ToldBackends::ServerPid server_pid,
                     RecordingWriter& writer);

    // What ended before this moment (Unix time) is not of this recording.
    void start(std::int64_t unix_ns) noexcept { start_unix_ns_ = unix_ns; }

    // The machine's clock was set back by so much: so was the start.
    void set_start_back(std::int64_t by_ns) noexcept { start_unix_ns_ -= by_ns; }

    // From now on these and no others, in rising order.
    void set_targets(std::vector<int> pids);

    // Stores what came since the last time. Fails where the source or the recording does.
    [[nodiscard]] Result<> store_new();
    // Stores what a stepping driver tells of, where it is of a target.
    [[nodiscard]] Result<> store(const Execution& execution);

    // Stores what is still told of a target before it is none any more.
    enum class TargetEnd { kGone, kRunsOn };
    [[nodiscard]] Result<> finish(int pid, TargetEnd end);

    // The target that a source calls so, if it is one.
    [[nodiscard]] std::optional<int> find(int server_pid) const { return told_.find(server_pid); }

    // BackendHistory::seen_share of a target, where the source knows it.
    [[nodiscard]] std::optional<double> seen_share(int pid) const;

    // The drivers that step, where they are the source.
    [[nodiscard]] StepServer* step_server() { return std::get_if<StepServer>(&source_); }

    [[nodiscard]] std::int64_t stored() const noexcept { return stored_; }

    // What the reader of a report must know of the source. To be asked once, at the end.
    [[nodiscard]] std::vector<std::string> notes();

  private:
    [[nodiscard]] Result<> store_of_targets(std::vector<Execution> executions);

    StatementSource source_;
    ToldBackends told_;
    RecordingWriter& writer_;
    std::vector<int> pids_;
    std::int64_t start_unix_ns_ = 0;
    std::int64_t stored_ = 0;
};

}  // namespace palloscope
