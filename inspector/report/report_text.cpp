#include <algorithm>
#include <cstddef>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "inspector/diagnosis/readable.hpp"
#include "inspector/model/pid_list.hpp"
#include "inspector/model/time_text.hpp"
#include "inspector/report/clean_text.hpp"
#include "inspector/report/harmless_text.hpp"
#include "inspector/report/report.hpp"
#include "inspector/report/report_statements.hpp"
#include "inspector/report/sparkline.hpp"
#include "inspector/report/text_columns.hpp"
#include "inspector/report/wrapped_text.hpp"

namespace palloscope {

namespace {

constexpr int kNarrowest = 64;
constexpr int kWidest = 100;
constexpr int kIndent = 5;
constexpr std::size_t kMostContexts = 6;

// Bytes a second, less than any where it does not leak.
double leak_rate(const BackendDiagnosis& backend) {
    return backend.leaks() ? backend.growth.bytes_per_second.value
                           : -std::numeric_limits<double>::infinity();
}

// The text of one report, in the making.
class ReportWriter {
  public:
    explicit ReportWriter(const TextStyle& style)
        : style_(style),
          columns_(style.width == 0 ? kWidest : std::clamp(style.width, kNarrowest, kWidest)) {}

    void verdict(const Diagnosis& diagnosis);
    void leaking(const BackendDiagnosis& backend);
    void others(const std::vector<BackendDiagnosis>& backends);

    void harmless(const std::vector<BackendDiagnosis>& backends) {
        text_ += harmless_text(backends, columns_, style_);
    }

    void notes(const Diagnosis& diagnosis);

    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    void line(std::string_view content = "") { text_.append(content).append("\n"); }

    void paragraph(std::string_view content, std::string_view first = "") {
        text_ += wrapped_text(clean_line(content), first, columns_, style_);
    }

    void list(std::string_view title, const std::vector<std::string>& sentences);
    void growth(const BackendDiagnosis& backend);
    void forecast(const Forecast& forecast);
    void ending(const Ending& ending);
    void cause(const Cause& cause, std::size_t number);
    void unexplained(const BackendDiagnosis& backend);
    void remedies(const Cause& cause);
    void contexts(const Cause& cause);
    void summary(const std::vector<const BackendDiagnosis*>& backends, std::string_view what);

    // Remedies that the report has told already, and for which backend: four pool members that leak
    // alike are told once.
    struct GivenRemedies {
        std::vector<std::string> sentences;
        int pid = 0;
    };

