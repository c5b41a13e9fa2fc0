#include "inspector/recording/rest_round.hpp"

#include <algorithm>
#include <thread>

namespace palloscope {

namespace {

using std::chrono::nanoseconds;

// Between looks at backends that do not rest: from short against a statement to so long that they
// cost a full machine little. Of eight backends of pgbench on two processors, ten times a second,
// 84 in 100 came to rest in time for 28 ms of processor time a second; with 3.2 ms for the longest
// wait, 91 for 34 ms.
constexpr nanoseconds kFirstWait = std::chrono::microseconds{200};
constexpr nanoseconds kLongestWait = std::chrono::microseconds{12'800};

}  // namespace

Result<> read_those_at_rest(const ReadAtRest& read,
                            nanoseconds within,
                            const std::atomic<bool>& stop,
                            std::vector<int>& pids,
                            const std::function<Result<>(int pid, const Snapshot&)>& store) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point begin = Clock::now();
    std::vector<int> others;
    Result<> stored;
    for (nanoseconds wait = kFirstWait;; wait = std::min(2 * wait, kLongestWait)) {
        std::erase_if(pids, [&](int pid) {
            if (!stored || stop.load()) {
                return false;
            }
            const Result<Snapshot> snapshot = read(pid);
            if (snapshot) {
                stored = store(pid, *snapshot);
            } else if (snapshot.error().kind != Error::Kind::kTimeout) {
                others.push_back(pid);  // where the reason will be found again
            }
            return snapshot || snapshot.error().kind != Error::Kind::kTimeout;
        });
        if (!stored || stop.load() || pids.empty() || Clock::now() - begin + wait > within) {
            break;
        }
        std::this_thread::sleep_for(wait);
    }
    pids.insert(pids.end(), others.begin(), others.end());
    return stored;
}

}  // namespace palloscope
