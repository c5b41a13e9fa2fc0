#include "inspector/recording/recorder.hpp"

#include <poll.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <thread>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "inspector/model/time_text.hpp"
#include "inspector/recording/clock_watch.hpp"
#include "inspector/recording/pause_statistics.hpp"
#include "inspector/recording/rest_round.hpp"

namespace palloscope {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr nanoseconds kFindTargetsEvery = std::chrono::seconds{1};
constexpr nanoseconds kNoteFactsEvery = std::chrono::seconds{10};
constexpr nanoseconds kAskServerEvery = std::chrono::seconds{10};
// How long a journal or a log may have something new before we look, and the stop flag be set.
constexpr milliseconds kLookEvery{100};

using Take = std::function<Result<Snapshot>(int pid)>;

struct Target {
    // Its driver steps: no snapshots at intervals.
    bool stepping = false;
    Clock::time_point explain_at;     // the first one at once
    Clock::time_point note_facts_at;  // the same
    std::int64_t explanations = 0;
    bool told_of_explanation = false;
    std::int64_t missed = 0;
    std::string last_miss;
    PauseStatistics pauses;
    std::map<Method, std::int64_t> by_method;
};

// A reason that is counted must not change from one time to the next: "0x55d0c8a3f1e0" is "0x…".
std::string without_addresses(std::string_view message) {
    constexpr std::string_view kPrefix = "0x";
    constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";
    std::string text;
    for (std::size_t at = 0; at < message.size();) {
        const std::size_t address = std::min(message.find(kPrefix, at), message.size());
        text += message.substr(at, address - at);
        at = address;
        if (address < message.size()) {
            text += "0x…";
            at = std::min(message.find_first_not_of(kHexDigits, address + kPrefix.size()),
                          message.size());
        }
    }
    return text;
}

}  // namespace

class Recorder::Impl {
  public:
    Impl(RecorderOptions options,
         RecorderCalls calls,
         StatementSource statements,
         RecordingWriter& writer,
         const std::atomic<bool>& stop)
        : options_(options),
          calls_(std::move(calls)),
          statements_(std::move(statements), calls_.server_pid, writer),
          writer_(writer),
          stop_(stop) {}

    Result<RecordingSummary> run() {
        const Result<std::vector<int>> pids = calls_.find_targets();
        if (!pids) {
            return tl::unexpected(pids.error());
        }
        if (pids->empty() && !awaits_first_snapshot()) {
            return failure(Error::Kind::kGone, "there is no backend to record");
        }
        add_targets(*pids);
        start_ = Clock::now();
        statements_.start(unix_time_ns());
        find_targets_at_ = start_ + kFindTargetsEvery;

        while (!finished()) {
            Result<> done = snapshot_round();
            while (done && !finished() && Clock::now() < next_round_) {
                done = work_until(std::min({next_round_, find_targets_at_, end_time()}));
            }
            if (!done) {
                return tl::unexpected(std::move(done).error());
            }
        }
        if (Result<> counted = miss_late_rounds(); !counted) {
            return tl::unexpected(std::move(counted).error());
        }
        return finish();
    }

  private:
    // The first moment that is too late.
    [[nodiscard]] Clock::time_point end_time() const {
        return options_.duration
                   ? start_ + std::chrono::duration_cast<Clock::duration>(*options_.duration)
                   : Clock::time_point::max();
    }

    // Whether one may come that can be recorded. Of those that were there and could not, others
    // that come would be no better.
    [[nodiscard]] bool awaits_first_snapshot() const {
        return options_.awaits_targets && summary_.snapshots == 0 &&
               (!first_failure_ || first_failure_->kind == Error::Kind::kGone);
    }

    // Sets the reason of the end.
    bool finished() {
        if (stop_.load()) {
            summary_.end = "interrupted";
        } else if (Clock::now() >= end_time()) {
            summary_.end = "duration";
        } else if (targets_.empty() && found_none_ && !options_.outlasts_targets &&
                   !awaits_first_snapshot()) {
            summary_.end = "all targets gone";
        }
        return !summary_.end.empty();
    }

