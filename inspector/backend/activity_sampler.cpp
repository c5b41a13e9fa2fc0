#include "inspector/backend/activity_sampler.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <csignal>
#include <ctime>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "attach/blocked_signals.hpp"
#include "inspector/backend/backend.hpp"
#include "inspector/backend/backend_status.hpp"
#include "inspector/model/time_text.hpp"
#include "inspector/statements/activity_tracker.hpp"
#include "inspector/statements/form_cache.hpp"

namespace palloscope {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr nanoseconds kShortestPeriod = std::chrono::microseconds{250};
constexpr nanoseconds kLongestPeriod = std::chrono::milliseconds{100};
// Of one processor: the period is so many times what a round of looks takes of it.
constexpr int kPeriodsPerRound = 50;
// A status is being changed for less than a microsecond.
constexpr int kMostLooks = 3;
// track_activity_query_size is 1 MB at most (guc_tables.c); forms of longer texts are not made.
constexpr std::size_t kMaxQueryBytes = std::size_t{1} << 20U;
// By default it is 1,024, the terminating zero byte included.
constexpr std::size_t kGuessedBytes = 1024;
// Below this share of the statements seen, a reader must know.
constexpr double kWorthANote = 0.9;

// What this thread has used of a processor.
nanoseconds thread_time() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds{time.tv_sec} + nanoseconds{time.tv_nsec};
}

// One backend that is looked at.
class WatchedBackend {
  public:
    static Result<WatchedBackend> open(int pid) {
        auto backend = Backend::open(pid);
        if (!backend) {
            return tl::unexpected(std::move(backend.error()));
        }
        return find_backend_status(*backend).map(
            [&](RemoteAddress entry) { return WatchedBackend(std::move(*backend), entry); });
    }

    // Adds the statements that have ended since the last look.
    void look(std::vector<SeenStatement>& ended) {
        for (int looks = 0; looks < kMostLooks && !gone_; ++looks) {
            // The middle of the call: a statement may be the last one for ten microseconds only.
            const std::int64_t asked_at_ns = unix_time_ns();
            const auto status = read_status();
            const std::int64_t now_ns = asked_at_ns + (unix_time_ns() - asked_at_ns) / 2;
            if (!status) {
                gone_ = true;
                tracker_.end(now_ns, ended);
                return;
            }
            if (status->changes == changes_) {
                guesses_ = false;
                looked_at_ns_ = now_ns;
                tracker_.see_no_change(now_ns, ended);
                return;
            }
            if (status->changing()) {
                continue;
            }
            std::string query;
            guesses_ = tracker_.is_new(status->statement_started_at_ns);
            if (guesses_) {
                auto text = query_of(*status);
                if (!text) {
                    continue;
                }
                query = std::move(*text);
            }
            changes_ = status->changes;
            tracker_.see({.looked_at_ns = now_ns,
                          .gap_ns = now_ns - std::exchange(looked_at_ns_, now_ns),
                          .changes = status->changes,
                          .running = status->running(),
                          .started_at_ns = status->statement_started_at_ns,
                          .state_began_at_ns = status->state_began_at_ns,
                          .query = std::move(query)},
                         ended);
            disabled_ = disabled_ || status->state == "disabled";
            return;
        }
    }

    [[nodiscard]] std::optional<double> seen_share() const { return tracker_.seen_share(); }

    // track_activities is off: it tells nothing.
    [[nodiscard]] bool disabled() const { return disabled_; }

  private:
    WatchedBackend(Backend backend, RemoteAddress entry)
        : backend_(std::move(backend)), entry_(entry) {}

    // With what is guessed to be its statement's text, where the backend ran another one at the
    // last look: in one system call, the count of changes after all else.
    Result<BackendStatus> read_status() {
        guessed_changes_.reset();
        BackendStatusBytes bytes{};
        std::uint32_t changes_after = 0;
        std::array<RemotePiece, 3> pieces{{
            {.address = entry_, .into = bytes},
            {.address = query_, .into = std::as_writable_bytes(std::span(guessed_text_))},
            {.address = entry_, .into = std::as_writable_bytes(std::span(&changes_after, 1))},
        }};
        const bool guesses = guesses_ && !query_.is_null();
        auto read = backend_.memory().gather(std::span(pieces).first(guesses ? pieces.size() : 1));
        if (read && guesses) {
            guessed_changes_ = changes_after;
        } else if (!read && guesses) {
            // A text may be shorter than what was guessed, and the last thing that is mapped.
            read = backend_.memory().gather(std::span(pieces).first(1));
        }
        return read.and_then(
            [&] { return parse_backend_status(bytes, backend_.server_version_num()); });
    }

