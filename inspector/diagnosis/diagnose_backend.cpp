#include "inspector/diagnosis/diagnose_backend.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "inspector/diagnosis/backend_notes.hpp"
#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/cause_statements.hpp"
#include "inspector/diagnosis/covered_memory.hpp"
#include "inspector/diagnosis/server_evidence.hpp"
#include "inspector/diagnosis/stopped_growth.hpp"
#include "inspector/diagnosis/suspects.hpp"
#include "inspector/diagnosis/total_memory.hpp"
#include "inspector/diagnosis/work_clock.hpp"

namespace palloscope {

namespace {

// A leak below this share of all growth is not worth a cause of its own.
constexpr double kLeastShare = 0.05;
constexpr std::size_t kMostContexts = 20;
// Of what a rule covers, the part that another must cover too to hold it.
constexpr double kNearlyAll = 0.9;
constexpr std::size_t kPictureWidth = 40;

std::vector<double> at(const std::vector<double>& values, const std::vector<std::size_t>& indices) {
    std::vector<double> chosen;
    chosen.reserve(indices.size());
    for (const std::size_t index : indices) {
        chosen.push_back(values[index]);
    }
    return chosen;
}

void add_to(std::vector<double>& sum, const std::vector<double>& values, double factor) {
    for (std::size_t i = 0; i < sum.size(); ++i) {
        sum[i] += factor * values[i];
    }
}

std::vector<double> rss_anon_bytes(const BackendHistory& backend) {
    std::vector<double> bytes;
    bytes.reserve(backend.snapshots.size());
    for (const SnapshotSummary& snapshot : backend.snapshots) {
        bytes.push_back(static_cast<double>(snapshot.rss_anon_bytes));
    }
    return bytes;
}

// Whether the pages of the process that came are, by their number, those of `growth`.
bool makes_up(double page_bytes, double growth) {
    return page_bytes > growth / 2 && page_bytes < growth * 2;
}

// Whether they grow seldom: between most snapshots not at all.
bool comes_in_blocks(const std::vector<double>& bytes) {
    std::size_t grown = 0;
    for (std::size_t i = 1; i < bytes.size(); ++i) {
        grown += bytes[i] > bytes[i - 1] ? std::size_t{1} : 0;
    }
    return 2 * grown < bytes.size();
}

// The diagnosis in the making.
class BackendAnalysis {
  public:
    BackendAnalysis(const History& history,
                    const BackendHistory& backend,
                    const SightingWeights& weights);

    [[nodiscard]] BackendDiagnosis run();

  private:
    // A cause found, as the series of bytes that it explains, at the chosen snapshots.
    struct Explained {
        const CauseRule* rule = nullptr;
        std::vector<double> bytes;
        std::size_t from = 0;  // of the chosen snapshots: what it explains came since
    };

    // What a report calls the backend's memory, at the chosen snapshots.
    [[nodiscard]] std::vector<double> reported_memory() const;
    [[nodiscard]] Growth growth(const std::vector<double>& memory) const;
    [[nodiscard]] std::vector<std::int64_t> picture(const std::vector<double>& memory) const;
    [[nodiscard]] bool explained_already(std::string_view path) const;
    [[nodiscard]] std::vector<ContextGrowth> growing_contexts(const CauseRule& rule) const;
    // `bytes` of what `covers` accepts, at the chosen snapshots, less what the causes found explain
    // there.
    [[nodiscard]] std::vector<double> unexplained(std::vector<double> bytes,
                                                  CoveredMemory::Covers covers) const;
    // Few and uneven snapshots may prove a leak of the whole and of no part of it by itself, or of
    // a part and not of the whole. What has this trend leaks too where it makes up most of a leak,
    // …
    [[nodiscard]] bool makes_up_a_leak(const Trend& trend) const;
    // … or where a leak that another rule covers makes up most of it.
    [[nodiscard]] bool holds_a_leak(const CauseRule& rule, const Trend& trend) const;
    // Whether what cannot settle rises all the time: itself, or, where it comes in a few large
    // blocks, the pages of these as they are touched, which are as many.
    [[nodiscard]] bool rises(const CauseRule& rule, const std::vector<double>& bytes) const;
    // Whether what `rule` covers, with this trend, leaks.
    [[nodiscard]] bool leaks(const CauseRule& rule,
                             const Trend& trend,
                             const std::vector<double>& bytes) const;
    // Puts `bytes` down to statements; `every` is the same series at every snapshot.
    void accuse(const CauseRule& rule,
                const std::vector<double>& bytes,
                const std::vector<double>& every,
                Suspicion& suspicion) const;
    void ask(const CauseRule& rule);
    void conclude(const CauseRule& rule,
                  const Suspicion& suspicion,
                  Finding finding,
                  const std::vector<double>& bytes);

