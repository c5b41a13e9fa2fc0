#include "inspector/backend/look_pace.hpp"

#include <algorithm>
#include <utility>

namespace palloscope {

namespace {

using std::chrono::nanoseconds;

// What may be used at once, left over while backends rested.
constexpr nanoseconds kMostCredit = std::chrono::milliseconds{1};
// Of the share, for looks at backends that rest: the remainder is for when they work.
constexpr double kForResting = 0.75;

nanoseconds scaled(nanoseconds time, double factor) {
    return nanoseconds{static_cast<nanoseconds::rep>(static_cast<double>(time.count()) * factor)};
}

}  // namespace

LookPace::Clock::time_point LookPace::next(Clock::time_point now, nanoseconds used, bool reported) {
    const nanoseconds since = now - std::exchange(last_, now).value_or(now);
    credit_ = std::min(credit_ + scaled(since, share_) - used, kMostCredit);
    usual_use_ += (used - usual_use_) / 8;
    if (reported) {
        busy_until_ = now + kAttention;
    }
    const nanoseconds wanted =
        now < busy_until_
            ? nanoseconds{kBusyPeriod}
            : std::max<nanoseconds>(kRestingPeriod, scaled(usual_use_, 1 / (kForResting * share_)));
    const nanoseconds earned = scaled(-credit_, 1 / share_);
    return now + std::min<nanoseconds>(std::max(wanted, earned), kLongestPeriod);
}

}  // namespace palloscope
