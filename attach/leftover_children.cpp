#include "attach/leftover_children.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <fmt/core.h>

#include "attach/chain_run.hpp"
#include "attach/wait_for.hpp"

namespace palloscope {

namespace {

// More zombies than we can have left; bounds the chain.
constexpr std::size_t kMaxLeftovers = 32;
// Bounds what is looked at.
constexpr std::size_t kMaxChildren = 256;

// The child's PID as its parent knows it: in the parent's own PID namespace, where that is deeper
// than ours.
pid_t pid_for_parent(pid_t child, const ProcessStatus& parent) {
    const auto status = read_status(child);
    const std::size_t depth = parent.namespace_pids.size();
    // Empty before kernel 4.1.
    return status && depth > 0 && status->namespace_pids.size() >= depth
               ? status->namespace_pids[depth - 1]
               : child;
}

std::vector<pid_t> list_leftovers(pid_t parent) {
    std::vector<pid_t> children = list_children(parent).value_or(std::vector<pid_t>{});
    children.resize(std::min(children.size(), kMaxChildren));
    std::erase_if(children, [&](pid_t child) { return !is_leftover(child, parent); });
    children.resize(std::min(children.size(), kMaxLeftovers));
    return children;
}

}  // namespace

Result<ParentState> read_parent_state(pid_t pid) {
    auto status = read_status(pid);
    const auto limits = read_limits(pid);
    if (!status || !limits) {
        return tl::unexpected(!status ? status.error() : limits.error());
    }
    return ParentState{
        .status = std::move(*status), .limits = *limits, .leftovers = list_leftovers(pid)};
}

void add_reaping(CallChainBuilder& builder, pid_t pid, const ParentState& parent) {
    constexpr std::uint64_t kOptions = WNOHANG | static_cast<unsigned>(__WALL);
    for (const pid_t child : parent.leftovers) {
        // Reaped meanwhile, it may have left its PID to a child of the process's own.
        if (is_leftover(child, pid)) {
            const pid_t called = pid_for_parent(child, parent.status);
            builder.add_syscall(SYS_wait4, {static_cast<std::uint64_t>(called), 0, kOptions, 0});
        }
    }
}

bool is_leftover(pid_t child, pid_t parent) {
    const auto status = read_child_status(child);
    return status && status->state == 'Z' && status->parent_pid == parent &&
           status->exit_signal == 0;
}

Result<> reap(StoppedProcess stopped,
              pid_t child,
              ParentState parent,
              const ProcessMemory& memory,
              const CallGadgets& gadgets) {
    const pid_t pid = stopped.pid();
    if (auto running = require_running(stopped); !running) {
        return running;
    }
    const auto state =
        read_chain_state(pid, memory, gadgets, parent.limits.stack_bytes, kRoomForSyscalls);
    if (!state) {
        return tl::unexpected(state.error());
    }
    if (std::ranges::find(parent.leftovers, child) == parent.leftovers.end()) {
        parent.leftovers.push_back(child);
    }
    CallChainBuilder builder(*state, gadgets);
    add_reaping(builder, pid, parent);
    auto started = builder.build().and_then(
        [&](const CallChain& chain) { return start_chain(pid, memory, chain); });
    if (!started) {
        return started;
    }
    stopped.release_all();
    if (!wait_for([&] { return !is_leftover(child, pid); }, kRestoreTimeout)) {
        return failure(
            Error::Kind::kTimeout,
            fmt::format("process {} has not reaped its copy-on-write child {} yet", pid, child));
    }
    (void)await_restored(pid, state->signal_mask);
    return {};
}

}  // namespace palloscope
