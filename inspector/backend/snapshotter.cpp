#include "inspector/backend/snapshotter.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "attach/stopped_process.hpp"
#include "inspector/backend/stats_text.hpp"
#include "inspector/statements/ident.hpp"

namespace palloscope {

namespace {

using Clock = std::chrono::steady_clock;

// How long it is tried to do without a stop: a busy client's backend sleeps between two statements
// within that time, and one that runs a long statement never does.
constexpr std::chrono::milliseconds kTryReadFor{5};

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
                                   std::chrono::milliseconds timeout) {
    const Clock::time_point deadline = Clock::now() + timeout;
    if (method) {
        return take_by(*method, deadline);
    }
    auto snapshot = take_by(Method::kRead, std::min(deadline, Clock::now() + kTryReadFor));
    if (!snapshot && snapshot.error().kind == Error::Kind::kTimeout) {
        return take_by(Method::kFreeze, deadline);
    }
    return snapshot;
}

Result<Snapshot> Snapshotter::take_by(Method method, Clock::time_point deadline) {
    // What a stop before could not let go of, since it slept in the kernel.
    StoppedProcess::release_late_stops();
    Result<Reading> reading =
        failure(Error::Kind::kUsage, fmt::format("there is no method {} yet", to_string(method)));
    switch (method) {
        case Method::kRead:
            reading = reader_.read(deadline);
            break;
        case Method::kFreeze:
            reading = reader_.freeze(deadline);
            break;
        case Method::kFork:
            break;
        case Method::kCall:
            reading = call(deadline);
            break;
    }
    if (!reading) {
        return tl::unexpected(std::move(reading.error()));
    }
    if (literals_ == Literals::kMasked) {
        for (MemoryContext& context : reading->tree.contexts) {
            if (context.ident) {
                context.ident = mask_ident(context.name, *context.ident);
            }
        }
    }
    return Snapshot{.taken_at_ns = reading->taken_at_ns,
                    .method = method,
                    .pause_us = reading->pause_us,
                    .server_version_num = backend_->server_version_num(),
                    .process = std::move(reading->process),
                    .tree = std::move(reading->tree)};
}

Result<Reading> Snapshotter::call(Clock::time_point deadline) {
    auto called = call_.run(reader_, deadline);
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