    // The text of the statement that `status`, just read, tells of; none where it has changed.
    std::optional<std::string> query_of(const BackendStatus& status) {
        const std::string_view guessed(guessed_text_.data(), guessed_text_.size());
        const std::size_t end = guessed.find('\0');
        const bool guessed_right = guessed_changes_ == status.changes && query_ == status.query &&
                                   end != std::string_view::npos;
        query_ = status.query;
        if (guessed_right) {
            return std::string(guessed.substr(0, end));
        }
        auto text = backend_.memory().read_string(status.query, kMaxQueryBytes);
        const auto after = backend_.memory().read<std::uint32_t>(entry_);
        return text && after && *after == status.changes ? std::optional(std::move(*text))
                                                         : std::nullopt;
    }

    Backend backend_;
    RemoteAddress entry_;
    // Where the text of the last statement lay: in the same place each time.
    RemoteAddress query_{};
    bool guesses_ = false;
    std::array<char, kGuessedBytes> guessed_text_{};
    // The count of changes after the text was read; none where it was not.
    std::optional<std::uint32_t> guessed_changes_;
    ActivityTracker tracker_;
    std::int64_t looked_at_ns_ = unix_time_ns();
    std::optional<std::uint32_t> changes_;
    bool gone_ = false;
    bool disabled_ = false;
};

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
            if (!watched(pid) && !refused_.contains(pid)) {
                open(pid);
            }
        }
        const std::lock_guard lock(mutex_);
        std::erase_if(backends_, [&](const auto& entry) {
            const bool over = std::ranges::find(pids, entry.first) == pids.end();
            if (over) {
                note_end(entry.first, entry.second);
            }
            return over;
        });
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
                                  .sighting = statement.sighting});
        }
        return executions;
    }

    std::optional<double> seen_share(int pid) {
        const std::lock_guard lock(mutex_);
        const auto backend = backends_.find(pid);
        return backend == backends_.end() ? std::nullopt : backend->second.seen_share();
    }

    std::vector<std::string> notes() {
        const std::lock_guard lock(mutex_);
        for (const auto& [pid, backend] : std::exchange(backends_, {})) {
            note_end(pid, backend);
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
                "were "
                "seen, looking every {}; how often each ran is an estimate",
                share,
                duration_text(std::chrono::duration<double, std::micro>(period_).count())));
        }
        return notes;
    }

  private:
    bool watched(int pid) {
        const std::lock_guard lock(mutex_);
        return backends_.contains(pid);
    }

    void open(int pid) {
        auto backend = WatchedBackend::open(pid);
        const std::lock_guard lock(mutex_);
        if (backend) {
            backends_.emplace(pid, std::move(*backend));
        } else {
            refused_.insert(pid);
            if (backend.error().kind != Error::Kind::kGone) {
                notes_.push_back(fmt::format("the statements of backend {} were not seen: {}; {}",
                                             pid,
                                             backend.error().message,
                                             backend.error().hint));
            }
        }
    }

    // Under the lock.
    void note_end(int pid, const WatchedBackend& backend) {
        if (backend.disabled()) {
            notes_.push_back(fmt::format(
                "the statements of backend {} were not seen: track_activities is off there", pid));
        } else if (const double share = backend.seen_share().value_or(1); share < kWorthANote) {
            seen_in_part_.push_back(share);
        }
    }

    void run(const std::stop_token& stop) {
        Clock::time_point next = Clock::now();
        std::vector<SeenStatement> ended;
        while (!stop.stop_requested()) {
            const nanoseconds before = thread_time();
            {
                const std::lock_guard lock(mutex_);
                const std::size_t told = ended_.size();
                for (auto& [pid, backend] : backends_) {
                    ended.clear();
                    backend.look(ended);
                    for (SeenStatement& statement : ended) {
                        ended_.emplace_back(pid, std::move(statement));
                    }
                }
                // Smoothed over some ten rounds, with what the statements will take.
                const auto statements =
                    static_cast<std::int64_t>(ended_.size() - told) * statement_;
                round_ += (thread_time() - before + statements - round_) / 8;
                period_ = std::clamp(round_ * kPeriodsPerRound, kShortestPeriod, kLongestPeriod);
                next = std::max(next + period_, Clock::now());
            }
            std::this_thread::sleep_until(next);
        }
    }

    std::mutex mutex_;
    std::map<int, WatchedBackend> backends_;
    std::vector<std::pair<int, SeenStatement>> ended_;
    std::vector<std::string> notes_;
    std::vector<double> seen_in_part_;  // the shares of those that have ended
    nanoseconds round_{};
    nanoseconds statement_{};  // to make the form of one and to store it
    nanoseconds period_ = kShortestPeriod;
    // Of the thread that calls.
    std::set<int> refused_;
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

std::vector<std::string> ActivitySampler::notes() {
    return impl_->notes();
}

}  // namespace palloscope
