#include "inspector/diagnosis/ending.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "inspector/diagnosis/diagnose_backend.hpp"
#include "inspector/diagnosis/readable.hpp"
#include "inspector/diagnosis/snapshot_choice.hpp"
#include "inspector/diagnosis/stopped_growth.hpp"
#include "inspector/diagnosis/taken_memory.hpp"
#include "inspector/diagnosis/trend.hpp"

namespace palloscope {

namespace {

// A recording is judged as of so many moments, since each costs as much as a report.
constexpr std::int64_t kMoments = 20;

// What a backend held, as its chosen snapshots show.
class HeldMemory {
  public:
    explicit HeldMemory(const BackendHistory& backend)
        : backend_(&backend), choice_(choose_snapshots(backend)) {}

    // The growth of its contexts, as it was known at a moment.
    [[nodiscard]] Trend trend_at(std::int64_t moment_ns) const {
        const std::size_t count = known_at(moment_ns);
        std::vector<double> bytes;
        for (std::size_t i = 0; i < count; ++i) {
            bytes.push_back(
                static_cast<double>(backend_->snapshots[choice_.indices[i]].total.used_bytes));
        }
        return judge_growth(std::span(choice_.seconds).first(count), bytes);
    }

    // How fast it took up memory, as it was known at a moment; none where it showed no leak yet.
    [[nodiscard]] std::optional<Estimate> rate_at(std::int64_t moment_ns) const {
        const Trend trend = trend_at(moment_ns);
        if (trend.verdict != GrowthVerdict::kLeak || trend.bytes_per_second.low <= 0) {
            return std::nullopt;
        }
        return rate_of_taking(*backend_, choice_, 0, known_at(moment_ns), trend.bytes_per_second);
    }

    // By how much more of the limit it takes up at the end than at a moment.
    [[nodiscard]] std::int64_t taken_since(std::int64_t moment_ns) const {
        const std::size_t count = std::max<std::size_t>(known_at(moment_ns), 1);
        return choice_.indices.empty()
                   ? 0
                   : backend_->snapshots[choice_.indices.back()].rss_anon_bytes -
                         backend_->snapshots[choice_.indices[count - 1]].rss_anon_bytes;
    }

  private:
    [[nodiscard]] std::size_t known_at(std::int64_t moment_ns) const {
        return static_cast<std::size_t>(std::ranges::upper_bound(choice_.moments_ns, moment_ns) -
                                        choice_.moments_ns.begin());
    }

    const BackendHistory* backend_;
    SnapshotChoice choice_;
};

// What a report of the killed one, the first of all that share a limit, would have foretold at a
// moment; none where it showed no leak yet.
std::optional<Ending::Foresight> foresight_at(std::int64_t moment_ns,
                                              std::span<const HeldMemory> sharers,
                                              std::int64_t left_bytes) {
    Estimate rate;
    std::int64_t left = std::max<std::int64_t>(left_bytes, 0);
    for (std::size_t i = 0; i < sharers.size(); ++i) {
        left += sharers[i].taken_since(moment_ns);
        const std::optional<Estimate> of_sharer = sharers[i].rate_at(moment_ns);
        if (!of_sharer && i == 0) {
            return std::nullopt;
        }
        rate = together(rate, of_sharer.value_or(Estimate{}));
    }
    if (left <= 0) {
        return std::nullopt;
    }
    return Ending::Foresight{.at_ns = moment_ns, .seconds = seconds_until_taken(left, rate)};
}

std::int64_t moment_of(const BackendHistory& backend, std::int64_t number) {
    const std::int64_t first_ns = backend.snapshots.front().taken_at_ns;
    return first_ns + (backend.snapshots.back().taken_at_ns - first_ns) * number / kMoments;
}

Ending ending_of(const BackendHistory& backend, const History& history) {
    Ending ending;
    if (backend.snapshots.empty()) {
        return ending;
    }
    ending.last_snapshot_ns = backend.snapshots.back().taken_at_ns;
    if (!backend.allowance) {
        return ending;
    }
    std::vector<HeldMemory> sharers;
    sharers.emplace_back(backend);
    std::int64_t left_bytes = backend.allowance->left_bytes;
    for (const BackendHistory& other : history.backends) {
        if (&other != &backend && other.allowance &&
            other.allowance->group() == backend.allowance->group()) {
            sharers.emplace_back(other);
            left_bytes = std::min(left_bytes, other.allowance->left_bytes);
        }
    }
    for (std::int64_t i = 1; i <= kMoments && !ending.foresight; ++i) {
        ending.foresight = foresight_at(moment_of(backend, i), sharers, left_bytes);
    }
    return ending;
}

// The backend as it was when its leak was proven last. Before the kernel kills, it takes back
// whatever pages it can, and all that runs slows down: caches that have filled look like that too.
std::optional<BackendDiagnosis> diagnose_before_scarcity(const History& history,
                                                         const BackendHistory& backend,
                                                         const SightingWeights& weights) {
    const HeldMemory held(backend);
    for (std::int64_t i = kMoments - 1; i > 0; --i) {
        const std::int64_t moment_ns = moment_of(backend, i);
        if (held.trend_at(moment_ns).verdict != GrowthVerdict::kLeak) {
            continue;
        }
        BackendDiagnosis earlier = diagnose_backend(history, up_to(backend, moment_ns), weights);
        if (earlier.leaks()) {
            return earlier;
        }
    }
    return std::nullopt;
}

// Has `diagnosis`, of which the whole recording proves no leak, say what leaked before.
void tell_of_earlier_leak(const History& history,
                          const BackendHistory& backend,
                          const SightingWeights& weights,
                          BackendDiagnosis& diagnosis) {
    std::optional<BackendDiagnosis> earlier = diagnose_before_scarcity(history, backend, weights);
    if (!earlier) {
        return;
    }
    diagnosis.growth = earlier->growth;
    diagnosis.causes = std::move(earlier->causes);
    diagnosis.unexplained_bytes = earlier->unexplained_bytes;
    diagnosis.notes.push_back(
        fmt::format("It grew ever more slowly towards its end, as all does where memory runs out: "
                    "its growth and its causes are those of its first {}.",
                    readable_seconds(diagnosis.growth.seconds)));
}

}  // namespace

void add_endings(const History& history, const SightingWeights& weights, Diagnosis& diagnosis) {
    for (std::size_t i = 0; i < diagnosis.backends.size(); ++i) {
        if (history.backends[i].end == kKilledForMemory) {
            BackendDiagnosis& backend = diagnosis.backends[i];
            backend.ending = ending_of(history.backends[i], history);
            backend.forecast.reset();
            if (!backend.leaks() && backend.ending->foresight) {
                tell_of_earlier_leak(history, history.backends[i], weights, backend);
            }
        }
    }
}

}  // namespace palloscope