    [[nodiscard]] std::vector<int> targets_at_intervals() const {
        std::vector<int> pids;
        for (const auto& [pid, target] : targets_) {
            if (!target.stepping) {
                pids.push_back(pid);
            }
        }
        return pids;
    }

    // Whether the machine's clock was set since the last look. Statements that end by a clock that
    // went back are no older than the recording.
    Result<> look_at_clock() {
        const std::int64_t now_ns = calls_.unix_time_ns ? calls_.unix_time_ns() : unix_time_ns();
        const auto step = clock_.look(now_ns, Clock::now());
        if (step && step->by_ns < 0) {
            statements_.set_start_back(-step->by_ns);
        }
        return step ? writer_.clock_step(*step) : Result<>();
    }

    // One snapshot of every target that does not step; sets the time of the next round.
    Result<> snapshot_round() {
        explained_in_round_ = false;
        if (Result<> looked = look_at_clock(); !looked) {
            return looked;
        }
        writer_.begin();
        std::vector<int> pids = targets_at_intervals();
        if (calls_.at_rest) {
            if (Result<> read = read_at_rest(pids); !read) {
                return read;
            }
        }
        for (const int pid : pids) {
            if (stop_.load()) {
                break;
            }
            const Take& take = calls_.at_rest ? calls_.at_rest->otherwise : calls_.take;
            if (const Result<StepAnswer> taken = snapshot(pid, take); !taken) {
                return tl::unexpected(taken.error());
            }
        }
        if (Result<> committed = writer_.commit(); !committed) {
            return committed;
        }
        if (Clock::now() >= ask_server_at_) {
            if (Result<> asked = ask_server(); !asked) {
                return asked;
            }
        }
        ++rounds_;
        // A round that fell due while this one went on cannot be made up for.
        if (Result<> counted = miss_late_rounds(); !counted) {
            return counted;
        }
        next_round_ = start_ + rounds_ * options_.interval;
        tell_progress();
        return {};
    }

    // Whether it is the turn of a target that is to be explained from time to time.
    [[nodiscard]] bool is_due_for_explanation(const Target& target) const {
        return options_.explain_every && !explained_in_round_ && Clock::now() >= target.explain_at;
    }

    // Snapshots of the backends that come to rest in time, which leave `pids`. The first one to be
    // explained stays.
    Result<> read_at_rest(std::vector<int>& pids) {
        const nanoseconds within = std::min(calls_.at_rest->within, options_.interval / 2);
        std::optional<int> to_be_explained;
        if (const auto due = std::ranges::find_if(
                pids, [&](int pid) { return is_due_for_explanation(targets_.at(pid)); });
            due != pids.end()) {
            to_be_explained = *due;
            pids.erase(due);
        }
        const Result<> read = read_those_at_rest(
            calls_.at_rest->read, within, stop_, pids, [&](int pid, const Snapshot& snapshot) {
                return store(pid, snapshot, snapshot).map([](const StepAnswer&) {});
            });
        if (to_be_explained) {
            pids.insert(pids.begin(), *to_be_explained);
        }
        return read;
    }

    Result<> miss_late_rounds() {
        const Clock::time_point last = end_time() - Clock::duration{1};
        const std::int64_t due = (std::min(Clock::now(), last) - start_) / options_.interval + 1;
        if (due <= rounds_) {
            return {};
        }
        const std::int64_t late = due - std::exchange(rounds_, due);
        return miss(targets_at_intervals(), "the snapshots before were not done", late);
    }

    // What there is to do between rounds, up to `until`, or a little less.
    Result<> work_until(Clock::time_point until) {
        if (calls_.between) {
            calls_.between();
        }
        if (Clock::now() >= find_targets_at_) {
            if (Result<> found = look_for_targets(); !found) {
                return found;
            }
        }
        if (Result<> stored = look_at_clock().and_then([&] { return statements_.store_new(); });
            !stored) {
            return stored;
        }
        if (auto* const server = statements_.step_server()) {
            return serve(*server, wait_time(until));
        }
        // Unlike sleep, poll ends when a signal comes; for the last millisecond it is too coarse.
        const milliseconds wait = wait_time(until);
        if (wait > milliseconds{1} && calls_.wait) {
            calls_.wait(wait - milliseconds{1});
        } else if (wait > milliseconds{1}) {
            ::poll(nullptr, 0, static_cast<int>(wait.count()) - 1);
        } else {
            std::this_thread::sleep_until(until);
        }
        return {};
    }

