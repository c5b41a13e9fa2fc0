#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attach/error.hpp"
#include "inspector/model/clock_step.hpp"
#include "inspector/model/context_tree.hpp"
#include "inspector/model/explanation.hpp"
#include "inspector/model/history.hpp"
#include "inspector/model/snapshot.hpp"
#include "inspector/model/statement.hpp"
#include "inspector/recording/tree_delta.hpp"

// The rows of a recording, checked: what the readers are made of. Not for other modules.
namespace palloscope {

struct RecordedBackend {
    int pid = 0;
    std::optional<std::string> end_reason;
};

struct RecordedContext {
    std::size_t backend = 0;
    // Index of the parent; none for a root.
    std::optional<std::size_t> parent;
    std::string name;
    std::optional<std::string> ident;
    ContextType type = ContextType::kAllocSet;
};

struct RecordedMiss {
    std::size_t backend = 0;
    std::string reason;
    std::int64_t times = 0;
};

struct RecordedSnapshot {
    std::int64_t id = 0;
    std::size_t backend = 0;
    // Its tree is empty.
    Snapshot summary;
};

struct RecordedChange {
    std::size_t context = 0;
    // None: the context vanished.
    std::optional<ContextState> now;
};

struct RecordedExecution {
    std::size_t backend = 0;
    ExecutionRecord record;
};

// One consistent view of a recording, held open read-only. Rows refer to others by index into the
// vector of that name, and every index is within bounds, whatever the file says. Where the file is
// damaged, the rows in front of the damage are given, and notes() says so.
class RecordingFile {
  public:
    [[nodiscard]] static Result<RecordingFile> open(const std::string& path);

    RecordingFile(const RecordingFile&) = delete;
    RecordingFile(RecordingFile&& other) noexcept;
    RecordingFile& operator=(const RecordingFile&) = delete;
    RecordingFile& operator=(RecordingFile&& other) noexcept;
    ~RecordingFile();

    [[nodiscard]] const std::vector<RecordedBackend>& backends() const;
    [[nodiscard]] const std::vector<StatementForm>& forms() const;
    // Parents before their children.
    [[nodiscard]] const std::vector<RecordedContext>& contexts() const;
    // In the order of id, which is that of their recording.
    [[nodiscard]] const std::vector<RecordedSnapshot>& snapshots() const;

    // Ids of the snapshots that have an explanation, in their order.
    [[nodiscard]] const std::vector<std::int64_t>& explained() const;
    // What snapshot `id` was explained to be, without the snapshot itself. None where it was not,
    // or its row is damaged.
    [[nodiscard]] std::optional<Explanation> explanation_of(std::int64_t id);

    [[nodiscard]] std::string statement_source();
    [[nodiscard]] std::vector<RecordedMiss> missed();
    // By index of backend; none where none was recorded.
    [[nodiscard]] std::vector<std::optional<MemoryAllowance>> allowances();
    // The same: BackendHistory::seen_share.
    [[nodiscard]] std::vector<std::optional<double>> seen_shares();
    // By index of backend; empty where the server was not asked.
    [[nodiscard]] std::vector<std::vector<ServerFact>> server_facts();
    // In the order of their recording.
    [[nodiscard]] std::vector<ClockStep> clock_steps();
    [[nodiscard]] std::vector<RecordedExecution> executions();
    // By index of backend: BackendHistory::session.
    [[nodiscard]] std::vector<std::string> sessions();

    // Walks through the snapshots: for each one first `on_change` for every context that changed,
    // then `on_snapshot`, which says false to stop. Ends before the first snapshot of which changes
    // may be missing. `on_change` may have been called for some of those.
    void replay(const std::function<void(const RecordedChange&)>& on_change,
                const std::function<bool(const RecordedSnapshot&)>& on_snapshot);

    // The recording's own ones, then those about damage met so far.
    [[nodiscard]] std::vector<std::string> notes();

  private:
    class Impl;

    explicit RecordingFile(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace palloscope
