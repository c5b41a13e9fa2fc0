#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inspector/model/context_tree.hpp"
#include "inspector/model/explanation.hpp"
#include "inspector/model/server_fact.hpp"
#include "inspector/model/snapshot.hpp"
#include "inspector/model/statement.hpp"

namespace palloscope {

// What a recording says about its backends, folded for analysis: the input of diagnosis.
//
// Contexts are folded by the path of their names (the 2,000 "index info" contexts are one series),
// so the size grows with snapshots × distinct paths, not with contexts.

// One context path over time. `figures[i]` belongs to BackendHistory::snapshots[i] and sums the
// contexts of this path at that moment (all zero while there are none); `count[i]` is their number.
struct ContextSeries {
    std::string path;
    std::vector<ContextFigures> figures;
    std::vector<std::int32_t> count;
};

// Contexts have idents from PostgreSQL 11 on.
inline constexpr int kFirstVersionWithIdents = 110000;

// Contexts of one backend that a statement left and that tell which one, by their idents (from
// PostgreSQL 11 on): the sources of plans that are kept, by their texts (CachedPlanSource,
// plancache.c); portals, by their names (PortalContext, portalmem.c); compiled functions, by their
// signatures (PL/pgSQL function, pl_comp.c).
struct KeptByStatements {
    // Behind a text that is cut, as MemoryContextStats puts it.
    static constexpr std::string_view kCut = "...";

    std::string path;
    // Of the ident, with the generated parts of identifiers as '*'.
    std::string family;

    struct Change {
        std::size_t snapshot = 0;  // index into BackendHistory::snapshots
        std::int32_t by = 0;       // so many more than at the snapshot before, or fewer
        // And so many used bytes more, or fewer, in them and in all contexts below them.
        std::int64_t used_bytes = 0;
    };

    std::vector<Change> changes;
};

// A snapshot without its tree.
struct SnapshotSummary {
    std::int64_t taken_at_ns = 0;
    double pause_us = 0;
    std::string state;
    std::int64_t rss_anon_bytes = 0;
    std::int64_t rss_shmem_bytes = 0;
    ContextFigures total;
};

// Sequence numbers and times of an execution; the form is an index, since a million executions
// have a few hundred forms.
struct ExecutionRecord {
    std::size_t form = 0;  // index into History::forms
    std::int64_t seq = 0;
    std::int64_t started_at_ns = 0;
    std::int64_t ended_at_ns = 0;
    bool failed = false;
    // It failed since there is nothing of a name in it (is_of_no_such_name).
    bool in_vain = false;
    std::optional<Sighting> sighting;
    // When the transaction block began that it was seen in: all with the same time are of one.
    std::optional<std::int64_t> transaction_began_at_ns;
};

// How much memory the control group of a process may have (its container's, say), and how much of
// that is left; pages that the kernel can drop count as left.
struct MemoryAllowance {
    std::int64_t limit_bytes = 0;
    std::int64_t left_bytes = 0;
    // Of the control group whose limit it is (MemoryLimit::group_id); 0 in recordings that do not
    // tell, where those with the same limit are taken for one group.
    std::uint64_t group_id = 0;

    // What those of one group have in common, and no others.
    [[nodiscard]] std::pair<std::int64_t, std::uint64_t> group() const {
        return {limit_bytes, group_id};
    }

    bool operator==(const MemoryAllowance&) const = default;
};

// BackendHistory::end of a backend whose control group had no memory left.
inline constexpr std::string_view kKilledForMemory = "killed by the kernel for lack of memory";

// BackendHistory::end of a backend that ended for another reason, or an unknown one.
inline constexpr std::string_view kBackendGone = "backend gone";

struct BackendHistory {
    int server_version_num = 0;
    ProcessInfo process;                     // as at the last snapshot
    std::vector<SnapshotSummary> snapshots;  // in the order of time
    std::vector<ContextSeries> contexts;
    std::vector<KeptByStatements> kept;
    std::vector<ExecutionRecord> executions;  // in the order of ended_at_ns
    // The first and the last that were recorded, without their trees.
    std::vector<Explanation> explanations;
    // As at the last look; none where no limit is known.
    std::optional<MemoryAllowance> allowance;
    // Of the statements that ran, the part that `executions` holds, 0 … 1, where they were seen by
    // looking now and then: an estimate by how often the backend reported a change (Sighting).
    std::optional<double> seen_share;
    // As the server said it at the last look, where it was asked.
    std::vector<ServerFact> server_facts;
    // Snapshots that were due but not taken: the one before was not done, or no safe point came.
    std::int64_t missed = 0;
    // Why the recording of this backend ended: "duration", "interrupted", kBackendGone,
    // kKilledForMemory, …; none where the recorder was killed.
    std::optional<std::string> end;
    // The client's session of which all its executions are, as the journal calls it; empty where
    // nothing names one, or several took turns (a pooler's).
    std::string session;
};

// Whether it is an end of the backend, not of its recording alone.
[[nodiscard]] inline bool is_end_of_backend(std::string_view end) {
    return end == kBackendGone || end == kKilledForMemory;
}

[[nodiscard]] inline bool has_ended(const BackendHistory& backend) {
    return backend.end && is_end_of_backend(*backend.end);
}

struct History {
    std::vector<StatementForm> forms;
    std::vector<BackendHistory> backends;
    // Where the executions come from: "activity", "none", "journal:FILE", "log:FILE",
    // "step:SOCKET".
    std::string statement_source = "none";
    // Things the reader of a report must know: lines skipped, a damaged end, clocks that jumped.
    std::vector<std::string> notes;
};

}  // namespace palloscope
