#include "inspector/backend/watched_backend.hpp"

#include <cstddef>
#include <utility>

#include <fmt/core.h>

#include "attach/proc.hpp"
#include "inspector/backend/backend.hpp"

namespace palloscope {

namespace {

// track_activity_query_size is 1 MB at most (guc_tables.c); forms of longer texts are not made.
constexpr std::size_t kMaxQueryBytes = std::size_t{1} << 20U;

}  // namespace

Result<WatchedBackend> WatchedBackend::open(int pid) {
    const auto backend = Backend::open(pid);
    if (!backend) {
        return tl::unexpected(backend.error());
    }
    const auto entry = find_backend_status(*backend);
    if (!entry) {
        return tl::unexpected(entry.error());
    }
    const auto bytes = backend->memory().read<BackendStatusBytes>(*entry);
    const auto server_pid = read_innermost_pid(pid);
    if (!bytes || !server_pid) {
        return tl::unexpected(bytes ? server_pid.error() : bytes.error());
    }
    const auto status = parse_backend_status(*bytes, backend->server_version_num());
    if (!status) {
        return tl::unexpected(status.error());
    }
    if (status->identity.pid != *server_pid) {
        return failure(Error::Kind::kTimeout,
                       fmt::format("process {} has not begun to tell what it does", pid),
                       "its client has yet to log in");
    }
    return WatchedBackend(pid, backend->server_version_num(), *entry, status->identity);
}

void WatchedBackend::add_guesses(std::vector<RemotePiece>& pieces) {
    has_guessed_ = guesses_ && !query_.is_null();
    if (has_guessed_) {
        pieces.push_back(
            {.address = query_, .into = std::as_writable_bytes(std::span(guessed_text_))});
        pieces.push_back(
            {.address = entry_, .into = std::as_writable_bytes(std::span(&guessed_changes_, 1))});
    }
}

WatchedBackend::Seen WatchedBackend::see(const BackendStatusBytes& bytes,
                                         std::int64_t now_ns,
                                         const MemorySource& memory) {
    const auto status = parse_backend_status(bytes, server_version_num_);
    if (!status || status->identity != identity_) {
        end(now_ns);
        return Seen::kReport;
    }
    if (status->changes == changes_) {
        guesses_ = false;
        looked_at_ns_ = now_ns;
        tracker_.see_no_change(now_ns, ended_);
        return Seen::kNothingNew;
    }
    if (status->changing()) {
        return Seen::kChange;
    }
    std::string query;
    guesses_ = tracker_.is_new(status->statement_started_at_ns);
    if (guesses_) {
        auto text = query_of(*status, memory);
        if (!text) {
            return Seen::kChange;
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
                  .transaction_began_at_ns = status->in_transaction_block()
                                                 ? std::optional(status->transaction_started_at_ns)
                                                 : std::nullopt,
                  .query = std::move(query)},
                 ended_);
    disabled_ = disabled_ || status->state == "disabled";
    return Seen::kReport;
}

void WatchedBackend::end(std::int64_t now_ns) {
    gone_ = true;
    tracker_.end(now_ns, ended_);
}

// The text of the statement that `status`, just read, tells of; none where it has changed.
std::optional<std::string> WatchedBackend::query_of(const BackendStatus& status,
                                                    const MemorySource& memory) {
    const std::string_view guessed(guessed_text_.data(), guessed_text_.size());
    const std::size_t end = guessed.find('\0');
    const bool guessed_right = std::exchange(has_guessed_, false) &&
                               guessed_changes_ == status.changes && query_ == status.query &&
                               end != std::string_view::npos;
    query_ = status.query;
    if (guessed_right) {
        return std::string(guessed.substr(0, end));
    }
    auto text = memory.read_string(status.query, kMaxQueryBytes);
    const auto after = memory.read<std::uint32_t>(entry_);
    return text && after && *after == status.changes ? std::optional(std::move(*text))
                                                     : std::nullopt;
}

}  // namespace palloscope
