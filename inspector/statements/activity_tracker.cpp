#include "inspector/statements/activity_tracker.hpp"

#include <algorithm>
#include <utility>

namespace palloscope {

namespace {

// The first kind of steps from a statement that ran when it was looked at last.
constexpr std::size_t kFromOneThatRan = 2;

}  // namespace

void ActivityTracker::see(ActivityLook look, std::vector<SeenStatement>& ended) {
    const std::uint32_t reports = last_ ? (look.changes - last_->changes) / 2 : 0;
    if (!is_new(look.started_at_ns)) {
        look.query = std::move(last_->query);
        if (!look.transaction_began_at_ns) {  // it ended with it
            look.transaction_began_at_ns = last_->transaction_began_at_ns;
        }
    } else if (!last_ || reports != 1 || !last_->running || !look.running ||
               look.query != last_->query) {
        if (last_) {
            tell_end(last_->running ? look.started_at_ns : last_->state_began_at_ns, ended);
            missed_.at((last_->running ? kFromOneThatRan : 0) + (look.running ? 1U : 0U))
                .add(reports, look.gap_ns);
        }
        began_at_ns_ = look.started_at_ns;
        const std::int64_t after = std::max<std::int64_t>(look.looked_at_ns - began_at_ns_, 0);
        sighting_ = {.after_ns = after, .gap_ns = std::max(look.gap_ns, after)};
        told_ = look.query.empty();
    }  // else a single report, which tells of no end: the next message of the same statement
    last_ = std::move(look);
    tell_certain_end(ended);
}

void ActivityTracker::see_no_change(std::int64_t looked_at_ns, std::vector<SeenStatement>& ended) {
    if (last_) {
        last_->looked_at_ns = looked_at_ns;
        tell_certain_end(ended);
    }
}

void ActivityTracker::end(std::int64_t now_ns, std::vector<SeenStatement>& ended) {
    if (last_) {
        tell_end(last_->running ? now_ns : last_->state_began_at_ns, ended);
    }
}

bool ActivityTracker::was_certain_to_be_seen() const {
    return last_->looked_at_ns - began_at_ns_ >= sighting_.gap_ns;
}

// One that has ended and that the next look might not have seen any more waits for that look.
void ActivityTracker::tell_certain_end(std::vector<SeenStatement>& ended) {
    if (!last_->running && was_certain_to_be_seen()) {
        tell_end(last_->state_began_at_ns, ended);
    }
}

void ActivityTracker::tell_end(std::int64_t ended_at_ns, std::vector<SeenStatement>& ended) {
    if (!std::exchange(told_, true)) {
        ended.push_back(
            {.started_at_ns = began_at_ns_,
             .ended_at_ns = std::max(ended_at_ns, began_at_ns_),
             .query = last_->query,
             .sighting = was_certain_to_be_seen() ? std::nullopt : std::optional(sighting_),
             .transaction_began_at_ns = last_->transaction_began_at_ns});
    }
}

std::optional<double> ActivityTracker::seen_share() const {
    // Fewer cannot tell how many reports are usual.
    constexpr double kFewest = 50;
    const auto of_one = missed_.front().usual_reports(MissedStatements::kMostReportsOfOne);
    if (!of_one) {
        return std::nullopt;  // hardly ever was none missed
    }
    double seen = 0;
    double missed = 0;
    for (std::size_t kind = 0; kind < missed_.size(); ++kind) {
        const MissedStatements& of_kind = missed_.at(kind);
        // What ran makes its last ones, too: but not all.
        const std::int64_t most = kind >= kFromOneThatRan ? 2 * *of_one - 1 : *of_one;
        seen += of_kind.seen();
        missed += of_kind.missed(of_kind.usual_reports(most).value_or(*of_one), *of_one);
    }
    return seen < kFewest ? std::nullopt : std::optional(seen / (seen + missed));
}

}  // namespace palloscope
