#include "inspector/cli/recording_summary.hpp"

#include <fmt/core.h>

#include "inspector/model/time_text.hpp"
#include "inspector/report/clean_text.hpp"
#include "inspector/report/size_text.hpp"

namespace palloscope {

std::string recording_summary_text(const RecordingSummary& summary, const std::string& path) {
    std::string text =
        fmt::format("{}: {} snapshots of {} backends, {} missed, {} statements, {} ({})\n",
                    clean_line(path),
                    count_text(summary.snapshots),
                    summary.backends.size(),
                    count_text(summary.missed),
                    count_text(summary.executions),
                    size_text(summary.bytes),
                    clean_line(summary.end));
    for (const RecordedBackendSummary& backend : summary.backends) {
        text += fmt::format(
            "  process {}: {} snapshots, {} missed, pause median {}, 99 % {}, longest {} ({})\n",
            backend.pid,
            count_text(backend.snapshots),
            count_text(backend.missed),
            duration_text(backend.median_pause_us),
            duration_text(backend.p99_pause_us),
            duration_text(backend.max_pause_us),
            clean_line(backend.end));
    }
    for (const std::string& note : summary.notes) {
        text += fmt::format("  note: {}\n", clean_line(note));
    }
    return text;
}

}  // namespace palloscope
