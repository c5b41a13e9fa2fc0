// query-workspace: what a statement works with while it runs: sorts, hash tables, results, its own
// text. Large, but given back at its end: no leak.

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/common_evidence.hpp"
#include "inspector/diagnosis/context_kind.hpp"
#include "inspector/diagnosis/readable.hpp"

namespace palloscope {

namespace {

// Of the snapshots, those within a statement or transaction: else the growth is what stays.
constexpr double kLeastShareAtWork = 0.8;

bool covers(std::string_view path) {
    const std::string_view family = context_family(path);
    // PortalMemory: up to PostgreSQL 10.
    return family == "TopPortalContext" || family == "PortalMemory" || family == "MessageContext";
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    const auto& snapshots = suspicion.backend.snapshots;
    const auto at_work = std::ranges::count_if(
        snapshots, [](const SnapshotSummary& snapshot) { return snapshot.state != "idle"; });
    if (suspicion.trend.verdict != GrowthVerdict::kLeak ||
        static_cast<double>(at_work) < kLeastShareAtWork * static_cast<double>(snapshots.size())) {
        return std::nullopt;
    }
    Finding finding{
        .title = "A statement holds ever more while it runs, and gives it back at its end",
        .confidence = usual_confidence(suspicion, {}),
        .evidence = {fmt::format("{} of {} were taken while a statement or its transaction was in "
                                 "progress, and what grows belongs to it.",
                                 readable_count(static_cast<double>(at_work)),
                                 counted(std::ssize(snapshots), "snapshot")),
                     beside_rss_anon(suspicion)},
        .remedies = {
            "Nothing has to be done where there is memory for it. Else a smaller work_mem (and "
            "hash_mem_multiplier, 13 and later) has sorts and hash tables go to temporary files "
            "sooner; each node of a plan may take as much.",
            "EXPLAIN (ANALYZE, BUFFERS) tells which node it is. A result that is gathered as a "
            "whole (string_agg, array_agg, jsonb_agg) knows no limit but 1 GB."}};
    if (suspicion.backend.process.query) {
        finding.evidence.push_back(
            fmt::format("At the last snapshot it ran: {}", *suspicion.backend.process.query));
    }
    return finding;
}

}  // namespace

CauseRule query_workspace_rule() {
    return {.id = "query-workspace", .covers = covers, .explain = explain, .leaks = false};
}

}  // namespace palloscope
