#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attach/error.hpp"
#include "attach/memory_source.hpp"
#include "attach/remote_address.hpp"
#include "inspector/backend/backend_status.hpp"
#include "inspector/model/time_text.hpp"
#include "inspector/statements/activity_tracker.hpp"

namespace palloscope {

// One backend whose statements are seen by looking at its status again and again. That lies in
// shared memory, and can be read with those of others, at any backend of its server
// (WatchedServer).
class WatchedBackend {
  public:
    // kUnsupported where its status cannot be found, kTimeout where it has none yet; kGone and
    // kPermission as for reading memory.
    [[nodiscard]] static Result<WatchedBackend> open(int pid);

    [[nodiscard]] int pid() const { return pid_; }

    [[nodiscard]] RemoteAddress status_address() const { return entry_; }

    // Whether that is its status: another server's memory has something else there, and where it
    // has gone, another backend may have come to its place.
    [[nodiscard]] bool owns(const BackendStatusBytes& bytes) const {
        const auto status = parse_backend_status(bytes, server_version_num_);
        return status && status->identity == identity_;
    }

    // A look copies first the status, then what this adds: where it ran another statement at the
    // last look, what is guessed to be the text of the next one, and the count of changes once
    // more. Where to, stays until the next look.
    void add_guesses(std::vector<RemotePiece>& pieces);

    // Where these could not be copied: a text may be the last thing that is mapped.
    void forget_guesses() { has_guessed_ = false; }

    enum class Seen {
        kNothingNew,
        kReport,  // it told of something since the last look, or has gone
        kChange,  // in the middle: it is to be looked at again at once
    };

    // What a look at `now_ns` saw, in `memory`.
    [[nodiscard]] Seen see(const BackendStatusBytes& bytes,
                           std::int64_t now_ns,
                           const MemorySource& memory);

    // The backend has gone, and with it its last statement.
    void end(std::int64_t now_ns);

    [[nodiscard]] bool gone() const { return gone_; }

    // The statements that have ended since the last call.
    [[nodiscard]] std::vector<SeenStatement> take_ended() { return std::exchange(ended_, {}); }

    [[nodiscard]] std::optional<double> seen_share() const { return tracker_.seen_share(); }

    // track_activities is off: it tells nothing.
    [[nodiscard]] bool disabled() const { return disabled_; }

  private:
    WatchedBackend(int pid, int server_version_num, RemoteAddress entry, BackendIdentity identity)
        : pid_(pid), server_version_num_(server_version_num), entry_(entry), identity_(identity) {}

    [[nodiscard]] std::optional<std::string> query_of(const BackendStatus& status,
                                                      const MemorySource& memory);

    // By default track_activity_query_size is 1,024, the terminating zero byte included.
    static constexpr std::size_t kGuessedBytes = 1024;

    int pid_;
    int server_version_num_;
    RemoteAddress entry_;
    BackendIdentity identity_;
    // Where the text of the last statement lay: in the same place each time.
    RemoteAddress query_{};
    bool guesses_ = false;
    std::array<char, kGuessedBytes> guessed_text_{};
    // The count of changes after the text was read.
    std::uint32_t guessed_changes_ = 0;
    bool has_guessed_ = false;  // in the look that is seen next
    ActivityTracker tracker_;
    std::int64_t looked_at_ns_ = unix_time_ns();
    std::optional<std::uint32_t> changes_;
    std::vector<SeenStatement> ended_;
    bool gone_ = false;
    bool disabled_ = false;
};

}  // namespace palloscope
