#include "inspector/diagnosis/backend_notes.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "inspector/diagnosis/readable.hpp"
#include "inspector/diagnosis/trend.hpp"

namespace palloscope {

namespace {

// Ends that say nothing about the figures.
constexpr std::array<std::string_view, 4> kPlannedEnds{
    "duration", "interrupted", kBackendGone, kKilledForMemory};

std::string end_note(const std::optional<std::string>& end) {
    if (!end) {
        return "The recording has no end: its recorder still runs, or was killed. This goes as far "
               "as its last snapshot.";
    }
    if (std::ranges::find(kPlannedEnds, *end) != kPlannedEnds.end()) {
        return "";
    }
    return fmt::format("The recording of this backend ended early: {}.", *end);
}

}  // namespace

std::vector<std::string> backend_notes(const BackendHistory& backend,
                                       const SnapshotChoice& choice) {
    const auto all = static_cast<std::int64_t>(backend.snapshots.size());
    std::vector<std::string> notes;
    if (choice.indices.size() < kFewestSnapshots) {
        notes.push_back(fmt::format(
            "{} cannot tell a leak from caches that fill: record at least {}, better 60.",
            counted(all, "snapshot"),
            kFewestSnapshots));
    }
    if (!choice.idle_only && all > 0) {
        const auto idle = std::ranges::count(backend.snapshots, "idle", &SnapshotSummary::state);
        notes.push_back(
            fmt::format("Only {} of {} were taken between transactions, so all are used: "
                        "what a running transaction holds makes the intervals wider.",
                        readable_count(static_cast<double>(idle)),
                        counted(all, "snapshot")));
    }
    if (choice.out_of_order > 0) {
        notes.push_back(
            fmt::format("{} left out: the clock stood still or went back.",
                        counted(static_cast<std::int64_t>(choice.out_of_order), "snapshot")));
    }
    if (std::string note = end_note(backend.end); !note.empty()) {
        notes.push_back(std::move(note));
    }
    return notes;
}

}  // namespace palloscope
