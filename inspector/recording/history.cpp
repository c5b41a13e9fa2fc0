#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "inspector/model/pid_list.hpp"
#include "inspector/model/time_text.hpp"
#include "inspector/recording/kept_folder.hpp"
#include "inspector/recording/reader.hpp"
#include "inspector/recording/recording_file.hpp"

namespace palloscope {

namespace {

constexpr std::string_view kCachePath = "TopMemoryContext/CacheMemoryContext";

// Children of CacheMemoryContext in PostgreSQL 9.4 to 10 that are not called by a relation's name.
constexpr std::array<std::string_view, 6> kUnnamedCaches{
    "CachedPlanSource",   // plancache.c
    "CachedPlanQuery",    // plancache.c
    "CachedPlan",         // plancache.c
    "SPI Plan",           // spi.c
    "TS dictionary",      // ts_cache.c
    "EventTriggerCache",  // evtcache.c
};

// The name under which a context is folded. Before version 11 made idents of them, relcache.c named
// the context of each index (and the few of rules and partitions) by the relation: thousands of
// paths of one context each, where newer servers have one path.
std::string_view folded_name(int server_version_num,
                             std::string_view parent_path,
                             std::string_view name) {
    const bool is_named_by_relation =
        server_version_num < kFirstVersionWithIdents && parent_path == kCachePath &&
        std::ranges::find(kUnnamedCaches, name) == kUnnamedCaches.end();
    return is_named_by_relation ? "index info" : name;
}

std::vector<int> server_versions(const RecordingFile& file) {
    std::vector<int> versions(file.backends().size());
    for (const RecordedSnapshot& snapshot : file.snapshots()) {
        versions[snapshot.backend] = snapshot.summary.server_version_num;
    }
    return versions;
}

// Real ones are a tenth as long.
constexpr std::size_t kLongestPath = 1024;

// The path of each context. One that is named as its parent counts as a part of it: ten thousand
// savepoints are as many levels of CurTransactionContext, whose paths would take gigabytes.
std::vector<std::string> folded_paths(const RecordingFile& file) {
    const std::vector<int> versions = server_versions(file);
    std::vector<std::string> paths;
    paths.reserve(file.contexts().size());
    for (const RecordedContext& context : file.contexts()) {
        std::string path = context.name;
        if (context.parent) {
            const std::string& parent = paths[*context.parent];
            const bool is_folded = parent.ends_with('/' + context.name) ||
                                   parent.size() + context.name.size() > kLongestPath;
            path = is_folded
                       ? parent
                       : fmt::format("{}/{}",
                                     parent,
                                     folded_name(versions[context.backend], parent, context.name));
        }
        paths.push_back(std::move(path));
    }
    return paths;
}

// Folds contexts into the series of their backend while a recording is replayed.
class Folder {
  public:
    explicit Folder(const RecordingFile& file) : Folder(file, folded_paths(file)) {}

    void apply(const RecordedChange& change) {
        LiveContext& context = contexts_[change.context];
        Sum& sum = current_[file_.contexts()[change.context].backend][context.series];
        if (context.figures) {
            sum.figures -= *context.figures;
            --sum.count;
        }
        std::int32_t more = context.figures ? -1 : 0;
        std::int64_t used_bytes = context.figures ? -context.figures->used_bytes : 0;
        context.figures.reset();
        if (change.now) {
            context.figures = change.now->figures;
            sum.figures += change.now->figures;
            ++sum.count;
            ++more;
            used_bytes += change.now->figures.used_bytes;
        }
        kept_.apply(change.context, more, used_bytes);
    }

