#include "inspector/diagnosis/transaction_company.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/inspector/diagnosis/synthetic_history.hpp"

namespace palloscope {
namespace {

// The share of `query`'s calls in the company of CREATE TABLE, where all of `queries` ran in turn,
// four times over (fewer calls have no column).
double company(const std::vector<std::string>& queries, const std::string& query) {
    SyntheticBackend backend;
    backend.snapshot(0);
    for (int round = 0; round < 4; ++round) {
        for (const std::string& ran : queries) {
            backend.run(1 + round, ran);
        }
    }
    backend.snapshot(10);
    const History history = backend.history();
    const auto& executions = history.backends[0].executions;
    const std::vector<std::int64_t> moments{history.backends[0].snapshots[0].taken_at_ns,
                                            history.backends[0].snapshots[1].taken_at_ns};
    const StatementCounts counts = count_statements(history.forms, executions, moments);
    std::vector<bool> marked;
    for (const StatementColumn& column : counts.columns) {
        marked.push_back(column.query.starts_with("CREATE"));
    }
    const std::vector<double> shares =
        transaction_company(history.forms, executions, counts, marked);
    for (std::size_t i = 0; i < shares.size(); ++i) {
        if (counts.columns[i].query == query) {
            return shares[i];
        }
    }
    return -1;
}

TEST(TransactionCompany, IsWhollyOfWhatRunsInTheSameTransactionOnly) {
    EXPECT_EQ(company({"BEGIN", "INSERT", "CREATE TABLE t", "COMMIT"}, "INSERT"), 1);
    EXPECT_EQ(company({"start  transaction", "CREATE TABLE t", "INSERT", "end"}, "INSERT"), 1);
}

TEST(TransactionCompany, IsTheShareOfTheCalls) {
    EXPECT_EQ(company({"BEGIN", "CREATE TABLE t", "SELECT", "COMMIT", "SELECT"}, "SELECT"), 0.5);
    EXPECT_EQ(company({"BEGIN", "SELECT", "COMMIT", "BEGIN", "CREATE TABLE t", "COMMIT"}, "SELECT"),
              0);
}

TEST(TransactionCompany, IsNobodysOutsideOfATransactionBlock) {
    EXPECT_EQ(company({"CREATE TABLE t", "INSERT"}, "INSERT"), 0);
    EXPECT_EQ(company({"BEGIN", "CREATE TABLE t", "ROLLBACK", "INSERT"}, "INSERT"), 0);
    EXPECT_EQ(company({"BEGIN", "CREATE TABLE t", "ABORT", "INSERT"}, "INSERT"), 0);
}

TEST(TransactionCompany, GoesOnAfterARollbackToASavepoint) {
    EXPECT_EQ(company({"BEGIN", "CREATE TABLE t", "ROLLBACK TO s", "INSERT", "COMMIT"}, "INSERT"),
              1);
}

TEST(TransactionCompany, EndsAtABeginWhoseEndWasNotSeen) {
    EXPECT_EQ(company({"BEGIN", "CREATE TABLE t", "BEGIN", "INSERT", "COMMIT"}, "INSERT"), 0);
}

}  // namespace
}  // namespace palloscope
