#include "inspector/diagnosis/reconnects.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "inspector/diagnosis/readable.hpp"

namespace palloscope {

namespace {

// Who connects again does so at its next request; a job that is started now and then is no session.
constexpr std::int64_t kSoonNs = 60'000'000'000;

// What tells sessions apart: the name alone, where there is one.
using SessionKey = std::tuple<std::string, std::string, std::string, std::string>;

SessionKey session_of(const BackendHistory& backend) {
    if (!backend.session.empty()) {
        return {backend.session, "", "", ""};
    }
    const ProcessInfo& process = backend.process;
    return {"",
            process.user.value_or(""),
            process.database.value_or(""),
            process.application_name.value_or("")};
}

std::int64_t first_ns(const BackendHistory& backend) {
    return backend.snapshots.front().taken_at_ns;
}

std::int64_t last_ns(const BackendHistory& backend) {
    return backend.snapshots.back().taken_at_ns;
}

bool is_session(const BackendHistory& backend) {
    return !backend.snapshots.empty() &&
           (!backend.session.empty() || backend.process.backend_type == "client backend");
}

std::string note_of(const BackendHistory& before,
                    const BackendDiagnosis& leak,
                    const BackendHistory& after) {
    const std::string gap =
        readable_seconds(static_cast<double>(first_ns(after) - last_ns(before)) / 1e9);
    const std::string gone =
        fmt::format("what that one had grown by, {}, was given back when it ended",
                    readable_bytes(static_cast<double>(leak.growth.bytes)));
    if (!after.session.empty()) {
        return fmt::format(
            "It goes on with the session {} of backend {}, which was last seen {} "
            "before: {}.",
            after.session,
            before.process.pid,
            gap,
            gone);
    }
    return fmt::format(
        "It began {} after backend {}, of the same user, database and "
        "application_name, was last seen, and looks like the same session "
        "connected again: {}.",
        gap,
        before.process.pid,
        gone);
}

}  // namespace

void add_reconnects(const History& history, Diagnosis& diagnosis) {
    std::map<SessionKey, std::vector<std::size_t>> sessions;
    for (std::size_t i = 0; i < history.backends.size(); ++i) {
        if (is_session(history.backends[i])) {
            sessions[session_of(history.backends[i])].push_back(i);
        }
    }
    for (auto& [key, members] : sessions) {
        std::ranges::sort(
            members, {}, [&](std::size_t i) { return first_ns(history.backends[i]); });
        const auto overlap =
            std::ranges::adjacent_find(members, [&](std::size_t before, std::size_t after) {
                return last_ns(history.backends[before]) >= first_ns(history.backends[after]);
            });
        if (overlap != members.end()) {
            continue;  // several connections that are called alike
        }
        for (std::size_t i = 1; i < members.size(); ++i) {
            const BackendHistory& before = history.backends[members[i - 1]];
            const BackendHistory& after = history.backends[members[i]];
            const BackendDiagnosis& leak = diagnosis.backends[members[i - 1]];
            const bool soon = first_ns(after) - last_ns(before) <= kSoonNs;
            if (leak.leaks() && has_ended(before) && (soon || !after.session.empty())) {
                diagnosis.backends[members[i]].notes.push_back(note_of(before, leak, after));
            }
        }
    }
}

}  // namespace palloscope
