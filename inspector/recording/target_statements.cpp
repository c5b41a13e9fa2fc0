#include "inspector/recording/target_statements.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace palloscope {

namespace {

// Sources that are asked again and again for what came since.
template <typename Source>
constexpr bool kIsLookedAt = requires(Source source) {
    source.poll();
};

}  // namespace

TargetStatements::TargetStatements(StatementSource source,
                                   ToldBackends::ServerPid server_pid,
                                   RecordingWriter& writer)
    : source_(std::move(source)),
      told_(std::holds_alternative<ActivitySampler>(source_) ? nullptr : std::move(server_pid)),
      writer_(writer) {}

void TargetStatements::set_targets(std::vector<int> pids) {
    for (const int pid : pids_) {
        if (!std::ranges::binary_search(pids, pid)) {
            told_.remove(pid);
        }
    }
    for (const int pid : pids) {
        if (!std::ranges::binary_search(pids_, pid)) {
            told_.add(pid);
        }
    }
    pids_ = std::move(pids);
    if (auto* const sampler = std::get_if<ActivitySampler>(&source_)) {
        sampler->watch(pids_);
    }
}

Result<> TargetStatements::store_new() {
    return std::visit(
        [&](auto& source) -> Result<> {
            if constexpr (kIsLookedAt<decltype(source)>) {
                for (;;) {
                    Result<std::vector<Execution>> batch = source.poll();
                    if (!batch) {
                        return tl::unexpected(std::move(batch).error());
                    }
                    if (batch->empty()) {
                        break;
                    }
                    if (Result<> stored = store_of_targets(*std::move(batch)); !stored) {
                        return stored;
                    }
                }
            }
            return {};
        },
        source_);
}

Result<> TargetStatements::store(const Execution& execution) {
    return store_of_targets({execution});
}

Result<> TargetStatements::finish(int pid, TargetEnd end) {
    if (auto* const sampler = std::get_if<ActivitySampler>(&source_);
        sampler != nullptr && end == TargetEnd::kGone) {
        sampler->finish(pid);
    }
    if (Result<> stored = store_new(); !stored) {
        return stored;
    }
    auto* const log = std::get_if<ServerLogReader>(&source_);
    return log != nullptr ? store_of_targets(log->finish(told_.server_pid(pid))) : Result<>();
}

std::optional<double> TargetStatements::seen_share(int pid) const {
    const auto* const sampler = std::get_if<ActivitySampler>(&source_);
    return sampler != nullptr ? sampler->seen_share(pid) : std::nullopt;
}

std::vector<std::string> TargetStatements::notes() {
    std::vector<std::string> notes;
    std::visit(
        [&](auto& source) {
            if constexpr (kIsLookedAt<decltype(source)>) {
                notes = source.notes();
            }
        },
        source_);
    if (const StepServer* const server = step_server();
        server != nullptr && server->broken_lines() > 0) {
        notes.push_back(fmt::format("{} lines of stepping clients were not understood",
                                    server->broken_lines()));
    }
    if (!std::holds_alternative<ActivitySampler>(source_)) {
        std::ranges::move(told_.notes(), std::back_inserter(notes));
    }
    return notes;
}

Result<> TargetStatements::store_of_targets(std::vector<Execution> executions) {
    told_.keep(executions, start_unix_ns_);
    stored_ += static_cast<std::int64_t>(executions.size());
    return executions.empty() ? Result<>() : writer_.append(executions);
}

}  // namespace palloscope
