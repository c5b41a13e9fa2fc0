#include "inspector/cli/recording_summary.hpp"

#include <map>
#include <vector>

#include <fmt/format.h>

#include "inspector/diagnosis/readable.hpp"
#include "inspector/model/time_text.hpp"
#include "inspector/report/clean_text.hpp"
#include "inspector/report/size_text.hpp"

namespace palloscope {

namespace {

// " (read 180, freeze 18)".
std::string by_method_text(const std::map<Method, std::int64_t>& by_method) {
    std::vector<std::string> parts;
    parts.reserve(by_method.size());
    for (const auto& [method, count] : by_method) {
        parts.push_back(fmt::format("{} {}", to_string(method), count_text(count)));
    }
    return parts.empty() ? "" : fmt::format(" ({})", fmt::join(parts, ", "));
}

// ", 2 missed (the last: the snapshots before were not done)".
std::string missed_text(const RecordedBackendSummary& backend) {
    return fmt::format(
        ", {} missed{}",
        count_text(backend.missed),
        backend.missed > 0 ? fmt::format(" (the last: {})", clean_line(backend.last_miss)) : "");
}

std::string pauses_text(const RecordedBackendSummary& backend) {
    return backend.snapshots == 0 ? ""
                                  : fmt::format(", pause median {}, 99 % {}, longest {}",
                                                duration_text(backend.median_pause_us),
                                                duration_text(backend.p99_pause_us),
                                                duration_text(backend.max_pause_us));
}

}  // namespace

std::string recording_summary_text(const RecordingSummary& summary, const std::string& path) {
    std::string text =
        fmt::format("{}: {} of {}, {} missed, {}, {} ({})\n",
                    clean_line(path),
                    counted(summary.snapshots, "snapshot"),
                    counted(static_cast<std::int64_t>(summary.backends.size()), "backend"),
                    count_text(summary.missed),
                    counted(summary.executions, "statement"),
                    size_text(summary.bytes),
                    clean_line(summary.end));
    for (const RecordedBackendSummary& backend : summary.backends) {
        text += fmt::format("  process {}: {}{}{}{}{} ({})\n",
                            backend.pid,
                            counted(backend.snapshots, "snapshot"),
                            by_method_text(backend.by_method),
                            backend.explanations > 0 ? fmt::format(", {} with an explanation",
                                                                   count_text(backend.explanations))
                                                     : "",
                            missed_text(backend),
                            pauses_text(backend),
                            clean_line(backend.end));
    }
    for (const std::string& note : summary.notes) {
        text += fmt::format("  note: {}\n", clean_line(note));
    }
    return text;
}

}  // namespace palloscope
