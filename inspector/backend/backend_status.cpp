#include "inspector/backend/backend_status.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/core.h>

#include "attach/proc.hpp"
#include "inspector/backend/backend_status_layout.hpp"
#include "inspector/backend/chunk_header.hpp"
#include "inspector/backend/layout_of_version.hpp"
#include "inspector/backend/static_variables.hpp"
#include "inspector/backend/timestamp_tz.hpp"

namespace palloscope {

namespace {

// Empty for a number that is no state.
std::string_view state_text(std::int32_t number, int server_version_num) {
    if (server_version_num >= kFirstVersionWithStarting && number > 0 && --number == 0) {
        return "starting";
    }
    return number >= 0 && static_cast<std::size_t>(number) < kBackendStates.size()
               ? kBackendStates.at(static_cast<std::size_t>(number))
               : std::string_view();
}

bool in_shared_memory(const std::vector<Mapping>& mappings, RemoteAddress address) {
    return std::ranges::any_of(mappings, [&](const Mapping& mapping) {
        return mapping.shared && mapping.start <= address &&
               address + kBackendStatusBytes <= mapping.end;
    });
}

// Whether a struct in shared memory can only be the status of the process `server_pid`, which knows
// itself by that number in its own namespace. The PID alone is in PGPROC and others too.
bool is_status(const Backend& backend,
               const std::vector<Mapping>& mappings,
               RemoteAddress address,
               pid_t server_pid) {
    const auto bytes = backend.memory().read<BackendStatusBytes>(address);
    if (!bytes) {
        return false;
    }
    const auto status = parse_backend_status(*bytes, backend.server_version_num());
    if (!status || status->identity.pid != server_pid) {
        return false;
    }
    // Later than the year 2001, and in the order in which they come.
    constexpr std::int64_t kPlausibleUs = std::int64_t{366} * 86'400 * 1'000'000;
    const std::int64_t begun = status->identity.started_at;
    return begun > kPlausibleUs && unix_ns_of(begun) <= status->state_began_at_ns &&
           !status->state.empty() && in_shared_memory(mappings, status->query);
}

Result<RemoteAddress> search_backend_status(const Backend& backend) {
    const auto mappings = read_maps(backend.pid());
    const auto server_pid = read_innermost_pid(backend.pid());
    if (!mappings || !server_pid) {
        return tl::unexpected(mappings ? server_pid.error() : mappings.error());
    }
    for (const Mapping& mapping : variable_mappings(backend.pid(), *mappings)) {
        std::vector<RemoteAddress> words(mapping.size() / sizeof(RemoteAddress));
        const RemotePiece piece{.address = mapping.start,
                                .into = std::as_writable_bytes(std::span(words))};
        if (!backend.memory().gather(std::span(&piece, 1))) {
            continue;
        }
        for (const RemoteAddress word : words) {
            if (in_shared_memory(*mappings, word) &&
                is_status(backend, *mappings, word, *server_pid)) {
                return word;
            }
        }
    }
    return failure(Error::Kind::kUnsupported,
                   fmt::format("what process {} is doing cannot be read: this build does not tell "
                               "where its PgBackendStatus lies",
                               backend.pid()),
                   "take the statements from the server's log (--statements log:FILE)");
}

}  // namespace

Result<RemoteAddress> find_backend_status(const Backend& backend) {
    const auto entry = backend.read_global<RemoteAddress>("MyBEEntry");
    if (!entry) {
        return tl::unexpected(entry.error());
    }
    if (*entry && !(*entry)->is_null()) {
        return **entry;
    }
    return search_backend_status(backend);
}

Result<BackendStatus> parse_backend_status(const BackendStatusBytes& bytes,
                                           int server_version_num) {
    const auto layout = layout_of_version(kStatusLayouts, server_version_num);
    if (!layout) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("the PgBackendStatus of version {} is not known",
                                   server_version_num / 10000));
    }
    return BackendStatus{
        .changes = value_at<std::uint32_t>(bytes.data(), 0),
        .identity = {.pid = value_at<std::int32_t>(bytes.data(), kPidAt),
                     .started_at = value_at<std::int64_t>(bytes.data(), layout->process_start)},
        .state =
            state_text(value_at<std::int32_t>(bytes.data(), layout->state), server_version_num),
        .transaction_started_at_ns =
            unix_ns_of(value_at<std::int64_t>(bytes.data(), layout->transaction_start)),
        .statement_started_at_ns =
            unix_ns_of(value_at<std::int64_t>(bytes.data(), layout->statement_start)),
        .state_began_at_ns = unix_ns_of(value_at<std::int64_t>(bytes.data(), layout->state_start)),
        .query = pointer_at(bytes.data(), layout->query)};
}

bool BackendStatus::in_transaction_block() const {
    const bool in_transaction = transaction_started_at_ns > unix_ns_of(0);
    return in_transaction && (!running() || transaction_started_at_ns < statement_started_at_ns);
}

Result<BackendStatus> read_backend_status(const MemorySource& memory,
                                          RemoteAddress entry,
                                          int server_version_num) {
    return memory.read<BackendStatusBytes>(entry).and_then([&](const BackendStatusBytes& bytes) {
        return parse_backend_status(bytes, server_version_num);
    });
}

}  // namespace palloscope
