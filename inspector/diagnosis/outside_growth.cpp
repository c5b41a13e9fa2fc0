#include "inspector/diagnosis/outside_growth.hpp"

#include <algorithm>
#include <span>

namespace palloscope {

namespace {

constexpr double kSmallestGrowth = 65536;
constexpr double kLeastShareOfRssAnon = 0.5;
// Of the growth, what lies outside at the end: were it less, RssAnon fell short of the contexts
// before, as with half a gigabyte of buffers for temporary tables that fill up (localbuf.c takes as
// many at once as there were).
constexpr double kLeastShareThatIsThere = 0.5;

std::optional<double> item_of(const Accounting& accounting, std::string_view id) {
    const auto found = std::ranges::find(accounting.items, id, &AccountItem::id);
    return found == accounting.items.end() ? std::nullopt
                                           : std::optional(static_cast<double>(found->bytes));
}

// What the contexts hold at rest: at work, the last snapshot may be the largest one.
std::int64_t least_at_rest(const BackendHistory& backend) {
    const std::span<const SnapshotSummary> snapshots = backend.snapshots;
    const std::span<const SnapshotSummary> late = snapshots.subspan(snapshots.size() / 2);
    return std::ranges::min(
               late, {}, [](const SnapshotSummary& snapshot) { return snapshot.total.total_bytes; })
        .total.total_bytes;
}

}  // namespace

bool is_worth_a_cause(const Suspicion& suspicion) {
    return suspicion.bytes >= kSmallestGrowth &&
           suspicion.bytes >= kLeastShareOfRssAnon * suspicion.rss_anon_bytes &&
           suspicion.outside_bytes >= kLeastShareThatIsThere * suspicion.bytes;
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

std::optional<double> growth_kept_by_malloc(const BackendHistory& backend) {
    std::optional<double> growth = accounted_growth(backend, "malloc-free");
    if (growth) {
        double held = -static_cast<double>(least_at_rest(backend));
        for (const char* const item : {"contexts-used", "contexts-free", "contexts-overhead"}) {
            held += item_of(*backend.explanations.back().accounting, item).value_or(0);
        }
        *growth += std::max(held, 0.0);
    }
    return growth;
}

double given_back_bytes(const BackendHistory& backend) {
    std::int64_t most = 0;
    std::int64_t largest_fall = 0;
    for (const SnapshotSummary& snapshot : backend.snapshots) {
        most = std::max(most, snapshot.total.total_bytes);
        largest_fall = std::max(largest_fall, most - snapshot.total.total_bytes);
    }
    return static_cast<double>(largest_fall);
}

}  // namespace palloscope
