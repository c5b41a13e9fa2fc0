#include "inspector/statements/activity_tracker.hpp"

#include <algorithm>
#include <utility>

namespace palloscope {

namespace {

// That it runs, and that it does no longer: within a transaction block no statement makes fewer
// reports; outside of one its transaction's begin and end come to them (pgstat_report_activity and
// pgstat_report_xact_timestamp, backend_status.c).
constexpr std::size_t kFewestReports = 2;
// Fewer cannot tell how many reports are usual.
constexpr std::int64_t kFewestStatements = 50;

}  // namespace

void ActivityTracker::see(ActivityLook look, std::vector<SeenStatement>& ended) {
    const std::uint32_t reports = last_ ? (look.changes - last_->changes) / 2 : 0;
    reports_of_last_ += reports;
    if (!is_new(look.started_at_ns)) {
        look.query = std::move(last_->query);
    } else if (!last_ || reports != 1 || !last_->running || !look.running ||
               look.query != last_->query) {
        if (last_) {
            tell_end(last_->running ? look.started_at_ns : last_->state_began_at_ns, ended);
            count_last();
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
             .sighting = was_certain_to_be_seen() ? std::nullopt : std::optional(sighting_)});
    }
}

void ActivityTracker::count_last() {
    reports_ += reports_of_last_;
    ++statements_;
    ++by_reports_.at(std::min(static_cast<std::size_t>(reports_of_last_), by_reports_.size() - 1));
    reports_of_last_ = 0;
}

std::optional<double> ActivityTracker::seen_share() const {
    if (statements_ < kFewestStatements) {
        return std::nullopt;
    }
    // The median; where more came than a statement makes, the most that it makes.
    std::int64_t below = 0;
    std::size_t usual = 0;
    while (usual + 1 < by_reports_.size() && (below += by_reports_.at(usual)) * 2 < statements_) {
        ++usual;
    }
    usual = std::max(usual, kFewestReports);
    const double ran = static_cast<double>(reports_) / static_cast<double>(usual);
    return ran > 0 ? std::min(1.0, static_cast<double>(statements_) / ran) : 1.0;
}

}  // namespace palloscope
