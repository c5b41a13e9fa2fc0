#include "inspector/backend/activity_sampler.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "attach/blocked_signals.hpp"
#include "attach/idle_processors.hpp"
#include "inspector/backend/look_pace.hpp"
#include "inspector/backend/watched_server.hpp"
#include "inspector/model/time_text.hpp"
#include "inspector/statements/form_cache.hpp"

namespace palloscope {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr std::chrono::seconds kAskForIdleEvery{1};
// So much of a processor is idle where the machine has some to spare.
constexpr double kToSpare = 0.5;
// A backend has no status until its client has logged in, which may take a minute by default
// (authentication_timeout). Until then it is asked for anew at each watch().
constexpr std::chrono::seconds kGiveUpAfter{70};
// While there is nobody to look at.
constexpr std::chrono::milliseconds kAwaitBackends{10};
// Below this share of the statements seen, a reader must know.
constexpr double kWorthANote = 0.9;

// What this thread has used of a processor.
nanoseconds thread_time() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds{time.tv_sec} + nanoseconds{time.tv_nsec};
}

}  // namespace

class ActivitySampler::Impl {
  public:
    Impl() {
        // A signal is for the thread that waits for it.
        sigset_t all;
        sigfillset(&all);
        const BlockedSignals blocked(all);
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }

    void watch(std::span<const int> pids) {
        for (const int pid : pids) {
            const auto failed = failures_.find(pid);
            const bool given_up =
                failed != failures_.end() && Clock::now() >= failed->second.give_up_at;
            if (!given_up && !watched(pid)) {
                open(pid);
            }
        }
        std::erase_if(failures_, [&](const auto& failure) {
            const bool over = std::ranges::find(pids, failure.first) == pids.end();
            if (over) {
                note(failure.first, failure.second.error);
            }
            return over;
        });
        const std::lock_guard lock(mutex_);
        for (WatchedServer& server : servers_) {
            std::erase_if(server.backends(), [&](const WatchedBackend& backend) {
                const bool over = std::ranges::find(pids, backend.pid()) == pids.end();
                if (over) {
                    note_end(backend);
                }
                return over;
            });
        }
        std::erase_if(servers_, [](WatchedServer& server) { return server.backends().empty(); });
    }

    void finish(int pid) {
        const std::lock_guard lock(mutex_);
        WatchedBackend* const backend = find(pid);
        if (backend != nullptr && !backend->gone()) {
            backend->end(unix_time_ns());
        }
        if (backend != nullptr) {
            take_ended(*backend);
        }
    }

    std::vector<Execution> poll() {
        std::vector<std::pair<int, SeenStatement>> ended;
        {
            const std::lock_guard lock(mutex_);
            ended.swap(ended_);
            if (given_ > 0) {
                // Who asks again has stored what was given before.
                statement_ += ((thread_time() - polled_at_) / given_ - statement_) / 8;
            }
        }
        polled_at_ = thread_time();
        given_ = static_cast<std::int64_t>(ended.size());
        std::vector<Execution> executions;
        executions.reserve(ended.size());
        for (auto& [pid, statement] : ended) {
            executions.push_back({.seq = ++seq_,
                                  .backend_pid = pid,
                                  .session = {},
                                  .step = {},
                                  .form = forms_.form_of(statement.query),
                                  .started_at_ns = statement.started_at_ns,
                                  .ended_at_ns = statement.ended_at_ns,
                                  .error = {},
                                  .sighting = statement.sighting,
                                  .transaction_began_at_ns = statement.transaction_began_at_ns});
        }
        return executions;
    }

    std::optional<double> seen_share(int pid) {
        const std::lock_guard lock(mutex_);
        const WatchedBackend* const backend = find(pid);
        return backend == nullptr ? std::nullopt : backend->seen_share();
    }

    std::vector<std::string> notes() {
        const std::lock_guard lock(mutex_);
        for (WatchedServer& server : std::exchange(servers_, {})) {
            std::ranges::for_each(server.backends(),
                                  [this](const WatchedBackend& backend) { note_end(backend); });
        }
        for (const auto& [pid, failure] : std::exchange(failures_, {})) {
            note(pid, failure.error);
        }
        std::vector<std::string> notes = notes_;
        if (!seen_in_part_.empty()) {
            const auto [least, most] = std::ranges::minmax(seen_in_part_);
            const std::string share =
                std::lround(least * 100) == std::lround(most * 100)
                    ? fmt::format("{:.0f} %", least * 100)
                    : fmt::format("{:.0f} to {:.0f} %", least * 100, most * 100);
            notes.push_back(fmt::format(
                "many statements were too short to be seen each time: of a backend's, about {} "
                "were seen, looking every {} on average; how often each ran is an estimate",
                share,
                duration_text(usual_period_us())));
        }
        return notes;
    }

  private:
    struct Failure {
        Clock::time_point give_up_at = Clock::now() + kGiveUpAfter;
        Error error;
    };

