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

// A recording is judged as of so many moments, since each costs as much as a report: of each
// twentieth of what the backend grew by, since it may stand still for most of the time.
constexpr std::int64_t kMoments = 20;
// Of a limit: with less than that left, the kernel takes back whatever pages it can, and all that
// runs slows down.
constexpr double kScarce = 0.1;

// The snapshots that were taken by a moment.
std::span<const SnapshotSummary> known_at(const BackendHistory& backend, std::int64_t moment_ns) {
    const auto later =
        std::ranges::upper_bound(backend.snapshots, moment_ns, {}, &SnapshotSummary::taken_at_ns);
    return {backend.snapshots.begin(), later};
}

// The growth of a backend's contexts, by snapshots of it.
Trend trend_of(const BackendHistory& backend, const SnapshotChoice& choice) {
    std::vector<double> bytes;
    for (const std::size_t index : choice.indices) {
        bytes.push_back(static_cast<double>(backend.snapshots[index].total.used_bytes));
    }
    return judge_growth(choice.seconds, bytes);
}

// How fast it took up memory, as it was known at a moment; none where it showed no leak yet.
std::optional<Estimate> rate_at(const BackendHistory& backend, std::int64_t moment_ns) {
    const SnapshotChoice choice = choose_snapshots(known_at(backend, moment_ns));
    const Trend trend = trend_of(backend, choice);
    if (trend.verdict != GrowthVerdict::kLeak || trend.bytes_per_second.low <= 0) {
        return std::nullopt;
    }
    return rate_of_taking(backend, choice, 0, choice.indices.size(), trend.bytes_per_second);
}

// By how much more of the limit it takes up at the end than at a moment.
std::int64_t taken_since(const BackendHistory& backend, std::int64_t moment_ns) {
    if (backend.snapshots.empty()) {
        return 0;
    }
    const std::span<const SnapshotSummary> known = known_at(backend, moment_ns);
    const SnapshotSummary& then = known.empty() ? backend.snapshots.front() : known.back();
    return backend.snapshots.back().rss_anon_bytes - then.rss_anon_bytes;
}

bool share_a_limit(const BackendHistory& one, const BackendHistory& other) {
    return one.allowance && other.allowance && one.allowance->group() == other.allowance->group();
}

// A limit that a backend has, and all that were recorded under it.
class SharedLimit {
  public:
    SharedLimit(const History& history, const BackendHistory& backend)
        : limit_bytes_(backend.allowance->limit_bytes), left_bytes_(backend.allowance->left_bytes) {
        for (const BackendHistory& sharer : history.backends) {
            if (share_a_limit(backend, sharer)) {
                sharers_.push_back(&sharer);
                left_bytes_ = std::min(left_bytes_, sharer.allowance->left_bytes);
            }
        }
    }

    // How much of it was left at a moment.
    [[nodiscard]] std::int64_t left_at(std::int64_t moment_ns) const {
        std::int64_t left = std::max<std::int64_t>(left_bytes_, 0);
        for (const BackendHistory* const sharer : sharers_) {
            left += taken_since(*sharer, moment_ns);
        }
        return left;
    }

    [[nodiscard]] bool was_scarce_at(std::int64_t moment_ns) const {
        return static_cast<double>(left_at(moment_ns)) <
               kScarce * static_cast<double>(limit_bytes_);
    }

    // How fast all took it up, as it was known at a moment.
    [[nodiscard]] Estimate rate_of_all_at(std::int64_t moment_ns) const {
        Estimate rate;
        for (const BackendHistory* const sharer : sharers_) {
            rate = together(rate, rate_at(*sharer, moment_ns).value_or(Estimate{}));
        }
        return rate;
    }

  private:
    std::vector<const BackendHistory*> sharers_;
    std::int64_t limit_bytes_;
    std::int64_t left_bytes_;
};

// When it had grown by so many twentieths.
std::int64_t moment_of(const BackendHistory& backend, std::int64_t number) {
    const std::int64_t first = backend.snapshots.front().total.used_bytes;
    const std::int64_t growth = backend.snapshots.back().total.used_bytes - first;
    const auto grown = std::ranges::find_if(backend.snapshots, [&](const SnapshotSummary& then) {
        return (then.total.used_bytes - first) * kMoments >= growth * number;
    });
    return grown->taken_at_ns;
}

// What a report of the killed one would have foretold at a moment; none where it showed no leak
// yet.
std::optional<Ending::Foresight> foresight_at(std::int64_t moment_ns,
                                              const BackendHistory& killed,
                                              const SharedLimit& limit) {
    const std::int64_t left = limit.left_at(moment_ns);
    if (left <= 0 || !rate_at(killed, moment_ns)) {
        return std::nullopt;
    }
    return Ending::Foresight{.at_ns = moment_ns,
                             .seconds = seconds_until_taken(left, limit.rate_of_all_at(moment_ns))};
}

Ending ending_of(const History& history, const BackendHistory& backend) {
    Ending ending;
    if (backend.snapshots.empty()) {
        return ending;
    }
    ending.last_snapshot_ns = backend.snapshots.back().taken_at_ns;
    if (!backend.allowance) {
        return ending;
    }
    const SharedLimit limit(history, backend);
    for (std::int64_t i = 1; i <= kMoments && !ending.foresight; ++i) {
        ending.foresight = foresight_at(moment_of(backend, i), backend, limit);
    }
    return ending;
}

// The backend as it was when its leak was proven last, where it grew on until memory was scarce:
// with all else it slows down then, and looks like caches that have filled.
std::optional<BackendDiagnosis> diagnose_before_scarcity(const History& history,
                                                         const BackendHistory& backend,
                                                         const SightingWeights& weights) {
    constexpr std::int64_t kNearlyAll = kMoments - 1;
    if (!SharedLimit(history, backend).was_scarce_at(moment_of(backend, kNearlyAll))) {
        return std::nullopt;
    }
    for (std::int64_t i = kNearlyAll; i > 0; --i) {
        const std::int64_t moment_ns = moment_of(backend, i);
        const SnapshotChoice choice = choose_snapshots(known_at(backend, moment_ns));
        if (trend_of(backend, choice).verdict != GrowthVerdict::kLeak) {
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

// Whether it is killed, or under the same limit as one that is.
bool lacked_memory(const History& history, const BackendHistory& backend) {
    return std::ranges::any_of(history.backends, [&](const BackendHistory& killed) {
        return killed.end == kKilledForMemory && share_a_limit(killed, backend);
    });
}

}  // namespace

void add_endings(const History& history, const SightingWeights& weights, Diagnosis& diagnosis) {
    for (std::size_t i = 0; i < diagnosis.backends.size(); ++i) {
        const BackendHistory& backend = history.backends[i];
        if (backend.end == kKilledForMemory) {
            diagnosis.backends[i].ending = ending_of(history, backend);
            diagnosis.backends[i].forecast.reset();
        }
        if (!diagnosis.backends[i].leaks() && !backend.snapshots.empty() &&
            lacked_memory(history, backend)) {
            tell_of_earlier_leak(history, backend, weights, diagnosis.backends[i]);
        }
    }
}

}  // namespace palloscope
