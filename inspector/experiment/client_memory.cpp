#include "inspector/experiment/client_memory.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "attach/proc.hpp"
#include "inspector/backend/server_processes.hpp"

namespace palloscope {

namespace {

constexpr std::chrono::milliseconds kPatience{200};

}  // namespace

// What is no client backend is looked at again next time: it may be about to become one.
void ClientMemory::meet(pid_t pid) {
    const std::array pids{pid};
    const ServerProcesses processes =
        find_server_processes({.backend_type = "client backend"}, pids);
    if (processes.found.empty() && processes.unreadable.empty()) {
        return;
    }
    auto snapshotter = Snapshotter::open(pid, Literals::kMasked);
    if (snapshotter) {
        clients_.emplace(pid, Client{.snapshotter = std::move(*snapshotter)});
    } else {
        note(snapshotter.error());
    }
}

void ClientMemory::note(const Error& error) {
    const bool lasts =
        error.kind == Error::Kind::kPermission || error.kind == Error::Kind::kUnsupported;
    if (lasts && !refusal_) {
        refusal_ = error;
    }
}

MemorySample ClientMemory::take(const std::vector<pid_t>& our_own) {
    std::vector<pid_t> pids = list_children(postmaster_).value_or(std::vector<pid_t>{});
    std::erase_if(pids,
                  [&](pid_t pid) { return std::ranges::find(our_own, pid) != our_own.end(); });
    std::erase_if(clients_, [&](const auto& client) {
        return std::ranges::find(pids, client.first) == pids.end();
    });
    for (const pid_t pid : pids) {
        if (!clients_.contains(pid)) {
            meet(pid);
        }
    }
    MemorySample sample;
    for (auto& [pid, client] : clients_) {
        const auto snapshot = client.snapshotter.take(std::nullopt, kPatience);
        if (!snapshot) {
            note(snapshot.error());
        } else {
            client.was_read = true;
            client.used_bytes = snapshot->tree.grand_total().used_bytes;
            client.rss_anon_bytes = snapshot->process.rss_anon_bytes;
        }
        sample.used_bytes += client.used_bytes;
        sample.rss_anon_bytes += client.rss_anon_bytes;
        sample.backends += client.was_read ? 1 : 0;
    }
    return sample;
}

}  // namespace palloscope