    [[nodiscard]] double usual_period_us() const {
        const std::chrono::duration<double, std::micro> looked = last_look_ - first_look_;
        return looked.count() / static_cast<double>(std::max<std::int64_t>(looks_ - 1, 1));
    }

    bool watched(int pid) {
        const std::lock_guard lock(mutex_);
        return find(pid) != nullptr;
    }

    // Under the lock; null where it is not watched.
    WatchedBackend* find(int pid) {
        for (WatchedServer& server : servers_) {
            const auto found = std::ranges::find(server.backends(), pid, &WatchedBackend::pid);
            if (found != server.backends().end()) {
                return &*found;
            }
        }
        return nullptr;
    }

    void open(int pid) {
        auto backend = WatchedBackend::open(pid);
        const std::lock_guard lock(mutex_);
        if (backend) {
            const bool adopted = std::ranges::any_of(
                servers_, [&](WatchedServer& server) { return server.adopt(*backend); });
            if (!adopted) {
                servers_.emplace_back(std::move(*backend));
            }
            failures_.erase(pid);
        } else {
            failures_[pid].error = std::move(backend.error());
        }
    }

    void note(int pid, const Error& error) {
        if (error.kind != Error::Kind::kGone) {
            notes_.push_back(fmt::format("the statements of backend {} were not seen: {}; {}",
                                         pid,
                                         error.message,
                                         error.hint));
        }
    }

    // Under the lock.
    void take_ended(WatchedBackend& backend) {
        for (SeenStatement& statement : backend.take_ended()) {
            ended_.emplace_back(backend.pid(), std::move(statement));
        }
    }

    // Under the lock.
    void note_end(const WatchedBackend& backend) {
        if (backend.disabled()) {
            notes_.push_back(fmt::format(
                "the statements of backend {} were not seen: track_activities is off there",
                backend.pid()));
        } else if (const double share = backend.seen_share().value_or(1); share < kWorthANote) {
            seen_in_part_.push_back(share);
        }
    }

    void run(const std::stop_token& stop) {
        // A sleep may otherwise last 50 us longer (prctl(2)).
        prctl(PR_SET_TIMERSLACK, 1UL);
        LookPace pace;
        IdleProcessors idle;
        Clock::time_point ask_for_idle_at;
        nanoseconds used_before = thread_time();
        while (!stop.stop_requested()) {
            if (Clock::now() >= ask_for_idle_at) {
                ask_for_idle_at = Clock::now() + kAskForIdleEvery;
                pace.set_share(idle.count() > kToSpare ? LookPace::kLargeShare
                                                       : LookPace::kSmallShare);
            }
            Clock::time_point next;
            {
                const std::lock_guard lock(mutex_);
                const std::size_t told = ended_.size();
                bool reported = false;
                for (WatchedServer& server : servers_) {
                    reported = server.look() || reported;
                    std::ranges::for_each(server.backends(),
                                          [this](WatchedBackend& backend) { take_ended(backend); });
                }
                if (!servers_.empty()) {
                    last_look_ = Clock::now();
                    first_look_ = looks_++ == 0 ? last_look_ : first_look_;
                }
                const auto statements =
                    static_cast<std::int64_t>(ended_.size() - told) * statement_;
                const nanoseconds used = thread_time();
                next = pace.next(
                    Clock::now(), used - std::exchange(used_before, used) + statements, reported);
                if (servers_.empty()) {
                    next = std::max(next, Clock::now() + kAwaitBackends);
                }
            }
            std::this_thread::sleep_until(next);
        }
    }

    std::mutex mutex_;
    std::vector<WatchedServer> servers_;
    std::vector<std::pair<int, SeenStatement>> ended_;
    std::vector<std::string> notes_;
    std::vector<double> seen_in_part_;  // the shares of those that have ended
    nanoseconds statement_{};           // to make the form of one and to store it
    std::int64_t looks_ = 0;
    Clock::time_point first_look_;
    Clock::time_point last_look_;
    // Of the thread that calls: backends that cannot be watched, or not yet.
    std::map<int, Failure> failures_;
    FormCache forms_;
    std::int64_t seq_ = 0;
    std::int64_t given_ = 0;   // by the last poll …
    nanoseconds polled_at_{};  // … which began at this time of its thread
    std::jthread thread_;      // last: it uses the others
};

ActivitySampler::ActivitySampler() : impl_(std::make_unique<Impl>()) {}

ActivitySampler::ActivitySampler(ActivitySampler&&) noexcept = default;
ActivitySampler& ActivitySampler::operator=(ActivitySampler&&) noexcept = default;
ActivitySampler::~ActivitySampler() = default;

void ActivitySampler::watch(std::span<const int> pids) {
    impl_->watch(pids);
}

Result<std::vector<Execution>> ActivitySampler::poll() {
    return impl_->poll();
}

std::optional<double> ActivitySampler::seen_share(int pid) const {
    return impl_->seen_share(pid);
}

void ActivitySampler::finish(int pid) {
    impl_->finish(pid);
}

std::vector<std::string> ActivitySampler::notes() {
    return impl_->notes();
}

}  // namespace palloscope
