#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "inspector/diagnosis/estimate.hpp"
#include "inspector/diagnosis/statement_columns.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

// What one statement took (above zero) or gave back (below) by itself.
struct StepDelta {
    Estimate bytes_per_call;
    // Executions that had an interval between snapshots to themselves.
    std::size_t calls = 0;
};

// The mean growth over the intervals that hold exactly one execution, for every column of `counts`,
// from the snapshot `first` on. In a stepped recording that is every interval. `bytes` is the
// series at every snapshot of the backend, not only at the chosen ones.
[[nodiscard]] std::vector<StepDelta> step_deltas(const BackendHistory& backend,
                                                 const StatementCounts& counts,
                                                 std::span<const double> bytes,
                                                 std::size_t first);

}  // namespace palloscope