    [[nodiscard]] double used_growth() const { return total_.back() - total_.front(); }

    const BackendHistory& backend_;
    SnapshotChoice choice_;
    CoveredMemory memory_;
    // Used bytes of all contexts, at the chosen snapshots.
    std::vector<double> total_;
    // RssAnon, at every snapshot.
    std::vector<double> pages_;
    Suspects suspects_;
    std::vector<Explained> explained_;
    std::vector<Cause> causes_;
    std::vector<Cause> harmless_;
    std::size_t groups_named_ = 0;
};

BackendAnalysis::BackendAnalysis(const History& history,
                                 const BackendHistory& backend,
                                 const SightingWeights& weights)
    : backend_(backend),
      choice_(choose_snapshots(backend.snapshots)),
      memory_(backend, choice_),
      total_(at(memory_.bytes(is_context), choice_.indices)),
      pages_(rss_anon_bytes(backend)),
      suspects_(history, backend, weights.of(backend), choice_) {}

std::vector<double> BackendAnalysis::reported_memory() const {
    std::vector<double> memory = total_;
    for (const Explained& explained : explained_) {
        if (explained.rule->leaks == of_process(*explained.rule)) {
            add_to(memory, explained.bytes, explained.rule->leaks ? 1 : -1);
        }
    }
    return memory;
}

Growth BackendAnalysis::growth(const std::vector<double>& memory) const {
    const Trend trend = judge_growth(choice_.seconds, memory);
    Growth growth{.verdict = trend.verdict,
                  .bytes = std::llround(memory.back() - memory.front()),
                  .seconds = choice_.seconds.back(),
                  .bytes_per_second = trend.bytes_per_second,
                  .warm_up_bytes = std::llround(memory[trend.start] - memory.front()),
                  .warm_up_seconds = choice_.seconds[trend.start]};
    if (const std::size_t begin = begin_of_growth(choice_.seconds, memory); begin > 0) {
        growth.quiet_seconds = choice_.seconds[begin];
        growth.bytes_per_second = judge_growth(std::span(choice_.seconds).subspan(begin),
                                               std::span(memory).subspan(begin))
                                      .bytes_per_second;
    }
    return growth;
}

std::vector<std::int64_t> BackendAnalysis::picture(const std::vector<double>& memory) const {
    const std::size_t width = std::min(kPictureWidth, memory.size());
    std::vector<std::int64_t> points;
    for (std::size_t i = 0; i < width; ++i) {
        const double moment = width == 1 ? 0.0
                                         : choice_.seconds.back() * static_cast<double>(i) /
                                               static_cast<double>(width - 1);
        const auto after = std::ranges::upper_bound(choice_.seconds, moment);
        const auto index = static_cast<std::size_t>(after - choice_.seconds.begin());
        points.push_back(std::llround(memory[index == 0 ? 0 : index - 1]));
    }
    return points;
}

bool BackendAnalysis::explained_already(std::string_view path) const {
    return std::ranges::any_of(
        explained_, [&](const Explained& explained) { return explained.rule->covers(path); });
}

std::vector<ContextGrowth> BackendAnalysis::growing_contexts(const CauseRule& rule) const {
    std::vector<ContextGrowth> contexts = memory_.growth(rule.covers);
    std::erase_if(contexts,
                  [&](const ContextGrowth& context) { return explained_already(context.path); });
    while (!contexts.empty() && (contexts.size() > kMostContexts ||
                                 contexts.back().bytes * 100 < contexts.front().bytes)) {
        contexts.pop_back();
    }
    return contexts;
}

std::vector<double> BackendAnalysis::unexplained(std::vector<double> bytes,
                                                 CoveredMemory::Covers covers) const {
    for (const Explained& explained : explained_) {
        add_to(bytes,
               explained.bytes,
               -memory_.shared_part(explained.rule->covers, covers, explained.from));
    }
    return bytes;
}

bool BackendAnalysis::rises(const CauseRule& rule, const std::vector<double>& bytes) const {
    const std::vector<double> pages = at(pages_, choice_.indices);
    return rises_throughout(bytes) ||
           (!of_process(rule) &&
            makes_up(pages.back() - pages.front(), bytes.back() - bytes.front()) &&
            rises_throughout(pages));
}

bool BackendAnalysis::leaks(const CauseRule& rule,
                            const Trend& trend,
                            const std::vector<double>& bytes) const {
    if (!rule.may_settle && rises(rule, bytes)) {
        return true;
    }
    if (trend.verdict == GrowthVerdict::kLeak || of_process(rule)) {
        return trend.verdict == GrowthVerdict::kLeak;
    }
    return makes_up_a_leak(trend) || holds_a_leak(rule, trend);
}

bool BackendAnalysis::makes_up_a_leak(const Trend& trend) const {
    if (trend.bytes_per_second.low <= 0) {
        return false;
    }
    const Trend of_whole = judge_growth(choice_.seconds, unexplained(total_, is_context));
    return of_whole.verdict == GrowthVerdict::kLeak &&
           trend.bytes_per_second.value > of_whole.bytes_per_second.value / 2;
}

bool BackendAnalysis::holds_a_leak(const CauseRule& rule, const Trend& trend) const {
    if (trend.bytes_per_second.value <= 0) {
        return false;
    }
    return std::ranges::any_of(cause_rules(), [&](const CauseRule& other) {
        if (!other.leaks || of_process(other) ||
            memory_.shared_part(other.covers, rule.covers, /*from=*/0) < kNearlyAll) {
            return false;
        }
        const Trend of_part = judge_growth(
            choice_.seconds,
            unexplained(at(memory_.bytes(other.covers), choice_.indices), other.covers));
        return of_part.verdict == GrowthVerdict::kLeak &&
               of_part.bytes_per_second.value > trend.bytes_per_second.value / 2;
    });
}

void BackendAnalysis::accuse(const CauseRule& rule,
                             const std::vector<double>& bytes,
                             const std::vector<double>& every,
                             Suspicion& suspicion) const {
    suspects_.accuse(bytes, every, suspicion.trend.start, rule, suspicion);
    if (!suspicion.groups.empty() || !comes_in_blocks(bytes) ||
        !makes_up(suspicion.rss_anon_bytes, suspicion.bytes)) {
        return;
    }
    // What comes in a few large blocks goes with no statement, but the pages of the blocks do, as
    // they are touched.
    const std::vector<double> chosen = at(pages_, choice_.indices);
    suspects_.accuse(chosen, pages_, judge_growth(choice_.seconds, chosen).start, rule, suspicion);
}

void BackendAnalysis::ask(const CauseRule& rule) {
    const std::vector<double> every = memory_.bytes(rule.covers);
    const std::vector<double> bytes = unexplained(at(every, choice_.indices), rule.covers);
    const Trend trend = judge_growth(choice_.seconds, bytes);
    const double seconds = choice_.seconds.back();
    const double lasting_growth = trend.bytes_per_second.value * seconds;
    const std::vector<double> growing = at(memory_.bytes(may_leak), choice_.indices);
    const bool too_small =
        !of_process(rule) && lasting_growth < kLeastShare * (growing.back() - growing.front());
    if (trend.verdict == GrowthVerdict::kTooFewSnapshots ||
        (rule.leaks && (too_small || !leaks(rule, trend, bytes)))) {
        return;
    }
    const double growth = bytes.back() - bytes.front();
    const SnapshotSummary& last = backend_.snapshots[choice_.indices.back()];
    Suspicion suspicion{
        .backend = backend_,
        .trend = trend,
        .seconds = seconds,
        .bytes = growth,
        .lasting_bytes = lasting_growth,
        .bytes_since_warm_up = bytes.back() - bytes[trend.start],
        .rss_anon_bytes = pages_[choice_.indices.back()] - pages_[choice_.indices.front()],
        .outside_bytes = static_cast<double>(last.rss_anon_bytes - last.total.total_bytes),
        .share_of_growth = used_growth() > 0 ? std::clamp(growth / used_growth(), 0.0, 1.0) : 1.0,
        .contexts = growing_contexts(rule)};
    accuse(rule, bytes, every, suspicion);
    std::optional<Finding> finding = rule.explain(suspicion);
    if (finding && give_all_to_one(*finding, suspicion)) {
        finding = rule.explain(suspicion);
    }
    if (finding) {
        conclude(rule, suspicion, std::move(*finding), bytes);
    }
}

void BackendAnalysis::conclude(const CauseRule& rule,
                               const Suspicion& suspicion,
                               Finding finding,
                               const std::vector<double>& bytes) {
    Cause cause{.id = std::string(rule.id),
                .title = std::move(finding.title),
                // Two digits: it is no measurement.
                .confidence = std::round(finding.confidence * 100) / 100,
                .contexts = suspicion.contexts,
                .evidence = std::move(finding.evidence),
                .remedies = std::move(finding.remedies)};
    std::ranges::move(server_evidence(cause.id, backend_), std::back_inserter(cause.evidence));
    Explained explained{
        .rule = &rule, .bytes = std::vector<double>(bytes.size()), .from = suspicion.trend.start};
    const auto put_down_to = [&](const SuspectedGroup& group) {
        const std::string label = fmt::format("g{}", ++groups_named_);
        std::ranges::move(cause_statements(group, label), std::back_inserter(cause.statements));
    };
    for (const std::size_t index : finding.groups) {
        put_down_to(suspicion.groups[index]);
        add_to(explained.bytes, suspicion.groups[index].bytes_so_far, /*factor=*/1);
    }
    if (finding.by_count) {
        put_down_to(*suspicion.best_counted);
    }
    if (finding.whole || finding.groups.empty()) {
        explained.bytes = bytes;
        explained.from = 0;
        cause.bytes = std::llround(suspicion.bytes);
    } else {
        cause.bytes = std::llround(attributed_bytes(cause.statements));
    }
    (rule.leaks ? causes_ : harmless_).push_back(std::move(cause));
    explained_.push_back(std::move(explained));
}

BackendDiagnosis BackendAnalysis::run() {
    for (const CauseRule& rule : cause_rules()) {
        ask(rule);
    }
    const std::vector<double> memory = reported_memory();
    BackendDiagnosis diagnosis{.process = backend_.process,
                               .server_version_num = backend_.server_version_num,
                               .growth = growth(memory),
                               .snapshots = backend_.snapshots.size(),
                               .executions = backend_.executions.size(),
                               .picture = picture(memory),
                               .notes = backend_notes(backend_, choice_)};
    if (!causes_.empty()) {
        // Of a part, and so of the whole.
        diagnosis.growth.verdict = GrowthVerdict::kLeak;
    }
    diagnosis.unexplained_bytes = diagnosis.growth.bytes;
    for (Cause& cause : causes_) {
        diagnosis.unexplained_bytes -= cause.bytes;
        const double share =
            static_cast<double>(cause.bytes) / static_cast<double>(diagnosis.growth.bytes);
        cause.share = diagnosis.growth.bytes > 0 ? std::clamp(share, 0.0, 1.0) : 1.0;
    }
    for (std::vector<Cause>* const found : {&causes_, &harmless_}) {
        std::ranges::stable_sort(*found, std::ranges::greater(), &Cause::bytes);
    }
    diagnosis.causes = std::move(causes_);
    diagnosis.harmless = std::move(harmless_);
    return diagnosis;
}

// The leak that went on until its statements ran no more, where that is why `whole` finds none.
std::optional<BackendDiagnosis> diagnose_before_rest(const History& history,
                                                     const BackendHistory& backend,
                                                     const SightingWeights& weights,
                                                     const BackendDiagnosis& whole) {
    const auto end_ns = end_of_growth_ns(backend);
    if (!end_ns) {
        return std::nullopt;
    }
    BackendDiagnosis diagnosis = BackendAnalysis(history, up_to(backend, *end_ns), weights).run();
    const bool ended = std::ranges::none_of(diagnosis.causes, [&](const Cause& cause) {
        return goes_on_after(cause, history, backend, *end_ns);
    });
    if (!diagnosis.leaks() || !ended) {
        return std::nullopt;
    }
    diagnosis.growth.rest_seconds = whole.growth.seconds - diagnosis.growth.seconds;
    diagnosis.snapshots = whole.snapshots;
    diagnosis.executions = whole.executions;
    diagnosis.picture = whole.picture;
    diagnosis.notes = whole.notes;
    return diagnosis;
}

// What no rule knows the cause of.
std::int64_t open_bytes(const BackendDiagnosis& diagnosis) {
    std::int64_t bytes = diagnosis.unexplained_bytes;
    for (const Cause& cause : diagnosis.causes) {
        bytes += cause.id == unknown_cause_rule().id ? cause.bytes : 0;
    }
    return bytes;
}

// The growth of used bytes, of a backend with snapshots.
BackendDiagnosis diagnose_used(const History& history,
                               const BackendHistory& backend,
                               const SightingWeights& weights) {
    BackendDiagnosis diagnosis = BackendAnalysis(history, backend, weights).run();
    const bool complete = diagnosis.leaks() ? 2 * open_bytes(diagnosis) <= diagnosis.growth.bytes
                                            : diagnosis.growth.verdict != GrowthVerdict::kSettled;
    if (complete) {
        return diagnosis;
    }
    const BackendHistory even = by_work(backend);
    BackendDiagnosis slowed = BackendAnalysis(history, even, weights).run();
    if (slowed.leaks() && open_bytes(slowed) < open_bytes(diagnosis)) {
        return slowed;
    }
    if (diagnosis.leaks()) {
        return diagnosis;
    }
    return diagnose_before_rest(history, backend, weights, diagnosis)
        .value_or(std::move(diagnosis));
}

}  // namespace

BackendDiagnosis diagnose_backend(const History& history,
                                  const BackendHistory& backend,
                                  const SightingWeights& weights) {
    if (backend.snapshots.empty()) {
        return {.process = backend.process,
                .server_version_num = backend.server_version_num,
                .executions = backend.executions.size(),
                .notes = backend_notes(backend, {})};
    }
    BackendDiagnosis of_used = diagnose_used(history, backend, weights);
    if (of_used.leaks() || of_used.growth.verdict == GrowthVerdict::kTooFewSnapshots) {
        return of_used;
    }
    const BackendHistory total = by_total_bytes(backend);
    BackendDiagnosis of_total = BackendAnalysis(history, total, weights).run();
    of_total.growth.judged_on = GrowingMemory::kTotalBytes;
    return of_total.leaks() ? of_total : of_used;
}

}  // namespace palloscope
