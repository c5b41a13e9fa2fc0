#include "inspector/backend/snapshotter.hpp"

#include <algorithm>
#include <utility>

#include "attach/stopped_process.hpp"
#include "inspector/backend/child_reading.hpp"
#include "inspector/backend/stats_call.hpp"
#include "inspector/backend/stats_text.hpp"

namespace palloscope {

namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

Result<Snapshotter> Snapshotter::open(pid_t pid, Literals literals) {
    auto opened = Backend::open(pid);
    if (!opened) {
        return tl::unexpected(std::move(opened.error()));
    }
    auto backend = std::make_unique<Backend>(std::move(*opened));
    auto reader = ContextReader::create(*backend, literals);
    if (!reader) {
        return tl::unexpected(std::move(reader.error()));
    }
    return Snapshotter(std::move(backend), std::move(*reader), literals);
}

Result<Snapshot> Snapshotter::take(std::optional<Method> method,
                                   std::chrono::milliseconds timeout,
                                   std::chrono::milliseconds read_for) {
    const Clock::time_point deadline = Clock::now() + timeout;
    if (method) {
        return take_by(*method, deadline);
    }
    auto snapshot = take_by(Method::kRead, std::min(deadline, Clock::now() + read_for));
    if (!snapshot && (snapshot.error().kind == Error::Kind::kTimeout ||
                      snapshot.error().kind == Error::Kind::kPermission)) {
        return reader_.freeze(deadline, ContextReader::Moment::kBetweenStatements)
            .map([&](Reading&& reading) {
                return snapshot_of(
                    std::move(reading), Method::kFreeze, std::move(snapshot.error().message));
            });
    }
    return snapshot;
}

Result<Snapshot> Snapshotter::call_in_child(std::chrono::milliseconds timeout) {
    StoppedProcess::release_late_stops();
    return read_child(*backend_, reader_, gadgets_, ChildUse::kCall, Clock::now() + timeout)
        .map([&](Reading&& reading) { return snapshot_of(std::move(reading), Method::kFork); });
}

Result<Snapshot> Snapshotter::take_by(Method method, Clock::time_point deadline) {
    // What a stop before could not let go of, since it slept in the kernel.
    StoppedProcess::release_late_stops();
    const auto reading = [&]() -> Result<Reading> {
        switch (method) {
            case Method::kRead:
                return reader_.read(deadline);
            case Method::kFork:
                return read_child(*backend_, reader_, gadgets_, ChildUse::kWalk, deadline);
            case Method::kCall:
                return call(deadline);
            case Method::kFreeze:
                break;
        }
        return reader_.freeze(deadline);
    };
    auto read = reading();
    if (!read && method == Method::kFork && gives_no_child(read.error())) {
        return reader_.freeze(deadline).map([&](Reading&& whole) {
            return snapshot_of(std::move(whole), Method::kFreeze, std::move(read.error().message));
        });
    }
    return std::move(read).map(
        [&](Reading&& whole) { return snapshot_of(std::move(whole), method); });
}

Snapshot Snapshotter::snapshot_of(Reading reading, Method method, std::string detour) {
    if (literals_ == Literals::kMasked) {
        forms_.mask(reading.tree);
    }
    return {.taken_at_ns = reading.taken_at_ns,
            .method = method,
            .detour = std::move(detour),
            .pause_us = reading.pause_us,
            .server_version_num = backend_->server_version_num(),
            .process = std::move(reading.process),
            .tree = std::move(reading.tree)};
}

Result<Reading> Snapshotter::call(Clock::time_point deadline) {
    auto called = call_stats(*backend_, reader_, gadgets_, deadline);
    if (!called) {
        return tl::unexpected(std::move(called.error()));
    }
    auto tree = parse_stats_text(called->text, backend_->server_version_num());
    if (!tree) {
        return tl::unexpected(std::move(tree.error()));
    }
    return Reading{.tree = std::move(*tree),
                   .process = std::move(called->process),
                   .pause_us = called->pause_us,
                   .taken_at_ns = called->taken_at_ns};
}

}  // namespace palloscope
