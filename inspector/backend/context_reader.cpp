#include "inspector/backend/context_reader.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include <fmt/core.h>

#include "attach/cpu_state.hpp"
#include "attach/dwarf_types.hpp"
#include "attach/proc.hpp"
#include "inspector/backend/debug_layout.hpp"
#include "inspector/backend/safe_point.hpp"
#include "inspector/model/time_text.hpp"

namespace palloscope {

namespace {

using Clock = std::chrono::steady_clock;

// Ranges nearer than this are copied as one: a range of its own costs 0.23 us, as much as copying
// 6 kB (measured on kernel 6.18, memory in the cache).
constexpr std::uint64_t kJoinGap = 4096;
constexpr const char* kKeptRunning = "it kept running";
// So much may be copied in vain.
constexpr std::uint64_t kStaleBytes = std::uint64_t{1} << 20;
// What was copied so lately is in memory still. To copy what was swapped out since would wait for
// the disk, page by page: 13 ms for 18 MB on an idle one.
constexpr std::chrono::seconds kStaysInMemory{5};
// A client's turn between two statements takes some ten microseconds, and comes often or not at
// all.
constexpr std::chrono::milliseconds kAwaitSafePoint{50};
constexpr std::chrono::microseconds kSafePointInterval{30};
// A stopped backend is never held longer for a walk, nor is a running one followed for longer …
constexpr std::chrono::milliseconds kLongestSurvey{1000};
// … and no copy takes so long to decode: a million contexts take a second.
constexpr std::chrono::milliseconds kLongestWalk{10'000};
// From short against a statement to long against a copy: a backend that is busy must not keep us
// busy too.
constexpr std::chrono::microseconds kFirstRetry{200};
constexpr std::chrono::microseconds kLongestRetry{3200};

std::uint64_t bytes_of(const std::vector<RemoteRange>& ranges) {
    std::uint64_t bytes = 0;
    for (const RemoteRange& range : ranges) {
        bytes += range.size;
    }
    return bytes;
}

double microseconds_since(Clock::time_point begin) {
    return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

// Puts a copy away at the end of a scope: what it was taken for is done.
using PutAway = std::unique_ptr<MemoryCopy, decltype([](MemoryCopy* copy) { copy->put_away(); })>;

// Memory did not fit, or was missing: what a change in the middle looks like, or another build.
bool is_torn(const Error& error) {
    return error.kind == Error::Kind::kFailed || error.kind == Error::Kind::kFault;
}

// kGone also where it has no memory any more, as a process that is about to end.
Result<ProcessStatus> with_memory(pid_t pid, Result<ProcessStatus> status) {
    if (status && status->mapped_bytes == 0) {
        return failure(Error::Kind::kGone, fmt::format("process {} is gone", pid));
    }
    return status;
}

// A backend that waits for its client changes nothing. Its memory goes before it has ended, though:
// where it is killed.
tl::unexpected<Error> does_not_fit(const Backend& backend, const Error& reason) {
    const auto status = with_memory(backend.pid(), read_status(backend.pid()));
    if (!status && status.error().kind == Error::Kind::kGone) {
        return tl::unexpected(status.error());
    }
    return failure(Error::Kind::kUnsupported,
                   fmt::format("the server of process {} does not keep its memory as PostgreSQL {} "
                               "does: {}",
                               backend.pid(),
                               server_version_text(backend.server_version_num()),
                               reason.message),
                   "builds with assertions and forks of PostgreSQL are read by their debug "
                   "information alone: install the debug symbols of this server");
}

tl::unexpected<Error> no_consistent_moment(const Backend& backend, const std::string& reason) {
    return failure(
        Error::Kind::kTimeout,
        fmt::format("no consistent look at process {} came in time: {}", backend.pid(), reason),
        "give it longer with --timeout, or use --method freeze, which stops it for about a "
        "millisecond");
}

Result<MemoryLayout> find_layout(const Backend& backend) {
    return layout_of_build(backend.server_version_num(),
                           DwarfTypes::find(backend.pid(), backend.image()));
}

// The same, looked for once for each build: to go through 28 MB of debug information takes 0.1 s,
// to find that a stripped server has none 1 ms.
Result<MemoryLayout> layout_of(const Backend& backend) {
    static std::map<std::string, Result<MemoryLayout>> layouts;
    const std::string build_id = backend.image().build_id();
    if (build_id.empty()) {
        return find_layout(backend);  // nothing tells it from other builds
    }
    auto found = layouts.find(build_id);
    if (found == layouts.end()) {
        found = layouts.emplace(build_id, find_layout(backend)).first;
    }
    return found->second;
}

}  // namespace

Result<ContextReader> ContextReader::create(const Backend& backend, Literals literals) {
    auto layout = layout_of(backend);
    if (!layout) {
        return tl::unexpected(std::move(layout.error()));
    }
    auto rest_watch = RestWatch::open(backend.pid());
    if (!rest_watch && rest_watch.error().kind != Error::Kind::kPermission) {
        return tl::unexpected(std::move(rest_watch.error()));
    }
    auto status_file = StatusFile::open(backend.pid());
    if (!status_file) {
        return tl::unexpected(std::move(status_file.error()));
    }
    ContextReader reader(backend, literals, *layout, std::move(*status_file));
    if (rest_watch) {
        reader.rest_watch_ = std::move(*rest_watch);
    }
    return reader;
}

Result<Reading> ContextReader::read(Clock::time_point deadline) {
    if (!rest_watch_) {
        return closed_file(*backend_, "syscall", "whether it slept all the while");
    }
    const PutAway finally(&copy_);
    std::string reason = kKeptRunning;
    auto pause_between = kFirstRetry;
    for (;;) {
        if (auto alive = backend_->process().require_alive(); !alive) {
            return tl::unexpected(std::move(alive.error()));
        }
        // Copying is worth while only where there is hope.
        if (const auto rest = rest_watch_->begin()) {
            auto reading = read_at_rest(*rest);
            if (reading || reading.error().kind != Error::Kind::kTimeout) {
                return reading;
            }
            reason = std::move(reading.error().message);
            if (copy_.planned().empty()) {
                look_for_contexts();
            }
        }
        if (Clock::now() >= deadline) {
            return no_consistent_moment(*backend_, reason);
        }
        std::this_thread::sleep_for(pause_between);
        pause_between = std::min(2 * pause_between, kLongestRetry);
    }
}

// kTimeout, with the reason, where the rest did not last, or was in the middle of a change.
Result<Reading> ContextReader::read_at_rest(const RestWatch::Rest& rest) {
    const std::int64_t taken_at_ns = unix_time_ns();
    copy_.take();
    if (!rest_watch_->rested_since(rest)) {
        return failure(Error::Kind::kTimeout, kKeptRunning);
    }
    copy_.set_misses(MemoryCopy::Misses::kFetch);
    auto reading = decode(copy_);
    const bool rested = copy_.misses() == 0 || rest_watch_->rested_since(rest);
    plan_from(copy_, reading.has_value());
    if (!rested) {
        return failure(Error::Kind::kTimeout, kKeptRunning);
    }
    if (reading) {
        reading->taken_at_ns = taken_at_ns;
        return reading;
    }
    if (!is_torn(reading.error())) {
        return reading;
    }
    // It rests in the middle of a change, or it waits for its client, in the middle of nothing.
    if (at_safe_point(*backend_).value_or(false) && rest_watch_->rested_since(rest)) {
        return does_not_fit(*backend_, reading.error());
    }
    return failure(Error::Kind::kTimeout, std::move(reading.error().message));
}

Result<Reading> ContextReader::freeze(Clock::time_point deadline, Moment moment) {
    constexpr int kMostStops = 6;
    const PutAway finally(&copy_);
    const Clock::time_point until = std::min(deadline, Clock::now() + kAwaitSafePoint);
    auto misses = MemoryCopy::Misses::kFail;
    double pause_us = 0;
    for (int stops = 0;; ++stops) {
        // Where all that was needed lay where it had lain before, it will again.
        const bool guesses = plan_held_ && misses == MemoryCopy::Misses::kFail;
        const auto copied_at = guesses ? copy_before_stop() : look_for_contexts();
        if (moment == Moment::kBetweenStatements &&
            (stops == kMostStops || !await_safe_point(until))) {
            moment = Moment::kAny;
        }
        auto stop = stop_and_copy(misses, moment, copied_at);
        if (!stop) {
            return tl::unexpected(std::move(stop.error()));
        }
        pause_us += stop->pause_us;
        if (stop->reading) {
            copied_at_ = Clock::now();
            plan_from(copy_, /*complete=*/true);
            stop->reading->pause_us = pause_us;
            return std::move(*stop->reading);
        }
        if (misses == MemoryCopy::Misses::kFetch) {
            if (Clock::now() >= deadline) {
                return no_consistent_moment(*backend_, stop->missed);
            }
            std::this_thread::sleep_for(kFirstRetry);
        }
        if (stop->in_time && guesses) {
            plan_held_ = false;
        } else if (stop->in_time) {
            misses = MemoryCopy::Misses::kFetch;
        }
    }
}

bool ContextReader::await_safe_point(Clock::time_point until) const {
    while (!at_safe_point(*backend_).value_or(false)) {
        if (Clock::now() >= until) {
            return false;
        }
        std::this_thread::sleep_for(kSafePointInterval);
    }
    return true;
}

Result<Reading> ContextReader::read_at_safe_point() {
    const PutAway finally(&copy_);
    return read_copy(copy_, Moment::kBetweenStatements);
}

ContextReader::Moment ContextReader::moment_of(const Backend& held, bool is_first_look) {
    return !is_first_look && at_safe_point(held).value_or(false) ? Moment::kBetweenStatements
                                                                 : Moment::kAny;
}

Result<Reading> ContextReader::read_still(const MemorySource& memory, Moment moment) {
    MemoryCopy copy(memory);
    const PutAway finally(&copy);
    auto reading = read_still_copy(copy, moment, /*places=*/nullptr);
    plan_from(copy, reading.has_value());
    return reading;
}

// It is no plan for the next time: it will hold more than contexts.
Result<Reading> ContextReader::read_still(MemoryCopy& copy, Moment moment, ContextPlaces& places) {
    return read_still_copy(copy, moment, &places);
}

Result<Reading> ContextReader::read_still_copy(MemoryCopy& copy,
                                               Moment moment,
                                               ContextPlaces* places) {
    copy.plan(copy_.planned());
    return read_copy(copy, moment, places);
}

// Of memory that does not change meanwhile.
Result<Reading> ContextReader::read_copy(MemoryCopy& copy, Moment moment, ContextPlaces* places) {
    const std::int64_t taken_at_ns = unix_time_ns();
    copy.take();
    copy.set_misses(MemoryCopy::Misses::kFetch);
    auto reading = decode(copy, places);
    if (reading) {
        reading->taken_at_ns = taken_at_ns;
        return reading;
    }
    if (!is_torn(reading.error())) {
        return reading;
    }
    return moment == Moment::kBetweenStatements
               ? does_not_fit(*backend_, reading.error())
               : no_consistent_moment(*backend_, reading.error().message);
}

// Of a backend that goes on meanwhile: where it was changing, part of the tree was not found.
// What had to be fetched made that look slow, and it is old by now: it is looked again, with all
// that in the plan.
std::optional<RestWatch::Rest> ContextReader::look_for_contexts() {
    constexpr int kMostLooks = 3;
    for (int look = 0; look < kMostLooks; ++look) {
        const auto rest = rest_watch_ ? rest_watch_->begin() : std::nullopt;
        copy_.take();
        look_at_all();
        if (copy_.misses() == 0) {
            plan_held_ = look == 0;
            return rest && rest_watch_->rested_since(*rest) ? rest : std::nullopt;
        }
        plan_from(copy_, /*complete=*/false);
    }
    copy_.make_room();
    plan_held_ = false;
    return std::nullopt;
}

std::optional<RestWatch::Rest> ContextReader::copy_before_stop() {
    const auto rest = rest_watch_ ? rest_watch_->begin() : std::nullopt;
    if (!rest && Clock::now() - copied_at_ < kStaysInMemory) {
        return std::nullopt;  // in vain, while it runs
    }
    copy_.take();
    return rest && rest_watch_->rested_since(*rest) ? rest : std::nullopt;
}

// Fetches into the copy what decode() will use and is not there.
void ContextReader::look_at_all() {
    copy_.set_misses(MemoryCopy::Misses::kFetch);
    if (const auto status = status_with_memory()) {
        (void)walk(copy_, *status, WalkPurpose::kSurvey);
    }
    (void)prove_chunks_once(copy_);
    look_at_process_info(*backend_, copy_);
    copy_.set_misses(MemoryCopy::Misses::kFail);
}

Result<ContextReader::Stop> ContextReader::stop_and_copy(
    MemoryCopy::Misses misses, Moment moment, const std::optional<RestWatch::Rest>& copied_at) {
    const bool fetches = misses == MemoryCopy::Misses::kFetch;
    Stop stop;
    std::int64_t taken_at_ns = 0;
    bool at_rest = false;
    copy_.make_room();
    {
        const auto stopped = StoppedProcess::seize(backend_->process());
        if (!stopped) {
            return tl::unexpected(stopped.error());
        }
        taken_at_ns = unix_time_ns();
        const bool is_copied = !fetches && copied_at && only_stopped_since(*stopped, *copied_at);
        if (fetches || moment == Moment::kBetweenStatements) {
            at_rest = at_safe_point(*backend_).value_or(false);
        }
        stop.in_time = at_rest || moment == Moment::kAny;
        if (stop.in_time && !is_copied) {
            copy_.take();
        }
        if (stop.in_time && fetches) {
            look_at_all();
        }
        stop.pause_us = microseconds_since(stopped->interrupted_at());
    }
    if (!stop.in_time) {
        stop.missed = kKeptRunning;
        return stop;
    }
    copy_.set_misses(MemoryCopy::Misses::kFail);
    auto reading = decode(copy_);
    // What could not be fetched while it was held cannot be read at all.
    if (reading && (fetches || copy_.misses() == 0)) {
        reading->taken_at_ns = taken_at_ns;
        stop.reading = std::move(*reading);
        return stop;
    }
    if (!reading && !is_torn(reading.error())) {
        return tl::unexpected(std::move(reading.error()));
    }
    if (!reading && fetches && at_rest) {
        return does_not_fit(*backend_, reading.error());
    }
    stop.missed = reading ? "something is not where it was a moment before"
                          : std::move(reading.error().message);
    return stop;
}

bool ContextReader::only_stopped_since(const StoppedProcess& stopped,
                                       const RestWatch::Rest& rest) const {
    const auto registers = read_registers(stopped.pid());
    return registers && stopped.threads() == 1 && !stopped.in_group_stop() &&
           rest_watch_->only_stopped_since(rest, *registers);
}

Result<ProcessStatus> ContextReader::status_with_memory() const {
    return with_memory(backend_->pid(), status_file_.read());
}

Result<ContextTree> ContextReader::walk(const MemoryCopy& copy,
                                        const ProcessStatus& status,
                                        WalkPurpose purpose,
                                        ContextPlaces* places) {
    const auto root = copy.read<RemoteAddress>(backend_->address_of("TopMemoryContext"));
    if (!root) {
        return tl::unexpected(root.error());
    }
    return walk_contexts(
        copy,
        layout_,
        *root,
        names_,
        // Contexts lie in private memory: not in shared_buffers, say.
        {.bytes = static_cast<std::uint64_t>(status.data_bytes),
         .deadline =
             Clock::now() + (purpose == WalkPurpose::kSurvey ? kLongestSurvey : kLongestWalk)},
        purpose,
        places);
}

Result<> ContextReader::prove_chunks_once(const MemoryCopy& copy) {
    if (chunks_proved_) {
        return {};
    }
    return copy.read<RemoteAddress>(backend_->address_of("TopMemoryContext"))
        .and_then([&](RemoteAddress root) { return prove_chunks(copy, layout_, root); })
        .map([&] { chunks_proved_ = true; });
}

Result<Reading> ContextReader::decode(const MemoryCopy& copy, ContextPlaces* places) {
    const auto status = status_with_memory();
    if (!status) {
        return tl::unexpected(status.error());
    }
    auto tree = walk(copy, *status, WalkPurpose::kTree, places);
    if (!tree) {
        return tl::unexpected(std::move(tree.error()));
    }
    if (auto proved = prove_chunks_once(copy); !proved) {
        return tl::unexpected(std::move(proved.error()));
    }
    auto process = read_process_info(*backend_, *status, copy, literals_, forms_);
    if (!process) {
        return tl::unexpected(std::move(process.error()));
    }
    return Reading{.tree = std::move(*tree), .process = std::move(*process)};
}

// What `look` used is what will be needed next, with what was used before: a statement's contexts
// come and go in the same places. Sorted anew only where something was missing, or much is stale.
void ContextReader::plan_from(const MemoryCopy& look, bool complete) {
    constexpr double kStale = 0.75;
    const std::size_t uses = look.used().size();
    const bool shrank =
        complete && static_cast<double>(uses) < kStale * static_cast<double>(planned_uses_);
    if (look.misses() == 0 && !shrank) {
        return;
    }
    planned_uses_ = uses;
    std::vector<RemoteRange> used = joined(look.used(), kJoinGap);
    std::vector<RemoteRange> ranges = look.readable();
    ranges.insert(ranges.end(), used.begin(), used.end());
    ranges = joined(std::move(ranges), kJoinGap);
    const bool stale = complete && bytes_of(ranges) > 2 * bytes_of(used) + kStaleBytes;
    copy_.plan(stale ? std::move(used) : std::move(ranges));
}

}  // namespace palloscope
