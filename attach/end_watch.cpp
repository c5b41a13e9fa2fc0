#include "attach/end_watch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <vector>

#include <fmt/core.h>

#include "attach/memory_headroom.hpp"
#include "attach/proc_text.hpp"

namespace palloscope {

namespace {

constexpr std::chrono::seconds kClaimedWithin{10};

// Read anew at each call; stays valid for as long as the group is there, also when the process that
// led us to it has ended.
std::optional<std::int64_t> read_kills(const FileDescriptor& file) {
    std::array<char, 4096> text{};
    const ssize_t got = pread(file.get(), text.data(), text.size(), 0);
    return got > 0 ? parse_memory_kills({text.data(), static_cast<std::size_t>(got)})
                   : std::nullopt;
}

// Of a process that has ended.
bool may_be_killed(const Process& process) {
    const std::optional<int> status = process.end_status();
    return !status || (WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL);
}

}  // namespace

std::optional<std::int64_t> parse_memory_kills(std::string_view text) {
    std::optional<std::int64_t> kills;
    for_each_line(text, [&](std::string_view line) {
        if (next_word(line) == "oom_kill") {
            kills = parse_number<std::int64_t>(next_word(line));
        }
    });
    return kills;
}

std::optional<EndWatch::CounterKey> EndWatch::open_counter(pid_t pid) {
    for (const MemoryGroup& group : find_memory_groups(pid).value_or(std::vector<MemoryGroup>{})) {
        const std::string path = fmt::format(
            "{}{}/{}",
            group.mount_point,
            group.path_in_mount,
            group.version == CgroupVersion::kV1 ? "memory.oom_control" : "memory.events");
        FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));

        struct stat status {};

        if (!file.valid() || fstat(file.get(), &status) != 0) {
            continue;
        }
        const CounterKey key{status.st_dev, status.st_ino};
        const auto kills = read_kills(file);
        if (kills) {
            counters_.try_emplace(key, Counter{.file = std::move(file), .seen = *kills});
            return key;
        }
    }
    return std::nullopt;
}

void EndWatch::watch(pid_t pid, std::int64_t resident_bytes) {
    const auto found = watched_.find(pid);
    if (found != watched_.end()) {
        found->second.resident_bytes = resident_bytes;
        return;
    }
    if (auto process = Process::open(pid)) {
        watched_.emplace(pid, Watched{std::move(*process), resident_bytes, open_counter(pid)});
    }
}

void EndWatch::look() {
    std::vector<std::pair<pid_t, Watched>> ended;
    for (auto next = watched_.begin(); next != watched_.end();) {
        const auto current = next++;
        if (!current->second.process.alive()) {
            ended.emplace_back(current->first, std::move(current->second));
            watched_.erase(current);
        }
    }
    std::ranges::sort(ended, std::ranges::greater(), [](const auto& entry) {
        return entry.second.resident_bytes;
    });
    for (const auto& [pid, watched] : ended) {
        if (!watched.counter || !may_be_killed(watched.process)) {
            continue;
        }
        Counter& counter = counters_.at(*watched.counter);
        const std::int64_t kills = read_kills(counter.file).value_or(counter.seen);
        if (kills > counter.seen) {
            ++counter.seen;
            counter.risen_at.reset();
            killed_.insert(pid);
        }
    }
}

void EndWatch::wait(std::chrono::milliseconds timeout) {
    std::vector<pollfd> entries;
    for (const auto& [pid, watched] : watched_) {
        entries.push_back({.fd = watched.process.descriptor(), .events = POLLIN, .revents = 0});
    }
    if (poll(entries.data(), entries.size(), static_cast<int>(timeout.count())) > 0) {
        look();
    }
    settle();
}

void EndWatch::settle() {
    // Groups, containers above all, come and go.
    std::erase_if(counters_, [&](const auto& counter) {
        return std::ranges::none_of(
            watched_, [&](const auto& watched) { return watched.second.counter == counter.first; });
    });
    const auto now = std::chrono::steady_clock::now();
    for (auto& [key, counter] : counters_) {
        const std::int64_t kills = read_kills(counter.file).value_or(counter.seen);
        if (kills <= counter.seen) {
            counter.risen_at.reset();
        } else if (!counter.risen_at) {
            counter.risen_at = now;
        } else if (now - *counter.risen_at > kClaimedWithin) {
            counter.seen = kills;
            counter.risen_at.reset();
        }
    }
}

bool EndWatch::killed_for_memory(pid_t pid) {
    look();
    watched_.erase(pid);
    return killed_.erase(pid) > 0;
}

}  // namespace palloscope
