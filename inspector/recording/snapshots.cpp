#include <cstddef>
#include <ranges>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inspector/model/time_text.hpp"
#include "inspector/recording/reader.hpp"
#include "inspector/recording/recording_file.hpp"

namespace palloscope {

namespace {

// Rebuilds the trees of all backends of a recording while it is replayed.
class Trees {
  public:
    explicit Trees(const RecordingFile& file)
        : file_(file), contexts_(file.contexts().size()), roots_(file.backends().size()) {}

    void apply(const RecordedChange& change) {
        const RecordedContext& recorded = file_.contexts()[change.context];
        LiveContext& context = contexts_[change.context];
        std::set<Sibling>& siblings =
            recorded.parent ? contexts_[*recorded.parent].children : roots_[recorded.backend];
        if (context.state) {
            siblings.erase({context.state->place, change.context});
        }
        context.state = change.now;
        if (context.state) {
            siblings.insert({context.state->place, change.context});
        }
    }

    // The tree of a backend as of the changes applied so far, depth first. With a stack of our own:
    // a damaged file may nest a million contexts.
    [[nodiscard]] ContextTree tree_of(std::size_t backend) const {
        struct Waiting {
            std::size_t context;
            std::optional<std::size_t> parent;
        };

        std::vector<Waiting> waiting;
        const auto push = [&](const std::set<Sibling>& siblings,
                              std::optional<std::size_t> parent) {
            for (const Sibling& sibling : std::views::reverse(siblings)) {
                waiting.push_back({.context = sibling.second, .parent = parent});
            }
        };
        ContextTree tree;
        push(roots_[backend], std::nullopt);
        while (!waiting.empty()) {
            const Waiting next = waiting.back();
            waiting.pop_back();
            const RecordedContext& recorded = file_.contexts()[next.context];
            const LiveContext& live = contexts_[next.context];
            const std::size_t index = tree.contexts.size();
            tree.contexts.push_back(
                {.name = recorded.name,
                 .ident = recorded.ident,
                 .type = recorded.type,
                 .parent = next.parent,
                 .level = next.parent ? tree.contexts[*next.parent].level + 1 : 1,
                 .figures = live.state->figures});
            push(live.children, index);
        }
        return tree;
    }

  private:
    using Sibling = std::pair<std::int64_t, std::size_t>;  // place, then index

    struct LiveContext {
        std::optional<ContextState> state;  // none while it does not exist
        std::set<Sibling> children;         // those that exist
    };

