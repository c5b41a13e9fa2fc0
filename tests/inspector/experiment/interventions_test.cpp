#include "inspector/experiment/interventions.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace palloscope {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::chrono::seconds kDuration{30};

TrialPlan plan(std::string_view id, WorkloadKind workload, std::uint64_t every = 1) {
    const auto all = interventions();
    const auto found = std::ranges::find(all, id, &Intervention::id);
    EXPECT_NE(found, all.end()) << id;
    return plan_of(*found, workload, kDuration, every);
}

TEST(Interventions, BeginWithNoneAndHaveEachItsOwnIdAndDescription) {
    EXPECT_EQ(interventions().front().id, "none");
    for (const WorkloadKind workload : {WorkloadKind::kScenario, WorkloadKind::kCommand}) {
        std::set<std::string> descriptions;
        for (const Intervention& intervention : interventions()) {
            descriptions.insert(plan_of(intervention, workload, kDuration, 1).description);
        }
        EXPECT_EQ(descriptions.size(), interventions().size());
    }
}

TEST(Interventions, OfNoneLeaveTheWorkloadAlone) {
    for (const WorkloadKind workload : {WorkloadKind::kScenario, WorkloadKind::kCommand}) {
        const TrialPlan none = plan("none", workload);
        EXPECT_THAT(none.driver_options, IsEmpty());
        EXPECT_THAT(none.server_settings, IsEmpty());
        EXPECT_FALSE(none.pooler_settings);
        EXPECT_EQ(none.maintenance, "");
    }
}

TEST(Interventions, InAScenariosSessionsAreTheDriversOwn) {
    const TrialPlan discard = plan("discard-all", WorkloadKind::kScenario, 5);
    EXPECT_THAT(discard.driver_options, ElementsAre("--every", "5", "--between", "DISCARD ALL"));
    EXPECT_EQ(discard.description, "DISCARD ALL after every 5 requests");
    EXPECT_FALSE(discard.pooler_settings);
    EXPECT_THAT(plan("reconnect", WorkloadKind::kScenario).driver_options,
                ElementsAre("--every", "1", "--reconnect"));
}

TEST(Interventions, InACommandsSessionsArePgBouncers) {
    const TrialPlan discard = plan("discard-all", WorkloadKind::kCommand);
    ASSERT_TRUE(discard.pooler_settings);
    EXPECT_THAT(*discard.pooler_settings,
                ElementsAre("pool_mode = transaction",
                            "server_reset_query = DISCARD ALL",
                            "server_reset_query_always = 1"));
    ASSERT_TRUE(plan("reconnect", WorkloadKind::kCommand).pooler_settings);
    EXPECT_THAT(*plan("reconnect", WorkloadKind::kCommand).pooler_settings,
                ElementsAre("pool_mode = transaction", "server_lifetime = 0"));
}

TEST(Interventions, ScaleTimesToTheTrial) {
    EXPECT_EQ(plan("vacuum", WorkloadKind::kScenario).period, std::chrono::seconds(3));
    EXPECT_EQ(plan("vacuum", WorkloadKind::kScenario).description, "VACUUM every 3 s");
    ASSERT_TRUE(plan("pgbouncer-session-idle", WorkloadKind::kScenario).pooler_settings);
    EXPECT_THAT(*plan("pgbouncer-session-idle", WorkloadKind::kScenario).pooler_settings,
                ElementsAre("pool_mode = session", "server_idle_timeout = 3"));
}

}  // namespace
}  // namespace palloscope
