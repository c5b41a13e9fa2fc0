#include "inspector/diagnosis/prepared_counts.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "inspector/statements/form_cache.hpp"

namespace palloscope {

namespace {

constexpr std::string_view kPlans = "/CacheMemoryContext/CachedPlanSource";

// How many plans there were, at each chosen snapshot, for each that was there at the explanation.
std::vector<double> plans_for_one(const ContextSeries& plans,
                                  const BackendHistory& backend,
                                  const SnapshotChoice& choice,
                                  std::int64_t explained_at_ns) {
    const auto after = std::ranges::find_if(
        backend.snapshots,
        [&](const SnapshotSummary& snapshot) { return snapshot.taken_at_ns > explained_at_ns; });
    const auto at = std::max<std::ptrdiff_t>(after - backend.snapshots.begin(), 1) - 1;
    const auto count_at = [&](std::size_t snapshot) {
        return static_cast<double>(plans.count.at(snapshot));
    };
    const double first = count_at(choice.indices.front());
    const double more = count_at(static_cast<std::size_t>(at)) - first;
    std::vector<double> factors;
    for (const std::size_t snapshot : choice.indices) {
        factors.push_back(more > 0 ? std::max((count_at(snapshot) - first) / more, 1.0) : 1.0);
    }
    return factors;
}

// Families of prepared statements that `later` knows no more.
std::set<std::string> deallocated(const Explanation& earlier,
                                  const Explanation& later,
                                  FormCache& forms) {
    std::set<std::string_view> names;
    for (const PreparedStatement& statement : later.prepared_statements) {
        names.insert(statement.name);
    }
    std::set<std::string> families;
    for (const PreparedStatement& statement : earlier.prepared_statements) {
        if (!names.contains(statement.name)) {
            families.insert(forms.form_of(statement.query).family);
        }
    }
    return families;
}

}  // namespace

std::vector<KeptCount> prepared_counts(const BackendHistory& backend,
                                       const SnapshotChoice& choice) {
    const auto plans = std::ranges::find_if(backend.contexts, [](const ContextSeries& series) {
        return series.path.ends_with(kPlans);
    });
    if (backend.explanations.empty() || plans == backend.contexts.end()) {
        return {};
    }
    const Explanation& last = backend.explanations.back();
    const std::int64_t explained_at_ns = last.snapshot.taken_at_ns;
    FormCache forms;
    const std::set<std::string> given_up = deallocated(backend.explanations.front(), last, forms);
    std::map<std::string, KeptCount> by_family;
    for (const PreparedStatement& statement : last.prepared_statements) {
        const std::string& family = forms.form_of(statement.query).family;
        if (statement.prepared_at_ns <= choice.moments_ns.front() || given_up.contains(family)) {
            continue;
        }
        KeptCount& count = by_family[family];
        count.path = plans->path;
        count.family = family;
        count.more.resize(choice.indices.size());
        count.bytes.resize(choice.indices.size());
        const auto since = std::ranges::lower_bound(choice.moments_ns, statement.prepared_at_ns);
        for (auto i = static_cast<std::size_t>(since - choice.moments_ns.begin());
             i < choice.indices.size();
             ++i) {
            count.more[i] += 1;
            count.bytes[i] += static_cast<double>(statement.used_bytes);
        }
    }
    const std::vector<double> factors = plans_for_one(*plans, backend, choice, explained_at_ns);
    std::vector<KeptCount> counts;
    const auto since = std::ranges::upper_bound(choice.moments_ns, explained_at_ns);
    const auto explained = static_cast<std::size_t>(since - choice.moments_ns.begin());
    for (auto& [family, count] : by_family) {
        if (explained > 0 && explained < factors.size()) {
            count.known_to = explained - 1;
        }
        for (std::size_t i = explained; i < factors.size(); ++i) {
            count.more[i] *= factors[i];
            count.bytes[i] *= factors[i];
        }
        if (count.bytes.back() == 0) {
            count.bytes.clear();
        }
        counts.push_back(std::move(count));
    }
    return counts;
}

}  // namespace palloscope
