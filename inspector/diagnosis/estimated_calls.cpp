#include "inspector/diagnosis/estimated_calls.hpp"

#include <algorithm>
#include <cmath>

namespace palloscope {

namespace {

// Standard error of the backend's reports, as a share.
constexpr double kErrorOfReports = 0.15;
// How far the ratio of two ways may be from what it is for most statements.
constexpr double kAsForMost = 1.4;
// So many must be counted by blocks to tell how many the others miss, and these never miss more
// than so many for one that their sightings say.
constexpr std::size_t kFewestToTell = 5;
constexpr double kMostMissed = 3;

// A statement that can be counted by transaction blocks.
struct Counted {
    std::size_t statement = 0;
    double by_chance = 0;  // of its calls, those that were not seen for certain
    double error = 0;      // of these, in calls
    double ratio = 0;      // to what the sightings say
};

// In the order of their ratios.
std::vector<Counted> counted_by_transactions(std::span<const CallsSeen> seen) {
    std::vector<Counted> counted;
    for (std::size_t i = 0; i < seen.size(); ++i) {
        const CallsSeen& one = seen[i];
        if (one.by_chance > 0 && one.by_transactions) {
            const auto& [calls, error] = *one.by_transactions;
            counted.push_back({.statement = i,
                               .by_chance = std::max(calls - one.certain, one.by_chance),
                               .error = calls * error,
                               .ratio = calls / (one.certain + one.by_sightings.calls)});
        }
    }
    std::ranges::sort(counted, {}, &Counted::ratio);
    return counted;
}

void prefer_transactions(std::span<const CallsSeen> seen, std::vector<EstimatedCalls>& estimates) {
    std::vector<Counted> counted = counted_by_transactions(seen);
    if (counted.empty()) {
        return;
    }
    const double usual = std::max(counted[counted.size() / 2].ratio, 1.0);
    const auto from_usual = [&](const Counted& one) { return std::log(one.ratio / usual); };
    std::erase_if(counted, [&](const Counted& one) {
        return std::abs(from_usual(one)) > std::log(kAsForMost);
    });
    double missed = 0;
    double missed_by_sightings = 0;
    for (const Counted& one : counted) {
        EstimatedCalls& estimate = estimates[one.statement];
        missed += one.by_chance - seen[one.statement].by_chance;
        missed_by_sightings += estimate.calls.calls - seen[one.statement].by_chance;
        const double doubt = from_usual(one) / 2 * one.by_chance;
        estimate = {.calls = {.calls = one.by_chance,
                              .error = std::hypot(one.error, doubt) / one.by_chance},
                    .by_transactions = true};
    }
    if (counted.size() < kFewestToTell || missed_by_sightings <= 0) {
        return;
    }
    const double more = std::clamp(missed / missed_by_sightings, 1.0, kMostMissed);
    for (std::size_t i = 0; i < estimates.size(); ++i) {
        if (!estimates[i].by_transactions) {
            double& calls = estimates[i].calls.calls;
            calls = seen[i].by_chance + more * std::max(calls - seen[i].by_chance, 0.0);
        }
    }
}

// By least squares.
void reconcile(double missed_by_reports,
               std::span<const CallsSeen> seen,
               std::vector<EstimatedCalls>& estimates) {
    const auto variance_of = [&](std::size_t i) {
        const auto& [calls, error] = estimates[i].calls;
        return calls * error * calls * error;
    };
    const double error_of_reports = kErrorOfReports * missed_by_reports;
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < estimates.size(); ++i) {
        if (seen[i].by_chance > 0) {
            open.push_back(i);
        }
    }
    double too_many = 0;
    double variance = 0;
    const auto corrected = [&](std::size_t i) {
        return estimates[i].calls.calls - too_many * variance_of(i) / variance;
    };
    std::size_t settled = 0;
    do {
        too_many = -missed_by_reports;
        variance = error_of_reports * error_of_reports;
        for (const std::size_t i : open) {
            too_many += estimates[i].calls.calls - seen[i].by_chance;
            variance += variance_of(i);
        }
        settled = std::erase_if(open, [&](std::size_t i) {
            const bool all_were_seen = corrected(i) < seen[i].by_chance;
            if (all_were_seen) {
                estimates[i].calls.calls = seen[i].by_chance;
            }
            return all_were_seen;
        });
    } while (settled > 0);
    for (const std::size_t i : open) {
        estimates[i].calls.calls = corrected(i);
    }
}

}  // namespace

std::vector<EstimatedCalls> estimated_calls(std::span<const CallsSeen> seen,
                                            std::optional<double> missed_by_reports) {
    std::vector<EstimatedCalls> estimates;
    for (const CallsSeen& one : seen) {
        estimates.push_back({.calls = one.by_sightings});
    }
    prefer_transactions(seen, estimates);
    if (missed_by_reports) {
        reconcile(*missed_by_reports, seen, estimates);
    }
    return estimates;
}

}  // namespace palloscope
