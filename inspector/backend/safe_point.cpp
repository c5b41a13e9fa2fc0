#include "inspector/backend/safe_point.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "attach/cpu_state.hpp"
#include "attach/proc.hpp"

namespace palloscope {

namespace {

constexpr std::array<long, 4> kClientWaits{SYS_epoll_wait, SYS_epoll_pwait, SYS_poll, SYS_recvfrom};

// The globals that decide, with the sizes of their C types; 9.4 to 19 export all of them.
constexpr std::array<std::pair<std::string_view, std::size_t>, 4> kMustBeZero{{
    {"debug_query_string", sizeof(char*)},
    {"InterruptHoldoffCount", sizeof(std::uint32_t)},
    {"CritSectionCount", sizeof(std::uint32_t)},
    {"proc_exit_inprogress", sizeof(bool)},
}};

bool is_client_wait(long number) {
    return std::ranges::find(kClientWaits, number) != kClientWaits.end();
}

Result<bool> waits_for_client(pid_t pid) {
    const auto number = read_syscall(pid);
    if (number || number.error().kind != Error::Kind::kPermission) {
        return number.map(
            [](std::optional<long> known) { return known && is_client_wait(*known); });
    }
    // That file is its user's alone. Held by us, its registers tell the same; else, as a hint,
    // whether it sleeps at all.
    if (const auto registers = read_registers(pid)) {
        return is_client_wait(std::bit_cast<long>(registers->orig_rax));
    }
    return read_status(pid).map([](const ProcessStatus& status) { return status.state == 'S'; });
}

}  // namespace

Result<bool> at_safe_point(const Backend& backend) {
    if (auto alive = backend.process().require_alive(); !alive) {
        return tl::unexpected(std::move(alive.error()));
    }
    std::array<std::array<std::byte, sizeof(std::uint64_t)>, kMustBeZero.size()> values{};
    RemoteAddress port;
    std::vector<RemotePiece> pieces{
        {backend.address_of("MyProcPort"), std::as_writable_bytes(std::span(&port, 1))}};
    for (std::size_t i = 0; i < kMustBeZero.size(); ++i) {
        const auto& [symbol, size] = kMustBeZero.at(i);
        const RemoteAddress address = backend.address_of(symbol);
        if (address.is_null()) {
            return failure(
                Error::Kind::kUnsupported,
                fmt::format("the server of process {} does not export {}", backend.pid(), symbol));
        }
        pieces.push_back({address, std::span(values.at(i)).first(size)});
    }
    if (auto read = backend.memory().gather(pieces); !read) {
        return tl::unexpected(std::move(read.error()));
    }
    if (port.is_null()) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("process {} is no client backend, and never waits for a client",
                                   backend.pid()),
                       "--method call works on client backends only");
    }
    const bool all_zero = std::ranges::all_of(values, [](const auto& value) {
        return std::ranges::all_of(value, [](std::byte byte) { return byte == std::byte{}; });
    });
    return all_zero ? waits_for_client(backend.pid()) : Result<bool>(false);
}

}  // namespace palloscope