    const RecordingFile& file_;
    std::vector<LiveContext> contexts_;     // as RecordingFile::contexts()
    std::vector<std::set<Sibling>> roots_;  // as RecordingFile::backends()
};

// Replays up to where `visit` says false.
void replay_trees(RecordingFile& file,
                  const std::function<bool(const RecordedSnapshot&, const Trees&)>& visit) {
    Trees trees(file);
    file.replay([&](const RecordedChange& change) { trees.apply(change); },
                [&](const RecordedSnapshot& snapshot) { return visit(snapshot, trees); });
}

Snapshot whole(const RecordedSnapshot& snapshot, const Trees& trees) {
    Snapshot result = snapshot.summary;
    result.tree = trees.tree_of(snapshot.backend);
    return result;
}

// Which of `candidates` is meant: of backend `pid`, at `time_ns` or nearest before it; the last one
// without a time. `noun` is what a message calls them.
Result<RecordedSnapshot> choose(const std::string& path,
                                const std::vector<RecordedSnapshot>& candidates,
                                std::string_view noun,
                                std::optional<int> pid,
                                std::optional<std::int64_t> time_ns) {
    std::set<int> pids;
    for (const RecordedSnapshot& snapshot : candidates) {
        pids.insert(snapshot.summary.process.pid);
    }
    if (pids.empty()) {
        return failure(Error::Kind::kFailed, fmt::format("{} holds no {}", path, noun));
    }
    if (!pid && pids.size() > 1) {
        return failure(Error::Kind::kUsage,
                       fmt::format("{} holds {} backends", path, pids.size()),
                       fmt::format("say which one is meant: PID {}", fmt::join(pids, ", ")));
    }
    if (pid && !pids.contains(*pid)) {
        return failure(Error::Kind::kUsage,
                       fmt::format("{} holds no {} of a backend with PID {}", path, noun, *pid),
                       fmt::format("it holds PID {}", fmt::join(pids, ", ")));
    }

    const int wanted = pid.value_or(*pids.begin());
    const RecordedSnapshot* best = nullptr;
    const RecordedSnapshot* first = nullptr;
    for (const RecordedSnapshot& snapshot : candidates) {
        if (snapshot.summary.process.pid != wanted) {
            continue;
        }
        first = first == nullptr ? &snapshot : first;
        if (!time_ns || snapshot.summary.taken_at_ns <= *time_ns) {
            best = &snapshot;
        }
    }
    if (best == nullptr) {
        return failure(
            Error::Kind::kUsage,
            fmt::format("{} holds no {} of backend {} as early as {}",
                        path,
                        noun,
                        wanted,
                        iso_time_text(*time_ns)),
            fmt::format("its first one is of {}", iso_time_text(first->summary.taken_at_ns)));
    }
    return *best;
}

// The snapshot of this id, with its tree.
Result<Snapshot> replay_to(const std::string& path,
                           RecordingFile& file,
                           const RecordedSnapshot& wanted) {
    std::optional<Snapshot> found;
    replay_trees(file, [&](const RecordedSnapshot& snapshot, const Trees& trees) {
        if (snapshot.id == wanted.id) {
            found = whole(snapshot, trees);
        }
        return !found;
    });
    if (!found) {
        return failure(Error::Kind::kFailed,
                       fmt::format("the snapshot of {} in {} is lost: {}",
                                   iso_time_text(wanted.summary.taken_at_ns),
                                   path,
                                   fmt::join(file.notes(), "; ")));
    }
    return *std::move(found);
}

}  // namespace

Result<Snapshot> snapshot_at(const std::string& path,
                             std::optional<int> pid,
                             std::optional<std::int64_t> time_ns) {
    Result<RecordingFile> file = RecordingFile::open(path);
    if (!file) {
        return tl::unexpected(std::move(file).error());
    }
    return choose(path, file->snapshots(), "snapshot", pid, time_ns)
        .and_then([&](const RecordedSnapshot& wanted) { return replay_to(path, *file, wanted); });
}

Result<Explanation> explanation_at(const std::string& path,
                                   std::optional<int> pid,
                                   std::optional<std::int64_t> time_ns) {
    Result<RecordingFile> file = RecordingFile::open(path);
    if (!file) {
        return tl::unexpected(std::move(file).error());
    }
    std::vector<RecordedSnapshot> explained;
    for (const std::int64_t id : file->explained()) {
        explained.push_back(file->snapshots()[static_cast<std::size_t>(id) - 1]);
    }
    if (explained.empty()) {
        return failure(Error::Kind::kFailed,
                       fmt::format("{} holds no explanation", path),
                       "they are recorded by 'palloscope record --explain-every'");
    }
    const Result<RecordedSnapshot> wanted = choose(path, explained, "explanation", pid, time_ns);
    if (!wanted) {
        return tl::unexpected(wanted.error());
    }
    Result<Snapshot> snapshot = replay_to(path, *file, *wanted);
    if (!snapshot) {
        return tl::unexpected(std::move(snapshot).error());
    }
    std::optional<Explanation> explanation = file->explanation_of(wanted->id);
    if (!explanation) {
        return failure(Error::Kind::kFailed,
                       fmt::format("the explanation of {} in {} is damaged",
                                   iso_time_text(wanted->summary.taken_at_ns),
                                   path));
    }
    explanation->snapshot = std::move(*snapshot);
    return *std::move(explanation);
}

Result<std::vector<std::string>> for_each_snapshot(
    const std::string& path, const std::function<Result<>(const Snapshot&)>& visit) {
    Result<RecordingFile> file = RecordingFile::open(path);
    if (!file) {
        return tl::unexpected(std::move(file).error());
    }
    Result<> visited;
    replay_trees(*file, [&](const RecordedSnapshot& snapshot, const Trees& trees) {
        visited = visit(whole(snapshot, trees));
        return visited.has_value();
    });
    if (!visited) {
        return tl::unexpected(std::move(visited).error());
    }
    return file->notes();
}

}  // namespace palloscope