    static milliseconds wait_time(Clock::time_point until) {
        return std::clamp(
            std::chrono::ceil<milliseconds>(until - Clock::now()), milliseconds{0}, kLookEvery);
    }

    // Takes and stores one snapshot of a target. Fails only where it cannot be stored.
    Result<StepAnswer> snapshot(int pid) { return snapshot(pid, calls_.take); }

    Result<StepAnswer> snapshot(int pid, const Take& take) {
        if (Target& target = targets_.at(pid); is_due_for_explanation(target)) {
            explained_in_round_ = !target.stepping;
            target.explain_at =
                Clock::now() + std::chrono::duration_cast<Clock::duration>(*options_.explain_every);
            // That takes long, and must not cost what was taken before it.
            if (Result<> committed = writer_.commit(); !committed) {
                return tl::unexpected(std::move(committed).error());
            }
            const Result<Explanation> explained = calls_.explain(pid);
            if (explained) {
                ++target.explanations;
                return store(pid, explained->snapshot, *explained);
            }
            if (Result<> told = tell_of_explanation(target, pid, explained.error()); !told) {
                return tl::unexpected(std::move(told).error());
            }
        }
        const Result<Snapshot> taken = take(pid);
        if (taken) {
            return store(pid, *taken, *taken);
        }
        if (Result<> noted = note_failure(pid, taken.error()); !noted) {
            return tl::unexpected(std::move(noted).error());
        }
        return StepAnswer{.snapshot = false, .reason = taken.error().message};
    }

    // `whole` is what is recorded: the snapshot, or the explanation that came with it.
    template <typename Whole>
    Result<StepAnswer> store(int pid, const Snapshot& snapshot, const Whole& whole) {
        if (Result<> stored = writer_.append(whole); !stored) {
            return tl::unexpected(std::move(stored).error());
        }
        Target& target = targets_.at(pid);
        target.pauses.add(snapshot.pause_us);
        ++target.by_method[snapshot.method];
        ++summary_.snapshots;
        if (Clock::now() >= target.note_facts_at) {
            target.note_facts_at = Clock::now() + kNoteFactsEvery;
            if (Result<> noted = note_facts(pid); !noted) {
                return tl::unexpected(std::move(noted).error());
            }
        }
        return StepAnswer{.snapshot = true, .reason = {}};
    }

    // What is known of a backend beside its snapshots, in place of what was before.
    Result<> note_facts(int pid) {
        const auto allowance = calls_.allowance ? calls_.allowance(pid) : std::nullopt;
        if (Result<> stored = allowance ? writer_.allowance(pid, *allowance) : Result<>();
            !stored) {
            return stored;
        }
        return note_seen_share(pid);
    }

    Result<> note_seen_share(int pid) {
        const auto share = statements_.seen_share(pid);
        return share ? writer_.seen_share(pid, *share) : Result<>();
    }

    Result<> ask_server() {
        std::vector<int> pids;
        for (const auto& [pid, target] : targets_) {
            if (target.pauses.count() > 0) {
                pids.push_back(pid);
            }
        }
        if (!calls_.server_facts || told_of_server_ || pids.empty()) {
            return {};
        }
        ask_server_at_ = Clock::now() + kAskServerEvery;
        const auto facts = calls_.server_facts(pids);
        if (!facts) {
            told_of_server_ = true;
            return note(facts.error().message);
        }
        for (const auto& [pid, of_backend] : *facts) {
            if (Result<> stored = writer_.server_facts(pid, of_backend); !stored) {
                return stored;
            }
        }
        return {};
    }

    // Once a backend; that it has gone, the snapshot will tell.
    Result<> tell_of_explanation(Target& target, int pid, const Error& error) {
        if (error.kind == Error::Kind::kGone || std::exchange(target.told_of_explanation, true)) {
            return {};
        }
        return note(fmt::format("backend {} was not explained every time: {}", pid, error.message));
    }