    void add(const RecordedSnapshot& snapshot) {
        BackendHistory& backend = history_[snapshot.backend];
        const Snapshot& summary = snapshot.summary;
        ContextFigures total;
        for (std::size_t i = 0; i < backend.contexts.size(); ++i) {
            const Sum& sum = current_[snapshot.backend][i];
            backend.contexts[i].figures.push_back(sum.figures);
            backend.contexts[i].count.push_back(sum.count);
            total += sum.figures;
        }
        backend.snapshots.push_back({.taken_at_ns = summary.taken_at_ns,
                                     .pause_us = summary.pause_us,
                                     .state = summary.process.state.value_or(""),
                                     .rss_anon_bytes = summary.process.rss_anon_bytes,
                                     .rss_shmem_bytes = summary.process.rss_shmem_bytes,
                                     .total = total});
        backend.server_version_num = summary.server_version_num;
        backend.process = summary.process;
        kept_.add_snapshot(snapshot.backend, backend.snapshots.size() - 1);
    }

    [[nodiscard]] std::vector<BackendHistory> finish() && {
        for (std::size_t i = 0; i < history_.size(); ++i) {
            history_[i].kept = kept_.take(i);
        }
        return std::move(history_);
    }

  private:
    Folder(const RecordingFile& file, const std::vector<std::string>& paths)
        : file_(file),
          history_(file.backends().size()),
          current_(file.backends().size()),
          contexts_(file.contexts().size()),
          kept_(file, paths) {
        std::vector<std::map<std::string, std::size_t>> series_by_path(history_.size());
        for (std::size_t i = 0; i < contexts_.size(); ++i) {
            const std::size_t backend = file.contexts()[i].backend;
            const auto [entry, is_new] =
                series_by_path[backend].try_emplace(paths[i], series_by_path[backend].size());
            if (is_new) {
                current_[backend].emplace_back();
                history_[backend].contexts.push_back({.path = paths[i]});
            }
            contexts_[i].series = entry->second;
        }
    }

    struct Sum {
        ContextFigures figures;
        std::int32_t count = 0;
    };

    struct LiveContext {
        std::size_t series = 0;
        std::optional<ContextFigures> figures;  // none while it does not exist
    };

