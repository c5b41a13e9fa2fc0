#pragma once

#include <span>
#include <vector>

#include "inspector/diagnosis/kept_counts.hpp"
#include "inspector/diagnosis/statement_columns.hpp"

namespace palloscope {

// Counts statements by the plans that functions they call keep. Such a plan has the text of a
// statement within the function, which nobody sees run, so that it names no caller; but a statement
// whose calls each leave one is well estimated to have run about as often as `plans` came, was
// never seen more often between two moments than plans came then, and is the only one like that. It
// is none that is counted by the transaction blocks that it runs once in.
//
// `seen[i]` is how often looks saw `columns[i]` up to each moment since the one before. Of columns
// that are counted so the calls are exact.
void count_callers(std::span<const KeptCount> plans,
                   std::span<const std::vector<double>> seen,
                   std::vector<StatementColumn>& columns);

// Whether these are plans.
[[nodiscard]] bool are_plans(const KeptCount& kept);

}  // namespace palloscope
