#include "inspector/diagnosis/plan_callers.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace palloscope {
namespace {

// A hundred plans came, ten from each moment to the next; a statement was seen in each.
const KeptCount kPlans{.path = "CacheMemoryContext/CachedPlanSource",
                       .family = "TG_TABLE_NAME = $1",
                       .more = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100}};
const std::vector<double> kSeen{0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2};

StatementColumn ran(double calls, double error) {
    StatementColumn column{.query = "DELETE FROM role_memberships", .error = error};
    for (int moment = 0; moment <= 10; ++moment) {
        column.calls.push_back(calls * moment / 10);
    }
    return column;
}

// Whether it is counted by the plans.
bool is_caller(const StatementColumn& statement) {
    std::vector<StatementColumn> columns{statement};
    count_callers(std::vector{kPlans}, std::vector<std::vector<double>>{kSeen}, columns);
    return columns.front().calls == kPlans.more && !columns.front().estimated();
}

TEST(PlanCallers, AreEstimatedToHaveRunAboutAsOften) {
    EXPECT_TRUE(is_caller(ran(95, 0.02)));
    EXPECT_TRUE(is_caller(ran(120, 0.15)));
    EXPECT_FALSE(is_caller(ran(140, 0.15)));
    EXPECT_FALSE(is_caller(ran(95, 0)));
}

// Among the statements of Conjur's loads, one whose number was off by a third was as many as the
// plans of a trigger function, by chance.
TEST(PlanCallers, AreNotWhatIsHardlyCounted) {
    EXPECT_FALSE(is_caller(ran(95, 0.23)));
}

TEST(PlanCallers, AreNotWhatIsCountedByTransactions) {
    StatementColumn statement = ran(95, 0.1);
    statement.blocks = {1, 2, 3};
    EXPECT_FALSE(is_caller(statement));
}

}  // namespace
}  // namespace palloscope
