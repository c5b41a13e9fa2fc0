#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "inspector/diagnosis/statement_columns.hpp"

namespace palloscope {

// Statements that never vary apart, as far as the snapshots can tell: those of one transaction, or
// of one loop of the application. One statement alone is a group too.
struct StatementGroup {
    // Indices into the columns; at least one, the most typical first.
    std::vector<std::size_t> members;
    // How often the group ran, up to each snapshot: the calls of its typical members. A statement
    // that runs five times in a round counts once.
    std::vector<double> rounds;
    // Standard error of total(), as a share of it; 0 where the typical members were counted.
    double error = 0;
    // Variance of the rounds between two snapshots that comes of seeing calls by chance.
    double noise = 0;

    [[nodiscard]] double total() const { return rounds.back(); }
};

// Two statements never vary apart where the share of its calls that each has behind it differs, at
// no snapshot, by more than a snapshot amid a round explains (one round and a half), plus a quarter
// of the root of the number of rounds (two independent statements drift apart by 1.2 times that
// root, ones of which 1 % fail by a tenth of it). Nor may they differ in the intervals, on average,
// by more than that snapshot explains. Where rounds are rarer than snapshots this alone proves
// little: there, either statement must also be at most three times as frequent as the other, or the
// two must fall into the same intervals. Of calls that were seen by chance these must; where they
// are not so rare, they must have run about equally often, the differences in the intervals be no
// larger than chance makes them, and chance no larger than what independent statements would differ
// by: else nothing is proved. One that is known to have left contexts of its own
// (StatementColumn::left_in) can be told from any other.
[[nodiscard]] std::vector<StatementGroup> statement_groups(
    std::span<const StatementColumn> columns);

}  // namespace palloscope
