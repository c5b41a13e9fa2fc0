#include "inspector/backend/watched_server.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

#include "attach/memory_copy.hpp"
#include "inspector/model/time_text.hpp"

namespace palloscope {

namespace {

// A status is being changed for less than a microsecond.
constexpr int kMostLooks = 3;
// Statuses lie side by side, some 400 bytes each: one copy of them all costs less than the kernel
// takes to find the pages of each anew.
constexpr std::uint64_t kJoinGap = 4096;

}  // namespace

bool WatchedServer::adopt(WatchedBackend& backend) {
    if (source() == nullptr) {
        return false;
    }
    const auto there = memory_->read<BackendStatusBytes>(backend.status_address());
    if (!there || !backend.owns(*there)) {
        return false;
    }
    const auto place = std::ranges::lower_bound(
        backends_, backend.status_address(), {}, &WatchedBackend::status_address);
    backends_.insert(place, std::move(backend));
    return true;
}

bool WatchedServer::look() {
    using Seen = WatchedBackend::Seen;
    bool reported = false;
    Due due;
    for (WatchedBackend& backend : backends_) {
        due.push_back(&backend);
    }
    for (int looks = 0; looks < kMostLooks; ++looks) {
        std::erase_if(due, [](const WatchedBackend* backend) { return backend->gone(); });
        const std::int64_t begin_ns = unix_time_ns();
        if (due.empty() || !copy(due)) {
            break;
        }
        // The middle of the call: a statement may be the last one for ten microseconds only.
        const std::int64_t now_ns = begin_ns + (unix_time_ns() - begin_ns) / 2;
        Due again;
        for (std::size_t i = 0; i < due.size(); ++i) {
            const Seen seen = due[i]->see(status_of(i), now_ns, *memory_);
            reported = reported || seen != Seen::kNothingNew;
            if (seen == Seen::kChange) {
                again.push_back(due[i]);
            }
        }
        due = std::move(again);
    }
    return reported;
}

WatchedBackend* WatchedServer::source() {
    const auto last = std::ranges::find(backends_, memory_of_, &WatchedBackend::pid);
    if (memory_ && last != backends_.end() && !last->gone()) {
        return &*last;
    }
    memory_.reset();
    for (WatchedBackend& backend : backends_) {
        if (backend.gone()) {
            continue;
        }
        if (auto memory = ProcessMemory::open(backend.pid())) {
            memory_ = std::move(*memory);
            memory_of_ = backend.pid();
            return &backend;
        }
    }
    return nullptr;
}

bool WatchedServer::copy(const Due& due) {
    while (WatchedBackend* const from = source()) {
        plan(due);
        auto copied = memory_->gather(pieces_);
        if (!copied) {
            for (WatchedBackend* const backend : due) {
                backend->forget_guesses();
            }
            copied = memory_->gather(std::span(pieces_).first(runs_));
        }
        // Were it gone and its PID another process's, nobody's status would be where it was.
        const auto own = std::ranges::find(due, from) - due.begin();
        if (copied &&
            (own == std::ssize(due) || from->owns(status_of(static_cast<std::size_t>(own))))) {
            return true;
        }
        from->end(unix_time_ns());
    }
    return false;
}

void WatchedServer::plan(const Due& due) {
    std::vector<RemoteRange> statuses;
    statuses.reserve(due.size());
    for (const WatchedBackend* const backend : due) {
        statuses.push_back({.begin = backend->status_address(), .size = kBackendStatusBytes});
    }
    const std::vector<RemoteRange> runs = joined(statuses, kJoinGap);
    std::size_t size = 0;
    for (const RemoteRange& run : runs) {
        size += run.size;
    }
    bytes_.resize(size);
    pieces_.clear();
    places_.clear();
    std::size_t begin = 0;
    auto status = statuses.begin();
    for (const RemoteRange& run : runs) {
        pieces_.push_back(
            {.address = run.begin, .into = std::span(bytes_).subspan(begin, run.size)});
        for (; status != statuses.end() && status->begin < run.end(); ++status) {
            places_.push_back(begin + (status->begin - run.begin));
        }
        begin += run.size;
    }
    runs_ = pieces_.size();
    for (WatchedBackend* const backend : due) {
        backend->add_guesses(pieces_);
    }
}

BackendStatusBytes WatchedServer::status_of(std::size_t due) const {
    BackendStatusBytes status{};
    std::memcpy(status.data(), bytes_.data() + places_[due], status.size());
    return status;
}

}  // namespace palloscope
