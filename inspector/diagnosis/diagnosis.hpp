#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspector/diagnosis/estimate.hpp"
#include "inspector/diagnosis/growing_memory.hpp"
#include "inspector/diagnosis/growth_verdict.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

// What a recording shows: which backends leak, why, and what to do. Everything that a report says
// is decided here; a report only prints it.

// How the memory of a backend grew: the used bytes of its contexts, and what lies outside of them
// where a cause was found for its growth; without what is harmless.
struct Growth {
    GrowthVerdict verdict = GrowthVerdict::kTooFewSnapshots;
    GrowingMemory judged_on = GrowingMemory::kUsedBytes;  // or kTotalBytes
    // From the first snapshot used to the last, or to the end of the growth where that came first
    // (rest_seconds), with whatever filled at first.
    std::int64_t bytes = 0;
    double seconds = 0;
    // The rate after the warm-up, or since it began, with its 95 % interval.
    Estimate bytes_per_second;
    // Of `bytes` and `seconds`: the warm-up, in which caches filled.
    std::int64_t warm_up_bytes = 0;
    double warm_up_seconds = 0;
    // Of `seconds`: before it began, in which nothing grew.
    double quiet_seconds = 0;
    // Of the recording, after `seconds`: in which the statements of the causes ran no more, and
    // nothing grew.
    double rest_seconds = 0;

    // Whether it is proven that the backend grows and goes on growing.
    [[nodiscard]] bool significant() const { return verdict == GrowthVerdict::kLeak; }
};

// What the contexts of one path grew by, over the whole of the snapshots used.
struct ContextGrowth {
    std::string path;
    std::int64_t bytes = 0;
    // How many contexts more there are of this path.
    std::int64_t contexts = 0;

    // The name of the child of TopMemoryContext that it is or lies below: "CacheMemoryContext".
    [[nodiscard]] std::string_view family() const;
};

// A statement that grows the contexts of a cause.
//
// Members of one group ran together so faithfully that their shares cannot be told apart. They
// carry the same figures, those of the whole group: `calls` are its rounds (what ran once a
// transaction or a loop) and `bytes_per_call` is what stays after a round. Count each group once,
// and Σ calls × bytes_per_call.value is the cause's bytes.
struct AttributedStatement {
    std::string fingerprint;
    std::string query;
    std::int64_t calls = 0;
    Estimate bytes_per_call;
    std::optional<std::string> group;
    // Of this statement itself: forms that were counted as one family, calls in a round, and, where
    // it was stepped, what it took or gave back by itself.
    std::size_t forms = 1;
    double calls_in_a_round = 1;
    std::optional<double> own_bytes_per_call;
};

// When the memory of a backend's control group will be used up, should all leaking backends of the
// recording that have this same limit go on growing as they do.
struct Forecast {
    std::int64_t limit_bytes = 0;
    std::int64_t left_bytes = 0;  // when it was last looked at
    // From then on, with the 95 % interval.
    Estimate seconds;
    // Unix time; none where it is years away.
    std::optional<std::int64_t> at_ns;
    std::size_t backends = 1;  // that grow together
};

// That the kernel killed a backend for lack of memory in its control group, and since when that was
// to be foreseen.
struct Ending {
    std::int64_t last_snapshot_ns = 0;

    // The first of some evenly spread moments at which the recording showed a leak, and what was
    // the forecast then; none where there was no such moment, or no limit is known.
    struct Foresight {
        std::int64_t at_ns = 0;
        Estimate seconds;
    };

    std::optional<Foresight> foresight;
};

// One reason for which a backend grows.
struct Cause {
    // One of the contract's cause ids.
    std::string id;
    std::string title;
    // 0 … 1: how much of the evidence that the cause would leave is there.
    double confidence = 0;
    // What its statements account for; what its contexts grew by, where it has no statements or all
    // that grew there is known to be this.
    std::int64_t bytes = 0;
    // Of Growth::bytes, 0 … 1.
    double share = 0;
    // Largest first.
    std::vector<ContextGrowth> contexts;
    // The most telling first; groups stay together.
    std::vector<AttributedStatement> statements;
    // Sentences.
    std::vector<std::string> evidence;
    std::vector<std::string> remedies;
};

struct BackendDiagnosis {
    ProcessInfo process;
    int server_version_num = 0;
    Growth growth;
    // Sorted by bytes; empty where nothing leaks or nothing can be said.
    std::vector<Cause> causes;
    // What looks like a leak and is none, in the same form: shared memory that is touched, the
    // workspace of a statement that still runs.
    std::vector<Cause> harmless;
    // Growth::bytes less the causes' bytes.
    std::int64_t unexplained_bytes = 0;
    std::size_t snapshots = 0;
    std::size_t executions = 0;
    // Where it leaks and its limit is known.
    std::optional<Forecast> forecast;
    // Where the kernel killed it for lack of memory; there is no forecast then.
    std::optional<Ending> ending;
    // What the growth is judged on, at up to 40 evenly spread moments, for a picture.
    std::vector<std::int64_t> picture;
    // What a reader must know about this backend's recording, as sentences.
    std::vector<std::string> notes;

    [[nodiscard]] bool leaks() const { return !causes.empty(); }
};

struct Diagnosis {
    std::vector<BackendDiagnosis> backends;
    std::string statement_source;
    // Of the recording as a whole, as sentences.
    std::vector<std::string> notes;
};

// Pure: the same history gives the same diagnosis. Takes seconds for 10,000 snapshots and 1,000,000
// executions. Figures that cannot be (contexts' series of another length than the snapshots) count
// as zero.
[[nodiscard]] Diagnosis diagnose(const History& history);

}  // namespace palloscope
