#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "inspector/model/context_tree.hpp"

namespace palloscope {

// How a snapshot was taken (contract.md, "How a snapshot is taken").
enum class Method { kRead, kFreeze, kFork, kCall };

[[nodiscard]] std::string_view to_string(Method method);
[[nodiscard]] std::optional<Method> method_from(std::string_view text);

// What a backend is and what the kernel says of its memory. Texts are bytes in the server's
// encoding; `query` is the running statement's form (literals as $n), none while idle.
struct ProcessInfo {
    int pid = 0;
    std::string backend_type;
    std::optional<std::string> database;
    std::optional<std::string> user;
    std::optional<std::string> application_name;
    // As pg_stat_activity.state: "active", "idle", "idle in transaction", …
    std::optional<std::string> state;
    std::optional<std::string> query;
    // proc(5), /proc/PID/status: RssAnon, RssFile, RssShmem.
    std::int64_t rss_anon_bytes = 0;
    std::int64_t rss_file_bytes = 0;
    std::int64_t rss_shmem_bytes = 0;

    bool operator==(const ProcessInfo&) const = default;
};

// One context tree of one backend at one moment.
struct Snapshot {
    // Unix time in nanoseconds, read while the backend could not run.
    std::int64_t taken_at_ns = 0;
    Method method = Method::kCall;
    // Why it was not by the method asked for or, where none was, by kRead; empty where it was.
    std::string detour;
    // The time in which the backend could not run because of us.
    double pause_us = 0;
    // As server_version_num: 150018 for 15.18, 90426 for 9.4.26.
    int server_version_num = 0;
    ProcessInfo process;
    ContextTree tree;

    bool operator==(const Snapshot&) const = default;
};

}  // namespace palloscope
