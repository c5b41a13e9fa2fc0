#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "attach/error.hpp"
#include "workload/session.hpp"

namespace palloscope::workload {

// What a pool does to its sessions between requests, as a remedy against what they keep.
struct Upkeep {
    std::uint64_t every = 1;               // requests of a session
    std::optional<std::string> statement;  // is issued in it, where no transaction is open
    bool reconnect = false;                // gives it up for a new connection, there too
};

// The lasting connections of one worker of an application, as Sequel and most other libraries keep
// them: opened when first needed, and the one given back last is taken first, so that the first
// ones do nearly all the work and the others idle.
//
// Thread-safe. A lost connection is dropped when it comes back and replaced by a new one when next
// needed. Outlives its leases.
class SessionPool {
    // One place of the pool: empty until its session is first needed, and after it was given up.
    struct Slot {
        SessionSettings settings;
        std::optional<Session> session;
        bool had_session = false;
        std::uint64_t requests = 0;  // of this session, since its last upkeep
    };

  public:
    // A session taken from the pool; goes back at the end of its life.
    class Lease {
      public:
        Lease(Lease&& other) noexcept;
        Lease& operator=(Lease&&) = delete;
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        ~Lease();

        Session& operator*() const { return *slot_->session; }

        Session* operator->() const { return &**this; }

      private:
        friend class SessionPool;

        Lease(SessionPool& pool, Slot* slot) : pool_(pool), slot_(slot) {}

        SessionPool& pool_;
        Slot* slot_;
    };

    // Keeps up to `size` sessions that connect as `settings` say; with more than one, "/1", "/2"
    // and so on behind their names.
    SessionPool(const SessionSettings& settings,
                std::size_t size,
                Upkeep upkeep,
                Bookkeeping bookkeeping);
    SessionPool(const SessionPool&) = delete;
    SessionPool& operator=(const SessionPool&) = delete;
    SessionPool(SessionPool&&) = delete;
    SessionPool& operator=(SessionPool&&) = delete;
    ~SessionPool();

    // Takes a session, waiting for one where all are out. Where it has to be opened and the server
    // refuses, tries again and again with growing pauses, and says so once on standard error.
    // kInterrupted once `stop` was requested; no other error.
    [[nodiscard]] Result<Lease> take(const std::stop_token& stop);

  private:
    Slot* reserve(const std::stop_token& stop);
    [[nodiscard]] Result<> open(Slot& slot, const std::stop_token& stop);
    void give_back(Slot& slot);
    void keep_up(Slot& slot) const;

    Upkeep upkeep_;
    Bookkeeping bookkeeping_;
    std::mutex mutex_;
    std::condition_variable_any given_back_;
    std::vector<std::unique_ptr<Slot>> slots_;
    // The free ones; the back is taken first.
    std::vector<Slot*> free_;
};

}  // namespace palloscope::workload
