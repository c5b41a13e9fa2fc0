#include "workload/session_pool.hpp"

#include <chrono>
#include <utility>

#include <fmt/core.h>

#include "workload/pacer.hpp"
#include "workload/warning.hpp"

namespace palloscope::workload {

namespace {

tl::unexpected<Error> interrupted() {
    return failure(Error::Kind::kInterrupted, "the workload was asked to stop");
}

}  // namespace

SessionPool::Lease::Lease(Lease&& other) noexcept
    : pool_(other.pool_), slot_(std::exchange(other.slot_, nullptr)) {}

SessionPool::Lease::~Lease() {
    if (slot_ != nullptr) {
        pool_.give_back(*slot_);
    }
}

SessionPool::SessionPool(const SessionSettings& settings,
                         std::size_t size,
                         Upkeep upkeep,
                         Bookkeeping bookkeeping)
    : upkeep_(std::move(upkeep)), bookkeeping_(bookkeeping) {
    for (std::size_t number = 1; number <= size; ++number) {
        auto slot = std::make_unique<Slot>();
        slot->settings = settings;
        if (size > 1) {
            slot->settings.name = fmt::format("{}/{}", settings.name, number);
        }
        slots_.push_back(std::move(slot));
    }
    // The first one lies on top.
    for (auto slot = slots_.rbegin(); slot != slots_.rend(); ++slot) {
        free_.push_back(slot->get());
    }
}

SessionPool::~SessionPool() = default;

Result<SessionPool::Lease> SessionPool::take(const std::stop_token& stop) {
    Slot* slot = reserve(stop);
    if (slot == nullptr) {
        return interrupted();
    }
    Lease lease(*this, slot);
    if (!slot->session) {
        if (auto opened = open(*slot, stop); !opened) {
            return tl::unexpected(opened.error());
        }
    }
    return lease;
}

SessionPool::Slot* SessionPool::reserve(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const bool available = given_back_.wait(lock, stop, [this] { return !free_.empty(); });
    if (!available || stop.stop_requested()) {
        return nullptr;
    }
    Slot* slot = free_.back();
    free_.pop_back();
    return slot;
}

Result<> SessionPool::open(Slot& slot, const std::stop_token& stop) {
    Backoff backoff;
    bool said = false;
    while (!stop.stop_requested()) {
        if (auto session = Session::open(slot.settings, bookkeeping_)) {
            slot.session.emplace(std::move(*session));
            slot.requests = 0;
            if (std::exchange(slot.had_session, true)) {
                ++bookkeeping_.counters.reconnects;
            }
            return {};
        } else if (!std::exchange(said, true)) {
            warn(fmt::format("{}: {}; trying again", slot.settings.name, session.error().message));
        }
        if (!sleep_until(std::chrono::steady_clock::now() + backoff.next(), stop)) {
            break;
        }
    }
    return interrupted();
}

void SessionPool::give_back(Slot& slot) {
    keep_up(slot);
    if (slot.session && slot.session->lost()) {
        slot.session.reset();
    }
    {
        const std::lock_guard lock(mutex_);
        free_.push_back(&slot);
    }
    given_back_.notify_one();
}

void SessionPool::keep_up(Slot& slot) const {
    const bool wanted = upkeep_.reconnect || upkeep_.statement;
    if (!wanted || !slot.session || slot.session->lost() || ++slot.requests < upkeep_.every ||
        slot.session->in_transaction()) {
        return;
    }
    slot.requests = 0;
    ++bookkeeping_.counters.upkeeps;
    if (upkeep_.statement) {
        // A failure is counted and journalled, and spoils nothing.
        static_cast<void>(slot.session->run("upkeep", *upkeep_.statement));
    }
    if (upkeep_.reconnect) {
        slot.session.reset();
    }
}

}  // namespace palloscope::workload
