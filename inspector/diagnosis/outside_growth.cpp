#include "inspector/diagnosis/outside_growth.hpp"

#include <algorithm>

namespace palloscope {

namespace {

constexpr double kSmallestGrowth = 65536;
constexpr double kLeastShareOfRssAnon = 0.5;

std::optional<double> item_of(const Accounting& accounting, std::string_view id) {
    const auto found = std::ranges::find(accounting.items, id, &AccountItem::id);
    return found == accounting.items.end() ? std::nullopt
                                           : std::optional(static_cast<double>(found->bytes));
}

}  // namespace

bool is_worth_a_cause(const Suspicion& suspicion) {
    return suspicion.bytes >= kSmallestGrowth &&
           suspicion.bytes >= kLeastShareOfRssAnon * suspicion.rss_anon_bytes;
}

std::optional<double> accounted_growth(const BackendHistory& backend, std::string_view item) {
    if (backend.explanations.size() < 2) {
        return std::nullopt;
    }
    const std::optional<Accounting>& first = backend.explanations.front().accounting;
    const std::optional<Accounting>& last = backend.explanations.back().accounting;
    if (!first || !last ||
        !std::ranges::equal(first->items, last->items, {}, &AccountItem::id, &AccountItem::id)) {
        return std::nullopt;
    }
    const std::optional<double> before = item_of(*first, item);
    const std::optional<double> after = item_of(*last, item);
    return before && after ? std::optional(*after - *before) : std::nullopt;
}

double given_back_bytes(const BackendHistory& backend) {
    std::int64_t most = 0;
    for (const SnapshotSummary& snapshot : backend.snapshots) {
        most = std::max(most, snapshot.total.total_bytes);
    }
    // At rest: at work, the last snapshot may be the largest one.
    std::int64_t least = most;
    for (auto from =
             backend.snapshots.begin() + static_cast<std::ptrdiff_t>(backend.snapshots.size() / 2);
         from != backend.snapshots.end();
         ++from) {
        least = std::min(least, from->total.total_bytes);
    }
    return static_cast<double>(most - least);
}

}  // namespace palloscope
