#include "inspector/backend/child_reading.hpp"

#include <thread>
#include <utility>

#include "attach/copy_on_write_child.hpp"
#include "attach/stopped_process.hpp"
#include "inspector/backend/stats_call.hpp"
#include "inspector/backend/stats_text.hpp"
#include "inspector/model/time_text.hpp"

namespace palloscope {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::microseconds kRetryInterval{200};

Result<Reading> read(CopyOnWriteChild& child,
                     const Backend& backend,
                     ContextReader& reader,
                     ChildUse use,
                     ContextReader::Moment moment) {
    auto reading = reader.read_still(child.memory(), moment);
    if (!reading || use == ChildUse::kWalk) {
        return reading;
    }
    const auto function = require_callable(backend.pid(), reading->tree).and_then([&] {
        return stats_function(backend);
    });
    if (!function) {
        return tl::unexpected(function.error());
    }
    const auto text = child.call_with_captured_stderr(*function, kStatsTimeout);
    if (!text) {
        return tl::unexpected(text.error());
    }
    auto tree = parse_stats_text(*text, backend.server_version_num());
    if (!tree) {
        return tl::unexpected(std::move(tree.error()));
    }
    reading->tree = std::move(*tree);
    return reading;
}

}  // namespace

Result<Reading> read_child(const Backend& backend,
                           ContextReader& reader,
                           Gadgets& gadgets,
                           ChildUse use,
                           Clock::time_point deadline) {
    return study_child(
        backend, gadgets, deadline, [&](CopyOnWriteChild& child, ContextReader::Moment moment) {
            return read(child, backend, reader, use, moment);
        });
}

bool gives_no_child(const Error& error) {
    return error.kind == Error::Kind::kUnsupported || error.kind == Error::Kind::kPermission;
}

Result<Reading> study_child(const Backend& backend,
                            Gadgets& gadgets,
                            Clock::time_point deadline,
                            const ChildStudy& study) {
    const auto found = gadgets.get();
    if (!found) {
        return tl::unexpected(found.error());
    }
    double pause_us = 0;
    for (bool first = true;; first = false) {
        const auto prepared = prepare_child(backend.pid());
        if (!prepared) {
            return tl::unexpected(prepared.error());
        }
        auto stopped = StoppedProcess::seize(backend.process());
        if (!stopped) {
            return tl::unexpected(std::move(stopped.error()));
        }
        const std::int64_t taken_at_ns = unix_time_ns();
        const auto moment = ContextReader::moment_of(backend, /*is_first_look=*/first);
        auto child = CopyOnWriteChild::make(
            std::move(*stopped), backend.process(), backend.memory(), *found, *prepared);
        if (!child) {
            return tl::unexpected(std::move(child.error()));
        }
        auto reading = study(*child, moment);
        // What cannot be reaped now is reaped by the next child's making.
        pause_us += child->end().value_or(child->pause_us());
        if (reading) {
            reading->pause_us = pause_us;
            reading->taken_at_ns = taken_at_ns;
            return reading;
        }
        if (reading.error().kind != Error::Kind::kTimeout || Clock::now() >= deadline) {
            return reading;
        }
        std::this_thread::sleep_for(kRetryInterval);
    }
}

}  // namespace palloscope
