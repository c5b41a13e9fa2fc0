#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "attach/error.hpp"
#include "attach/remote_address.hpp"
#include "inspector/backend/backend.hpp"

namespace palloscope {

// Whose status it is: its PID, as its server knows it, and when it began. Nobody's once it has
// ended, and another one's after that.
struct BackendIdentity {
    std::int32_t pid = 0;
    std::int64_t started_at = 0;  // TimestampTz

    bool operator==(const BackendIdentity&) const = default;
};

// What a backend tells the others of itself in shared memory, for pg_stat_activity: its
// PgBackendStatus (src/include/utils/backend_status.h; pgstat.h up to 13).
struct BackendStatus {
    // st_changecount: goes up by one before each change and by one after it.
    std::uint32_t changes = 0;
    BackendIdentity identity;
    // As pg_stat_activity.state; empty where it is not told.
    std::string_view state;
    // Unix time: when the current transaction began, the current or last statement, and the state.
    // Not after 2000 where there is none.
    std::int64_t transaction_started_at_ns = 0;
    std::int64_t statement_started_at_ns = 0;
    std::int64_t state_began_at_ns = 0;
    // Where the text of the current or last statement lies.
    RemoteAddress query;

    // Whether it is being changed, so that its parts may not fit each other.
    [[nodiscard]] bool changing() const { return changes % 2 != 0; }

    // Whether it is in a transaction that is more than the statement that runs.
    [[nodiscard]] bool in_transaction_block() const;

    // Whether a statement runs.
    [[nodiscard]] bool running() const {
        return state == "active" || state == "fastpath function call";
    }
};

// Where the status of a backend lies: by the server's own pointer to it, MyBEEntry, where the build
// tells where that is (it is static up to 13); else by the one pointer among the server's variables
// that leads to what can only be the status of that PID. kUnsupported where none does; kGone and
// kPermission as for reading memory.
[[nodiscard]] Result<RemoteAddress> find_backend_status(const Backend& backend);

// The status as it lies in memory, as far as parse_backend_status() needs it.
inline constexpr std::size_t kBackendStatusBytes = 256;
using BackendStatusBytes = std::array<std::byte, kBackendStatusBytes>;

// kUnsupported for a version that is not known.
[[nodiscard]] Result<BackendStatus> parse_backend_status(const BackendStatusBytes& bytes,
                                                         int server_version_num);

// `entry` is what MyBEEntry holds, `memory` the backend's or a copy of it.
[[nodiscard]] Result<BackendStatus> read_backend_status(const MemorySource& memory,
                                                        RemoteAddress entry,
                                                        int server_version_num);

}  // namespace palloscope
