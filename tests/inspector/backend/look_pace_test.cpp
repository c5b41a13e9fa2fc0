#include "inspector/backend/look_pace.hpp"

#include <cstdint>
#include <functional>

#include <gtest/gtest.h>

namespace palloscope {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// Looks for ten seconds, each of which takes `cost` of the processor.
struct Run {
    std::int64_t looks = 0;
    double share = 0;  // of one processor
};

Run run(LookPace& pace, nanoseconds cost, const std::function<bool(nanoseconds)>& reports) {
    const LookPace::Clock::time_point begin{};
    const nanoseconds duration = seconds{10};
    Run result;
    for (LookPace::Clock::time_point now = begin; now - begin < duration; ++result.looks) {
        now = pace.next(now, cost, reports(now - begin));
    }
    result.share =
        static_cast<double>((result.looks * cost).count()) / static_cast<double>(duration.count());
    return result;
}

bool never(nanoseconds /*at*/) {
    return false;
}

bool always(nanoseconds /*at*/) {
    return true;
}

TEST(LookPace, KeepsToItsShareWhateverALookTakes) {
    for (const double share : {LookPace::kSmallShare, LookPace::kLargeShare}) {
        for (const nanoseconds cost : {nanoseconds{microseconds{2}},
                                       nanoseconds{microseconds{20}},
                                       nanoseconds{microseconds{400}}}) {
            LookPace pace;
            pace.set_share(share);
            EXPECT_LE(run(pace, cost, always).share, share * 1.01) << cost.count();
            EXPECT_LE(run(pace, cost, never).share, share) << cost.count();
        }
    }
}

TEST(LookPace, LooksAreNearWhileStatementsCome) {
    LookPace pace;
    pace.set_share(LookPace::kLargeShare);
    // A burst of two milliseconds, 25 times a second.
    const auto in_burst = [](nanoseconds at) { return at % milliseconds{40} < milliseconds{2}; };
    std::int64_t seen = 0;
    (void)run(pace, microseconds{20}, [&](nanoseconds at) {
        seen += in_burst(at) ? 1 : 0;
        return in_burst(at);
    });
    constexpr std::int64_t kBursts = 250;
    EXPECT_GT(seen, kBursts * 20) << "evenly spread looks would be six in a burst";
}

TEST(LookPace, RestsNoLongerThanATenthOfASecond) {
    LookPace pace;
    EXPECT_GE(run(pace, milliseconds{50}, always).looks, 100);
}

}  // namespace
}  // namespace palloscope
