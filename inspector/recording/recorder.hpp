#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attach/error.hpp"
#include "inspector/model/explanation.hpp"
#include "inspector/model/server_fact.hpp"
#include "inspector/model/snapshot.hpp"
#include "inspector/recording/rest_round.hpp"
#include "inspector/recording/target_statements.hpp"
#include "inspector/recording/told_backends.hpp"
#include "inspector/recording/writer.hpp"

namespace palloscope {

struct RecorderOptions {
    std::chrono::nanoseconds interval = std::chrono::seconds{1};
    // None: until interrupted, or until all targets are gone and the next search finds no other.
    std::optional<std::chrono::nanoseconds> duration;
    // From one explanation of a backend to its next; none: no explanations.
    std::optional<std::chrono::nanoseconds> explain_every;
    // Waits for a target where none is there, or those that were have gone before their first
    // snapshot.
    bool awaits_targets = false;
    // Goes on to the end of `duration`, or until interrupted, where there is no target any more:
    // others may come.
    bool outlasts_targets = false;
};

// For a line that shows that work goes on.
struct RecordingProgress {
    std::chrono::nanoseconds elapsed{};
    std::size_t backends = 0;  // now
    std::int64_t snapshots = 0;
    std::int64_t missed = 0;
};

// How the backends of a round are read without a stop: whichever rests, one wait for all of them.
struct RecorderCallsAtRest {
    ReadAtRest read;
    // How long a round waits for its backends to rest, all together …
    std::chrono::nanoseconds within{};
    // … and then a snapshot of one that did not, as RecorderCalls::take but without more waiting.
    std::function<Result<Snapshot>(int pid)> otherwise;
};

// What the recorder needs of the world around it.
struct RecorderCalls {
    // One snapshot of a backend; kGone, kTimeout, kTraced, kPermission and kUnsupported mean what
    // they say.
    std::function<Result<Snapshot>(int pid)> take;
    // For rounds. May be empty: then each waits by itself, in take().
    std::optional<RecorderCallsAtRest> at_rest;
    // What one backend's bytes are, with the snapshot; asked where there is `explain_every`.
    std::function<Result<Explanation>(int pid)> explain;
    // PIDs of the backends that match what the user asked for; asked again every second, so that
    // backends which start later are recorded too.
    std::function<Result<std::vector<int>>()> find_targets;
    // How much memory a target may have; asked every ten seconds. May be empty.
    std::function<std::optional<MemoryAllowance>(int pid)> allowance;
    // What their server says of these targets, by PID; those that it does not know are left out.
    // Asked after the first round, every ten seconds, and at the end; after a failure never
    // again. May be empty.
    std::function<Result<std::map<int, std::vector<ServerFact>>>(const std::vector<int>& pids)>
        server_facts;
    // What its server calls a target, in its own PID namespace, as journals and logs do. May be
    // empty: the same.
    ToldBackends::ServerPid server_pid;
    // Why a target has gone, where more is known of it than that; else empty. May be empty.
    std::function<std::string(int pid)> end_reason;
    // A target is no longer recorded. May be empty.
    std::function<void(int pid)> forget;
    // Waits, less where a target ends. May be empty: then it is poll(2).
    std::function<void(std::chrono::milliseconds)> wait;
    // Called after each round of snapshots. May be empty.
    std::function<void(const RecordingProgress&)> progress;
    // Called ten times a second between rounds, however far apart these are. May be empty.
    std::function<void()> between;
    // Unix time in nanoseconds. May be empty: then the machine's.
    std::function<std::int64_t()> unix_time_ns;
};

struct RecordedBackendSummary {
    int pid = 0;
    std::int64_t snapshots = 0;
    std::int64_t explanations = 0;  // that came with as many of the snapshots
    std::map<Method, std::int64_t> by_method;
    std::int64_t missed = 0;
    std::string last_miss;  // why the last of these was missed
    // "duration", "interrupted", kBackendGone, kKilledForMemory, or why it could not be recorded
    // any further.
    std::string end;
    // Of its snapshots, in microseconds; quantiles to within 1 %.
    double min_pause_us = 0;
    double median_pause_us = 0;
    double p99_pause_us = 0;
    double max_pause_us = 0;
};

struct RecordingSummary {
    // Why it ended: "duration", "interrupted" or "all targets gone".
    std::string end;
    std::vector<RecordedBackendSummary> backends;  // in the order in which their recording ended
    std::int64_t snapshots = 0;
    std::int64_t missed = 0;
    std::int64_t executions = 0;
    std::int64_t bytes = 0;
    // What was written as notes into the recording.
    std::vector<std::string> notes;
};

// The loop of `palloscope record`.
//
// Every `interval`, by a steady clock counted from the start so that it does not drift, takes one
// snapshot of each target: of those that rest as they come to rest, but for no longer than half an
// interval, then of the others, one after the other. Rounds never overlap: those that fell due
// while one was still going on are counted as missed. A backend whose driver steps (StepServer)
// gets a snapshot at its hello and after each of its statements instead. A backend's first
// snapshot, and the next one whenever `explain_every` has gone by, is an explanation (one a round,
// which may last for seconds), which brings a snapshot with it; where none can be had the snapshot
// is taken all the same, and a note says why. Of a source of statements, those executions are
// recorded that are of a target and ended after the start.
//
// Where the server is to be asked by SQL and cannot be, a note says why.
//
// A target that is gone ends; one that may not or cannot be read is noted and left alone; any other
// failure to take a snapshot counts as missed, with its message as the reason.
class Recorder {
  public:
    // `writer` and `stop` must live longer than the recorder; `stop` may be set by a signal
    // handler.
    Recorder(RecorderOptions options,
             RecorderCalls calls,
             StatementSource statements,
             RecordingWriter& writer,
             const std::atomic<bool>& stop);
    Recorder(const Recorder&) = delete;
    Recorder(Recorder&&) = delete;
    Recorder& operator=(const Recorder&) = delete;
    Recorder& operator=(Recorder&&) = delete;
    ~Recorder();

    // To be called once. Fails where there is no target at the start (kGone), no snapshot could be
    // taken (with the first failure), or the recording cannot be written (the error says what was
    // kept).
    [[nodiscard]] Result<RecordingSummary> run();

  private:
    class Impl;

    std::unique_ptr<Impl> impl_;
};

}  // namespace palloscope
