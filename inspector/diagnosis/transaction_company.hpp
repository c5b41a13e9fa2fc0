#pragma once

#include <vector>

#include "inspector/diagnosis/statement_columns.hpp"
#include "inspector/model/history.hpp"
#include "inspector/model/statement.hpp"

namespace palloscope {

// For each column of `counts`: of its executions, the share (0 … 1) that ran in a transaction block
// together with one of the columns that are `marked`. What only ever runs in the transactions that
// define objects works on those objects, however often it does so in each of them.
//
// A block reaches from BEGIN or START TRANSACTION to COMMIT, END, ROLLBACK or ABORT. A statement
// outside of one is its own transaction, and in nobody's company.
[[nodiscard]] std::vector<double> transaction_company(
    const std::vector<StatementForm>& forms,
    const std::vector<ExecutionRecord>& executions,
    const StatementCounts& counts,
    const std::vector<bool>& marked);

}  // namespace palloscope