    const RecordingFile& file_;
    std::vector<BackendHistory> history_;
    std::vector<std::vector<Sum>> current_;  // as BackendHistory::contexts
    std::vector<LiveContext> contexts_;      // as RecordingFile::contexts()
    KeptFolder kept_;
};

// Series of contexts that came only in snapshots which the file does not tell in full.
void drop_empty_series(BackendHistory& backend) {
    std::erase_if(backend.contexts, [](const ContextSeries& series) {
        return std::ranges::all_of(series.count, [](std::int32_t count) { return count == 0; });
    });
}

void add_missed(RecordingFile& file, History& history) {
    struct Missed {
        std::vector<int> pids;
        std::int64_t times = 0;
    };

    std::map<std::string, Missed> by_reason;
    for (const RecordedMiss& missed : file.missed()) {
        BackendHistory& backend = history.backends[missed.backend];
        backend.missed += missed.times;
        Missed& alike = by_reason[missed.reason];
        alike.pids.push_back(backend.process.pid);
        alike.times += missed.times;
    }
    for (const auto& [reason, missed] : by_reason) {
        history.notes.push_back(fmt::format("backend{} {}: {} snapshot{} due but not taken: {}",
                                            missed.pids.size() == 1 ? "" : "s",
                                            pid_list(missed.pids),
                                            missed.times,
                                            missed.times == 1 ? " was" : "s were",
                                            reason));
    }
}

void add_executions(RecordingFile& file, History& history) {
    for (RecordedExecution& execution : file.executions()) {
        history.backends[execution.backend].executions.push_back(execution.record);
    }
    for (BackendHistory& backend : history.backends) {
        std::ranges::stable_sort(backend.executions, {}, &ExecutionRecord::ended_at_ns);
    }
}

// The first and the last of each backend: what grew between them is what diagnosis asks.
void add_explanations(RecordingFile& file, History& history) {
    std::vector<std::vector<std::int64_t>> ids(history.backends.size());
    for (const std::int64_t id : file.explained()) {
        std::vector<std::int64_t>& ends =
            ids[file.snapshots()[static_cast<std::size_t>(id) - 1].backend];
        ends.resize(std::min<std::size_t>(ends.size(), 1));
        ends.push_back(id);
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
        for (const std::int64_t id : ids[i]) {
            if (std::optional<Explanation> explanation = file.explanation_of(id)) {
                explanation->snapshot = file.snapshots()[static_cast<std::size_t>(id) - 1].summary;
                history.backends[i].explanations.push_back(std::move(*explanation));
            }
        }
    }
}

// A damaged file may hold any figures.
std::int64_t later(std::int64_t time_ns, std::int64_t by_ns) {
    std::int64_t sum = 0;
    return __builtin_add_overflow(time_ns, by_ns, &sum) ? time_ns : sum;
}

// Where the clock was set forward, what was before would lie too far from what came after: it is
// given as the clock shows it since. What was told between the step and the next look at the clock
// is after it: hence the border half way.
void take_out(const ClockStep& step, History& history) {
    const std::int64_t border_ns = later(step.at_ns, -step.by_ns / 2);
    const auto move = [&](std::int64_t& time_ns) {
        time_ns = time_ns < border_ns ? later(time_ns, step.by_ns) : time_ns;
    };
    for (BackendHistory& backend : history.backends) {
        for (SnapshotSummary& snapshot : backend.snapshots) {
            move(snapshot.taken_at_ns);
        }
        for (ExecutionRecord& execution : backend.executions) {
            move(execution.started_at_ns);
            move(execution.ended_at_ns);
            if (execution.transaction_began_at_ns) {
                move(*execution.transaction_began_at_ns);
            }
        }
        for (Explanation& explanation : backend.explanations) {
            move(explanation.snapshot.taken_at_ns);
        }
    }
}

void take_out_clock_steps(RecordingFile& file, History& history) {
    for (const ClockStep& step : file.clock_steps()) {
        if (step.by_ns > 0) {
            take_out(step, history);
            history.notes.push_back(
                fmt::format("the machine's clock was set forward by {} (or it slept), which was "
                            "seen at {}: times before are given as that clock shows them since",
                            duration_text(static_cast<double>(step.by_ns) / 1e3),
                            moment_text(step.at_ns)));
        }
    }
}

void note_clock_jumps(History& history) {
    for (const BackendHistory& backend : history.backends) {
        if (!std::ranges::is_sorted(backend.snapshots, {}, &SnapshotSummary::taken_at_ns)) {
            history.notes.push_back(
                fmt::format("backend {}: the machine's clock was set back while it was recorded",
                            backend.process.pid));
        }
    }
}

}  // namespace

Result<History> read_history(const std::string& path) {
    Result<RecordingFile> file = RecordingFile::open(path);
    if (!file) {
        return tl::unexpected(std::move(file).error());
    }
    Folder folder(*file);
    file->replay([&](const RecordedChange& change) { folder.apply(change); },
                 [&](const RecordedSnapshot& snapshot) {
                     folder.add(snapshot);
                     return true;
                 });

    History history{.forms = file->forms(),
                    .backends = std::move(folder).finish(),
                    .statement_source = file->statement_source()};
    const std::vector<std::optional<MemoryAllowance>> allowances = file->allowances();
    const std::vector<std::optional<double>> seen_shares = file->seen_shares();
    std::vector<std::vector<ServerFact>> server_facts = file->server_facts();
    std::vector<std::string> sessions = file->sessions();
    for (std::size_t i = 0; i < history.backends.size(); ++i) {
        history.backends[i].allowance = allowances[i];
        history.backends[i].seen_share = seen_shares[i];
        history.backends[i].server_facts = std::move(server_facts[i]);
        history.backends[i].session = std::move(sessions[i]);
        history.backends[i].process.pid = file->backends()[i].pid;
        history.backends[i].end = file->backends()[i].end_reason;
        drop_empty_series(history.backends[i]);
    }
    add_executions(*file, history);
    add_missed(*file, history);
    add_explanations(*file, history);
    take_out_clock_steps(*file, history);
    note_clock_jumps(history);
    // Last: they tell of damage that was met on the way, too.
    for (std::string& note : file->notes()) {
        history.notes.push_back(std::move(note));
    }
    return history;
}

}  // namespace palloscope