    Result<> note_failure(int pid, const Error& error) {
        switch (error.kind) {
            case Error::Kind::kGone: {
                const std::string reason = calls_.end_reason ? calls_.end_reason(pid) : "";
                first_failure_ = first_failure_.value_or(error);
                // It may be a process that runs on, and is no backend.
                refused_.insert(pid);
                return end(pid, reason.empty() ? std::string(kBackendGone) : reason);
            }
            case Error::Kind::kPermission:
            case Error::Kind::kUnsupported:
                refused_.insert(pid);
                first_failure_ = first_failure_.value_or(error);
                if (Result<> noted =
                        note(fmt::format("backend {} is not recorded: {}", pid, error.message));
                    !noted) {
                    return noted;
                }
                return end(pid, error.message);
            default:
                first_failure_ = first_failure_.value_or(error);
                return miss({pid}, without_addresses(error.message), 1);
        }
    }

    Result<> miss(const std::vector<int>& pids, std::string_view reason, std::int64_t times) {
        for (const int pid : pids) {
            Target& target = targets_.at(pid);
            target.missed += times;
            target.last_miss = reason;
            summary_.missed += times;
        }
        return writer_.missed(pids, reason, times);
    }

    Result<> note(std::string text) {
        Result<> noted = writer_.note(text);
        summary_.notes.push_back(std::move(text));
        return noted;
    }

    // Ends the recording of one backend.
    Result<> end(int pid, const std::string& reason) {
        using TargetEnd = TargetStatements::TargetEnd;
        if (Result<> stored = statements_.finish(
                pid, is_end_of_backend(reason) ? TargetEnd::kGone : TargetEnd::kRunsOn);
            !stored) {
            return stored;
        }
        const Target target = std::move(targets_.extract(pid).mapped());
        if (calls_.forget) {
            calls_.forget(pid);
        }
        if (target.pauses.count() > 0) {
            if (Result<> noted = note_seen_share(pid); !noted) {
                return noted;
            }
        }
        tell_targets();
        const PauseStatistics& pauses = target.pauses;
        if (pauses.count() == 0 && target.missed == 0) {
            return writer_.end(pid, reason);
        }
        summary_.backends.push_back({.pid = pid,
                                     .snapshots = pauses.count(),
                                     .explanations = target.explanations,
                                     .by_method = target.by_method,
                                     .missed = target.missed,
                                     .last_miss = target.last_miss,
                                     .end = reason,
                                     .min_pause_us = pauses.min_us(),
                                     .median_pause_us = pauses.quantile_us(0.5),
                                     .p99_pause_us = pauses.quantile_us(0.99),
                                     .max_pause_us = pauses.max_us()});
        return writer_.end(pid, reason);
    }

    void add_targets(const std::vector<int>& pids) {
        for (const int pid : pids) {
            if (!refused_.contains(pid)) {
                targets_.try_emplace(pid);
            }
        }
        tell_targets();
    }

    // One that steps gets no snapshots at intervals, which would tell that it has gone.
    Result<> look_after_stepping(const std::vector<int>& found) {
        std::vector<int> lost;
        for (const auto& [pid, target] : targets_) {
            if (target.stepping && std::ranges::find(found, pid) == found.end()) {
                lost.push_back(pid);
            }
        }
        for (const int pid : lost) {
            if (const Result<StepAnswer> taken = snapshot(pid); !taken) {
                return tl::unexpected(taken.error());
            }
        }
        return {};
    }

    Result<> look_for_targets() {
        find_targets_at_ = Clock::now() + kFindTargetsEvery;
        const Result<std::vector<int>> pids = calls_.find_targets();
        if (pids) {
            // One that has ended leaves its PID to another.
            std::erase_if(refused_,
                          [&](int pid) { return std::ranges::find(*pids, pid) == pids->end(); });
        }
        add_targets(pids.value_or(std::vector<int>{}));
        if (Result<> looked = look_after_stepping(pids.value_or(std::vector<int>{})); !looked) {
            return looked;
        }
        found_none_ = targets_.empty();
        if (pids || std::exchange(told_of_search_, true)) {
            return {};
        }
        return note(
            fmt::format("backends that started later may be missing: {}", pids.error().message));
    }

