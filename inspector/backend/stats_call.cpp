#include "inspector/backend/stats_call.hpp"

#include <algorithm>
#include <climits>
#include <thread>
#include <utility>

#include <fmt/core.h>

#include "attach/captured_call.hpp"
#include "attach/cpu_state.hpp"
#include "attach/memory_headroom.hpp"
#include "attach/proc.hpp"
#include "attach/stopped_process.hpp"
#include "inspector/backend/safe_point.hpp"

namespace palloscope {

namespace {

using Clock = std::chrono::steady_clock;

// Short against the time that a busy client takes between statements, long against a look at the
// target.
constexpr std::chrono::microseconds kRetryInterval{100};

// A process that somebody else holds seems to run for ever: seizing it says who that is.
bool is_traced(pid_t pid) {
    const auto status = read_status(pid);
    return status && status->tracer_pid != 0;
}

tl::unexpected<Error> no_safe_point(const Backend& backend, std::chrono::milliseconds timeout) {
    return failure(
        Error::Kind::kTimeout,
        fmt::format(
            "process {} was never waiting for its client within {} ms, and MemoryContextStats "
            "may be called at no other moment",
            backend.pid(),
            timeout.count()),
        "give it longer with --timeout");
}

}  // namespace

// The call for this version (src/include/utils/memutils.h;
// shared/reference/postgres-memory.md, 1.1).
Result<FunctionCall> stats_function(const Backend& backend) {
    const auto top = backend.read_global<RemoteAddress>("TopMemoryContext");
    if (!top) {
        return tl::unexpected(top.error());
    }
    if (!*top || (*top)->is_null()) {
        return failure(
            Error::Kind::kTimeout,
            fmt::format("process {} has not made its memory contexts yet", backend.pid()));
    }
    constexpr std::uint64_t kUnlimited = INT_MAX;
    constexpr std::uint64_t kToStderr = 1;
    const std::uint64_t context = (*top)->value;
    const int version = backend.server_version_num();
    if (version < 90600) {
        return FunctionCall{backend.address_of("MemoryContextStats"), {context}};
    }
    const RemoteAddress detail = backend.address_of("MemoryContextStatsDetail");
    if (detail.is_null()) {
        return failure(
            Error::Kind::kUnsupported,
            fmt::format("the server of process {} does not export MemoryContextStatsDetail",
                        backend.pid()));
    }
    if (version < 140000) {
        return FunctionCall{detail, {context, kUnlimited}};
    }
    if (version < 170000) {
        return FunctionCall{detail, {context, kUnlimited, kToStderr}};
    }
    return FunctionCall{detail, {context, kUnlimited, kUnlimited, kToStderr}};
}

Result<> require_callable(pid_t pid, const ContextTree& tree) {
    // It calls itself for each level, up to 16 without a look at its stack, of which kRoomForCall
    // is there, and writes the indent of each level by itself.
    constexpr int kDeepest = 500;
    constexpr std::int64_t kLineBytes = 300;
    constexpr std::int64_t kModestBytes = std::int64_t{1} << 20;
    int deepest = 0;
    std::int64_t text_bytes = 0;
    for (const MemoryContext& context : tree.contexts) {
        deepest = std::max(deepest, context.level);
        text_bytes += kLineBytes + 2 * context.level;
    }
    if (deepest > kDeepest) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("the memory contexts of process {} are nested {} levels deep, "
                                   "as by savepoints, too deep to call MemoryContextStats",
                                   pid,
                                   deepest),
                       "use --method freeze, or fork without --call");
    }
    if (text_bytes < kModestBytes) {
        return {};
    }
    const auto headroom = read_memory_headroom(pid);
    if (!headroom) {
        return tl::unexpected(headroom.error());
    }
    return headroom->left_bytes() / 2 > text_bytes
               ? Result<>()
               : failure(Error::Kind::kUnsupported,
                         fmt::format("MemoryContextStats of process {} may write {} MB, which its "
                                     "machine or its control group has not to spare",
                                     pid,
                                     text_bytes / kModestBytes),
                         "use --method freeze, or fork without --call");
}

Result<StatsCallResult> call_stats(const Backend& backend,
                                   ContextReader& reader,
                                   Gadgets& gadgets,
                                   Clock::time_point deadline) {
    const Clock::time_point begin = Clock::now();
    if (!backend.memory().has_file()) {
        return closed_file(backend, "fd", "which descriptors it has open");
    }
    const auto found = gadgets.get();
    if (!found) {
        return tl::unexpected(found.error());
    }
    reader.look_for_contexts();
    for (;; std::this_thread::sleep_for(kRetryInterval)) {
        // Looking costs the backend nothing: it is stopped only where it seems worth it.
        const auto promising = at_safe_point(backend);
        if (!promising) {
            return tl::unexpected(promising.error());
        }
        if (*promising || is_traced(backend.pid())) {
            auto stopped = StoppedProcess::seize(backend.process());
            if (!stopped) {
                return tl::unexpected(std::move(stopped.error()));
            }
            const auto safe = at_safe_point(backend);
            const auto in_syscall = interrupted_in_syscall(backend.pid(), backend.memory());
            if (!safe || !in_syscall) {
                return tl::unexpected(safe ? in_syscall.error() : safe.error());
            }
            if (*safe && *in_syscall) {
                const auto function = stats_function(backend);
                auto walked = reader.read_at_safe_point();
                if (!function || !walked) {
                    return tl::unexpected(function ? walked.error() : function.error());
                }
                if (auto callable = require_callable(backend.pid(), walked->tree); !callable) {
                    return tl::unexpected(std::move(callable.error()));
                }
                auto output = call_with_captured_stderr(std::move(*stopped),
                                                        backend.process(),
                                                        backend.memory(),
                                                        *found,
                                                        *function,
                                                        kStatsTimeout);
                if (!output) {
                    return tl::unexpected(std::move(output.error()));
                }
                return StatsCallResult{.text = std::move(output->text),
                                       .pause_us = output->pause_us,
                                       .taken_at_ns = walked->taken_at_ns,
                                       .process = std::move(walked->process),
                                       .walked = std::move(walked->tree)};
            }
        }
        if (Clock::now() >= deadline) {
            return no_safe_point(
                backend, std::chrono::duration_cast<std::chrono::milliseconds>(deadline - begin));
        }
    }
}

}  // namespace palloscope
