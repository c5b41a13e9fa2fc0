#pragma once

#include <string_view>
#include <vector>

#include "inspector/diagnosis/cause_rule.hpp"
#include "inspector/diagnosis/diagnosis.hpp"
#include "inspector/diagnosis/snapshot_choice.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

// The memory of one backend as rules cover it: the used bytes of its contexts, by path, and the
// memory of its process that is in no context (kOutsideContexts, kSharedMemory).
class CoveredMemory {
  public:
    using Covers = bool (*)(std::string_view path);

    // Both must outlive this, where they are; `choice` has at least one snapshot.
    CoveredMemory(const BackendHistory& backend, const SnapshotChoice& choice);

    // The sum of what `covers` accepts, at every snapshot of the backend.
    [[nodiscard]] std::vector<double> bytes(Covers covers) const;

    // What of it grew over the chosen snapshots, largest first.
    [[nodiscard]] std::vector<ContextGrowth> growth(Covers covers) const;

    // The part of the growth of what `whole` covers that lies where `part` covers too, 0 … 1, from
    // this one of the chosen snapshots on.
    [[nodiscard]] double shared_part(Covers whole, Covers part, std::size_t from) const;

  private:
    template <typename Visitor>
    void for_each(Covers covers, const Visitor& visit) const;
    // From this snapshot on.
    [[nodiscard]] std::int64_t growth_of(const ContextSeries& series, std::size_t from) const;

    const BackendHistory& backend_;
    const SnapshotChoice& choice_;
    // Of the process, with the figure in used_bytes.
    std::vector<ContextSeries> process_;
};

}  // namespace palloscope