    // Tells the source of statements whose are wanted.
    void tell_targets() {
        std::vector<int> pids;
        for (const auto& [pid, target] : targets_) {
            pids.push_back(pid);
        }
        statements_.set_targets(std::move(pids));
    }

    Result<> serve(StepServer& server, milliseconds wait) {
        const Result<std::vector<StepEvent>> events = server.poll(wait);
        if (!events) {
            return tl::unexpected(events.error());
        }
        for (const StepEvent& event : *events) {
            const Result<StepAnswer> answer = step(event);
            if (!answer) {
                return tl::unexpected(answer.error());
            }
            server.answer(event, *answer);
        }
        return {};
    }

    Result<StepAnswer> step(const StepEvent& event) {
        const auto* const execution = std::get_if<Execution>(&event.what);
        const int server_pid = execution != nullptr ? execution->backend_pid
                                                    : std::get<StepHello>(event.what).backend_pid;
        if (!statements_.find(server_pid)) {
            // A session that was just opened: the next search may be a second away.
            if (Result<> found = look_for_targets(); !found) {
                return tl::unexpected(std::move(found).error());
            }
        }
        const std::optional<int> pid = statements_.find(server_pid);
        if (!pid) {
            return StepAnswer{.snapshot = false,
                              .reason = fmt::format("backend {} is no target of this recording "
                                                    "(any more)",
                                                    server_pid)};
        }
        targets_.at(*pid).stepping = true;
        if (execution != nullptr) {
            if (Result<> stored = statements_.store(*execution); !stored) {
                return tl::unexpected(std::move(stored).error());
            }
        }
        return snapshot(*pid);
    }

    void tell_progress() const {
        if (calls_.progress) {
            calls_.progress({.elapsed = Clock::now() - start_,
                             .backends = targets_.size(),
                             .snapshots = summary_.snapshots,
                             .missed = summary_.missed});
        }
    }

    Result<RecordingSummary> finish() {
        if (Result<> asked = ask_server(); !asked) {
            return tl::unexpected(std::move(asked).error());
        }
        while (!targets_.empty()) {
            if (Result<> ended = end(targets_.begin()->first, summary_.end); !ended) {
                return tl::unexpected(std::move(ended).error());
            }
        }
        summary_.executions = statements_.stored();
        for (std::string& text : statements_.notes()) {
            if (Result<> noted = note(std::move(text)); !noted) {
                return tl::unexpected(std::move(noted).error());
            }
        }
        if (summary_.snapshots == 0 && first_failure_ && !stop_.load()) {
            return tl::unexpected(*first_failure_);
        }
        summary_.bytes = writer_.bytes();
        return summary_;
    }

    RecorderOptions options_;
    RecorderCalls calls_;
    TargetStatements statements_;
    ClockWatch clock_;
    RecordingWriter& writer_;
    const std::atomic<bool>& stop_;

    std::map<int, Target> targets_;
    // Those that may not or cannot be read, or have gone.
    std::set<int> refused_;
    // Why there may be no snapshot at all.
    std::optional<Error> first_failure_;
    bool told_of_search_ = false;
    bool told_of_server_ = false;
    // The last search gave no target. A client may connect again just after its backend ended, so
    // that the absence of targets alone is not the end.
    bool found_none_ = false;
    Clock::time_point start_;
    // The others' turn comes in the rounds after it.
    bool explained_in_round_ = false;
    std::int64_t rounds_ = 0;  // that were done or missed
    Clock::time_point next_round_;
    Clock::time_point find_targets_at_;
    Clock::time_point ask_server_at_;  // first after the first round
    RecordingSummary summary_;
};

Recorder::Recorder(RecorderOptions options,
                   RecorderCalls calls,
                   StatementSource statements,
                   RecordingWriter& writer,
                   const std::atomic<bool>& stop)
    : impl_(
          std::make_unique<Impl>(options, std::move(calls), std::move(statements), writer, stop)) {}

Recorder::~Recorder() = default;

Result<RecordingSummary> Recorder::run() {
    return impl_->run();
}

}  // namespace palloscope