    TextStyle style_;
    int columns_;
    std::string text_;
    int pid_ = 0;  // of the backend that is being written about
    std::vector<GivenRemedies> given_remedies_;
};

void ReportWriter::verdict(const Diagnosis& diagnosis) {
    const std::vector<BackendDiagnosis>& backends = diagnosis.backends;
    const auto all = static_cast<std::int64_t>(backends.size());
    const auto leaking = std::ranges::count_if(backends, &BackendDiagnosis::leaks);
    const bool judged = std::ranges::any_of(backends, [](const BackendDiagnosis& backend) {
        return backend.growth.verdict != GrowthVerdict::kTooFewSnapshots;
    });
    std::string sentence;
    if (backends.empty()) {
        sentence = "The recording holds no backend.";
    } else if (leaking > 0) {
        const BackendDiagnosis& worst = *std::ranges::max_element(backends, {}, leak_rate);
        const bool ended = std::ranges::all_of(backends, [](const BackendDiagnosis& backend) {
            return !backend.leaks() || backend.growth.rest_seconds > 0;
        });
        sentence = fmt::format("{} of {} {}: {}, {}/h{}.",
                               leaking,
                               counted(all, "backend"),
                               ended          ? "leaked"
                               : leaking == 1 ? "leaks"
                                              : "leak",
                               worst.causes.front().id,
                               readable_bytes(leak_rate(worst) * 3600),
                               leaking == 1 ? "" : " in the worst");
    } else if (judged) {
        sentence = "Nothing leaks.";
    } else {
        sentence = "Nothing can be said: there are too few snapshots.";
    }
    line(painted(style_, leaking > 0 ? Paint::kGrew : Paint::kStrong, sentence));
}

void ReportWriter::leaking(const BackendDiagnosis& backend) {
    const ProcessInfo& process = backend.process;
    std::string heading = fmt::format(
        "Backend {}, PostgreSQL {}", process.pid, server_version_text(backend.server_version_num));
    for (const auto& [name, value] : {std::pair("database", process.database),
                                      std::pair("user", process.user),
                                      std::pair("application", process.application_name)}) {
        if (value && !value->empty()) {
            heading += fmt::format(", {} {}", name, clean_line(*value));
        }
    }
    line();
    line(painted(style_, Paint::kStrong, cut_to_columns(heading, columns_, style_)));
    pid_ = process.pid;
    growth(backend);
    for (std::size_t i = 0; i < backend.causes.size(); ++i) {
        cause(backend.causes[i], i + 1);
    }
    unexplained(backend);
}

void ReportWriter::unexplained(const BackendDiagnosis& backend) {
    // What rounds to nothing beside the growth is not worth a line.
    if (backend.unexplained_bytes * 100 < backend.growth.bytes) {
        return;
    }
    line();
    paragraph(fmt::format("Not explained by this: {}.",
                          readable_bytes(static_cast<double>(backend.unexplained_bytes))),
              "  ");
}

void ReportWriter::growth(const BackendDiagnosis& backend) {
    const Growth& growth = backend.growth;
    const Estimate& rate = growth.bytes_per_second;
    const std::string warm_up =
        growth.warm_up_bytes > 0
            ? fmt::format(", {} of it in the first {}, in which caches fill; since then by",
                          readable_bytes(static_cast<double>(growth.warm_up_bytes)),
                          readable_seconds(growth.warm_up_seconds))
            : ":";
    paragraph(fmt::format("Grew by {} in {}{} {}/s (95 % interval: {}/s to {}/s), {}/h.",
                          readable_bytes(static_cast<double>(growth.bytes)),
                          readable_seconds(growth.seconds),
                          warm_up,
                          readable_bytes(rate.value),
                          readable_bytes(rate.low),
                          readable_bytes(rate.high),
                          readable_bytes(rate.value * 3600)),
              "  ");
    const bool of_used = growth.judged_on == GrowingMemory::kUsedBytes;
    if (!of_used) {
        paragraph(
            "That is what its contexts take up: what is used of them does not grow, and the "
            "rest is free in blocks that they keep.",
            "  ");
    }
    if (growth.quiet_seconds > 0) {
        paragraph(fmt::format("It began after {}, and the rate is that since then.",
                              readable_seconds(growth.quiet_seconds)),
                  "  ");
    }
    if (growth.rest_seconds > 0) {
        paragraph(
            fmt::format("It ended with its statements: in the {} after that none of them ran, "
                        "and nothing grew.",
                        readable_seconds(growth.rest_seconds)),
            "  ");
    }
    if (backend.forecast) {
        forecast(*backend.forecast);
    }
    if (backend.ending) {
        ending(*backend.ending);
    }
    if (backend.picture.empty()) {
        return;
    }
    const std::string picture = sparkline(backend.picture, style_);
    const std::string ends =
        fmt::format("  {} to {} {}",
                    readable_bytes(static_cast<double>(backend.picture.front())),
                    readable_bytes(static_cast<double>(backend.picture.back())),
                    of_used ? "used" : "taken up");
    const bool fits = 2 + text_columns(picture) + text_columns(ends) <= columns_;
    line("  " + painted(style_, Paint::kGrew, picture) + (fits ? ends : '\n' + ends));
}

void ReportWriter::forecast(const Forecast& forecast) {
    const std::string who =
        forecast.backends == 1
            ? "At this rate"
            : fmt::format("At the rate of the {} that share it",
                          counted(static_cast<std::int64_t>(forecast.backends), "backend"));
    paragraph(
        fmt::format("{}, its container's limit of {}, of which {} was left, is reached in {} (95 % "
                    "interval: {} to {}){}.",
                    who,
                    readable_bytes(static_cast<double>(forecast.limit_bytes)),
                    readable_bytes(static_cast<double>(forecast.left_bytes)),
                    readable_seconds(forecast.seconds.value),
                    readable_seconds(forecast.seconds.low),
                    readable_seconds(forecast.seconds.high),
                    forecast.at_ns ? ", about " + minute_text(*forecast.at_ns) : ""),
        "  ");
}

void ReportWriter::ending(const Ending& ending) {
    std::string text = fmt::format(
        "The kernel killed it for lack of memory in its container, just after its last snapshot, "
        "{}: its control group counted a kill then, and this is the backend that ended with it "
        "(the server's log has the PID). The server then ends all its backends, and recovers.",
        moment_text(ending.last_snapshot_ns));
    if (const auto& foresight = ending.foresight) {
        constexpr double kNanoseconds = 1e9;
        text += fmt::format(
            " The leak was to be seen {} before; {} were left then at its rate (95 % interval: {} "
            "to {}).",
            readable_seconds(static_cast<double>(ending.last_snapshot_ns - foresight->at_ns) /
                             kNanoseconds),
            readable_seconds(foresight->seconds.value),
            readable_seconds(foresight->seconds.low),
            readable_seconds(foresight->seconds.high));
    }
    paragraph(text, "  ");
}

void ReportWriter::cause(const Cause& cause, std::size_t number) {
    line();
    text_ += wrapped_text(clean_line(cause.title), fmt::format("  {}. ", number), columns_, style_);
    paragraph(fmt::format("{}: {}, {} of the growth; confidence {}",
                          cause.id,
                          readable_bytes(static_cast<double>(cause.bytes)),
                          readable_share(cause.share),
                          readable_share(cause.confidence)),
              "     ");
    if (!cause.statements.empty()) {
        line();
        text_ += statements_table(cause.statements, columns_, style_);
    }
    if (!cause.contexts.empty()) {
        line();
        contexts(cause);
    }
    list("Evidence", cause.evidence);
    remedies(cause);
}

void ReportWriter::remedies(const Cause& cause) {
    const auto given =
        std::ranges::find(given_remedies_, cause.remedies, &GivenRemedies::sentences);
    if (given == given_remedies_.end()) {
        given_remedies_.push_back({cause.remedies, pid_});
        list("Remedies", cause.remedies);
        return;
    }
    line();
    paragraph(fmt::format("Remedies: as for backend {}, above.", given->pid), "     ");
}

void ReportWriter::contexts(const Cause& cause) {
    constexpr std::string_view kRoot = "TopMemoryContext/";
    constexpr int kBytesColumns = 13;
    constexpr int kCountColumns = 24;
    const int name_columns = columns_ - kIndent - kBytesColumns - kCountColumns;
    line("     " + painted(style_, Paint::kStrong, left_aligned("Contexts", name_columns)) +
         right_aligned("grew by", kBytesColumns));
    const std::size_t shown = std::min(cause.contexts.size(), kMostContexts);
    for (std::size_t i = 0; i < shown; ++i) {
        const ContextGrowth& context = cause.contexts[i];
        std::string_view path = context.path;
        if (path.starts_with(kRoot)) {
            path.remove_prefix(kRoot.size());
        }
        const std::string more =
            context.contexts > 0 ? counted(context.contexts, "more context") : "";
        const std::string row =
            left_aligned(cut_to_columns(clean_line(path), name_columns, style_), name_columns) +
            right_aligned(readable_bytes(static_cast<double>(context.bytes)), kBytesColumns);
        line("     " + row + (more.empty() ? "" : right_aligned(more, kCountColumns)));
    }
    if (shown < cause.contexts.size()) {
        line(fmt::format("     and {} more", cause.contexts.size() - shown));
    }
}

void ReportWriter::list(std::string_view title, const std::vector<std::string>& sentences) {
    if (sentences.empty()) {
        return;
    }
    line();
    line("     " + painted(style_, Paint::kStrong, title));
    for (const std::string& sentence : sentences) {
        paragraph(sentence, "     - ");
    }
}

void ReportWriter::summary(const std::vector<const BackendDiagnosis*>& backends,
                           std::string_view what) {
    if (backends.empty()) {
        return;
    }
    std::vector<int> pids;
    std::int64_t most = 0;
    for (const BackendDiagnosis* const backend : backends) {
        most = std::max(most, backend->growth.bytes);
        pids.push_back(backend->process.pid);
    }
    line();
    paragraph(fmt::format("{} ({}) {}{}.",
                          counted(std::ssize(backends), "backend"),
                          pid_list(pids),
                          what,
                          most > 0 ? fmt::format("; the most any of them grew by is {}",
                                                 readable_bytes(static_cast<double>(most)))
                                   : ""));
}

void ReportWriter::others(const std::vector<BackendDiagnosis>& backends) {
    std::vector<const BackendDiagnosis*> unjudged;
    std::vector<const BackendDiagnosis*> settled;
    std::vector<const BackendDiagnosis*> flat;
    for (const BackendDiagnosis& backend : backends) {
        if (backend.leaks()) {
            continue;
        }
        switch (backend.growth.verdict) {
            case GrowthVerdict::kTooFewSnapshots:
                unjudged.push_back(&backend);
                break;
            case GrowthVerdict::kSettled:
            // Growth that goes on in sum, but in no part that a rule was shown.
            case GrowthVerdict::kLeak:
                settled.push_back(&backend);
                break;
            case GrowthVerdict::kFlat:
                flat.push_back(&backend);
                break;
        }
    }
    summary(flat, "did not grow");
    summary(settled, "grew as caches filled, and nothing shows that it goes on");
    summary(unjudged, "had too few snapshots to be judged");
}

void ReportWriter::notes(const Diagnosis& diagnosis) {
    // What is so of many backends is said once, where it was first.
    std::vector<std::pair<std::string_view, std::vector<int>>> of_backends;
    for (const BackendDiagnosis& backend : diagnosis.backends) {
        for (const std::string& note : backend.notes) {
            auto same = std::ranges::find(
                of_backends, note, &std::pair<std::string_view, std::vector<int>>::first);
            if (same == of_backends.end()) {
                same = of_backends.insert(same, {note, {}});
            }
            same->second.push_back(backend.process.pid);
        }
    }
    std::vector<std::string> sentences = diagnosis.notes;
    for (const auto& [note, pids] : of_backends) {
        sentences.push_back(
            fmt::format("Backend{} {}: {}", pids.size() == 1 ? "" : "s", pid_list(pids), note));
    }
    if (sentences.empty()) {
        return;
    }
    line();
    line(painted(style_, Paint::kStrong, "Notes"));
    for (const std::string& sentence : sentences) {
        paragraph(sentence, "- ");
    }
}

}  // namespace

std::string report_text(const Diagnosis& diagnosis, const TextStyle& style) {
    ReportWriter writer(style);
    writer.verdict(diagnosis);
    for (const BackendDiagnosis& backend : diagnosis.backends) {
        if (backend.leaks()) {
            writer.leaking(backend);
        }
    }
    writer.others(diagnosis.backends);
    writer.harmless(diagnosis.backends);
    writer.notes(diagnosis);
    return writer.text();
}

}  // namespace palloscope
