#include "workload/scenarios/conjur/policy.hpp"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace palloscope::workload::conjur {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Policy, OfASafeHasAPolicyAndItsOwnersWithTheirPermissions) {
    const Policy policy = safe_policy("safe-1");
    EXPECT_EQ(policy.id, "demo:policy:root");
    EXPECT_THAT(policy.roles, ElementsAre("demo:group:safe-1-owners", "demo:policy:safe-1"));
    EXPECT_EQ(policy.resources.at(1).id, "demo:policy:safe-1");
    EXPECT_EQ(policy.resources.at(1).owner_id, "demo:group:safe-1-owners");
    std::set<std::string> privileges;
    for (const Permission& permission : policy.permissions) {
        privileges.insert(permission.privilege);
    }
    EXPECT_EQ(privileges, (std::set<std::string>{"create", "read", "update"}));
}

TEST(Policy, OfAHostIsABranchOfTheSafeWithAHostThatGetsAKey) {
    const Policy policy = host_policy("safe-1");
    EXPECT_EQ(policy.id, "demo:policy:safe-1");
    EXPECT_EQ(policy.mode, Mode::kReplace);
    EXPECT_THAT(policy.roles, Contains("demo:policy:safe-1/apps"));
    EXPECT_THAT(policy.hosts, ElementsAre("demo:host:safe-1/apps/host"));
    EXPECT_THAT(policy.roles, Contains(policy.hosts.at(0)));
}

TEST(Policy, OfAnAccountHasAResourceForEachSecret) {
    const Policy policy = account_policy("safe-1", /*account=*/2, /*secrets=*/3);
    EXPECT_EQ(policy.id, "demo:policy:safe-1/apps");
    ASSERT_EQ(policy.resources.size(), 3U);
    EXPECT_EQ(policy.resources.at(0).id, "demo:variable:safe-1/apps/account-2/secret-1");
    EXPECT_EQ(policy.permissions.size(), 6U);
    EXPECT_THAT(policy.text, HasSubstr("secret-3"));
}

TEST(Policy, OfOneLoopSharesNoIdWithThatOfAnother) {
    const Policy one = safe_policy("safe-1");
    for (const std::string& role : safe_policy("safe-2").roles) {
        EXPECT_THAT(one.roles, testing::Not(Contains(role)));
    }
}

}  // namespace
}  // namespace palloscope::workload::conjur
