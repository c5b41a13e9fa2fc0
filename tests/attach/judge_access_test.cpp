#include <linux/capability.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attach/permissions.hpp"

namespace palloscope {

namespace {

using Kind = Obstacle::Kind;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t kCapability = std::uint64_t{1} << CAP_SYS_PTRACE;

// We, user 26, look at a process of our own user, in the same namespace; nothing is in the way.
AccessFacts own_process() {
    return {.pid = 42,
            .us = {.state = 'R', .effective_uid = 26},
            .target = {.state = 'S', .effective_uid = 26},
            .our_user_namespace = 1,
            .target_user_namespace = 1};
}

std::vector<Kind> kinds(const AccessFacts& facts) {
    std::vector<Kind> kinds;
    for (const Obstacle& obstacle : judge_access(facts)) {
        kinds.push_back(obstacle.kind);
        EXPECT_NE(obstacle.message, "");
    }
    return kinds;
}

}  // namespace

TEST(JudgeAccess, FindsNothingInTheWay) {
    EXPECT_THAT(kinds(own_process()), IsEmpty());
}

TEST(JudgeAccess, KnowsYamaByItsScope) {
    AccessFacts facts = own_process();
    facts.open_memory = facts.read_memory = EACCES;
    for (const int scope : {1, 2, 3}) {
        facts.yama_scope = scope;
        EXPECT_THAT(kinds(facts), ElementsAre(Kind::kYama)) << scope;
    }
    // At 3 no capability helps, and nothing but a boot.
    facts.us.effective_capabilities = kCapability;
    EXPECT_THAT(kinds(facts), ElementsAre(Kind::kYama));
    EXPECT_NE(judge_access(facts)[0].remedy.find("boot"), std::string::npos);
    // At 1 the capability lifts it, so that something else must be in the way.
    facts.yama_scope = 1;
    EXPECT_THAT(kinds(facts), ElementsAre(Kind::kMemoryUnreadable));
}

TEST(JudgeAccess, DoesNotBlameYamaWhereItLetsUsIn) {
    AccessFacts facts = own_process();
    facts.yama_scope = 1;  // we are an ancestor of the process
    EXPECT_THAT(kinds(facts), IsEmpty());
}

TEST(JudgeAccess, NamesBothYamaAndAnotherUser) {
    AccessFacts facts = own_process();
    facts.open_memory = facts.read_memory = EACCES;
    facts.yama_scope = 1;
    facts.target.effective_uid = 0;
    EXPECT_THAT(kinds(facts), ElementsAre(Kind::kYama, Kind::kCapability));
}

TEST(JudgeAccess, TellsAnotherUserFromAProtectedProcess) {
    AccessFacts facts = own_process();
    facts.open_memory = facts.read_memory = EACCES;
    EXPECT_NE(judge_access(facts)[0].message.find("more privileges"), std::string::npos);
    facts.target.effective_uid = 999;
    EXPECT_NE(judge_access(facts)[0].message.find("999"), std::string::npos);
}

TEST(JudgeAccess, BlamesTheUserNamespaceWhereTheCapabilityDoesNotHelp) {
    AccessFacts facts = own_process();
    facts.open_memory = facts.read_memory = EACCES;
    facts.us.effective_capabilities = kCapability;
    facts.target_user_namespace = 2;
    EXPECT_THAT(kinds(facts), ElementsAre(Kind::kUserNamespace));
    facts.target_user_namespace.reset();  // we may not even look
    EXPECT_THAT(kinds(facts), ElementsAre(Kind::kUserNamespace));
}

// A container with every capability dropped but that one.
TEST(JudgeAccess, SaysWhatRootLacksBesidesTheCapabilityToTrace) {
    AccessFacts facts = own_process();
    facts.open_memory = EACCES;
    facts.us.effective_uid = 0;
    facts.us.effective_capabilities = kCapability;
    ASSERT_THAT(kinds(facts), ElementsAre(Kind::kCapability));
    const Obstacle detour = judge_access(facts).front();
    EXPECT_EQ(detour.severity, Obstacle::Severity::kNothing);
    EXPECT_THAT(detour.message,
                testing::HasSubstr("lack CAP_DAC_OVERRIDE: --method freeze and fork"));

    facts.us.effective_uid = 1000;
    EXPECT_THAT(judge_access(facts).front().message,
                testing::HasSubstr("--method freeze is possible"));
}

// There, a seccomp filter that forbids process_vm_readv leaves nothing.
TEST(JudgeAccess, SaysWhatIsLackingWhereNeitherWayToTheMemoryIsOpen) {
    AccessFacts facts = own_process();
    facts.open_memory = EACCES;
    facts.read_memory = facts.read_self = EPERM;
    facts.us.effective_uid = 0;
    facts.us.effective_capabilities = kCapability;
    ASSERT_THAT(kinds(facts), ElementsAre(Kind::kCapability, Kind::kReadForbidden));
    EXPECT_EQ(judge_access(facts).front().severity, Obstacle::Severity::kAll);
    facts.us.effective_capabilities |= std::uint64_t{1} << CAP_DAC_OVERRIDE;
    EXPECT_THAT(kinds(facts), ElementsAre(Kind::kMemoryUnreadable, Kind::kReadForbidden));
}

TEST(JudgeAccess, NamesEverythingAtOnce) {
    AccessFacts facts = own_process();
    facts.target.tracer_pid = 7;
    facts.tracer_name = "gdb";
    facts.target.shadow_stack = true;
    facts.ptrace_self = EPERM;
    facts.read_self = ENOSYS;
    facts.duplicate_descriptor = ENOSYS;
    EXPECT_THAT(kinds(facts),
                ElementsAre(Kind::kTracer,
                            Kind::kPtraceForbidden,
                            Kind::kShadowStack,
                            Kind::kReadForbidden,
                            Kind::kOldKernel));
    EXPECT_EQ(judge_access(facts)[0].message, "process 42 is traced by process 7 (gdb)");
}

TEST(JudgeAccess, SaysNothingElseOfAProcessThatIsGone) {
    AccessFacts facts = own_process();
    facts.ptrace_self = EPERM;
    facts.open_memory = facts.read_memory = ENOENT;
    EXPECT_THAT(kinds(facts), ElementsAre(Kind::kGone));
    facts.open_memory = facts.read_memory = EPERM;
    facts.target.state = 'Z';
    EXPECT_THAT(kinds(facts), ElementsAre(Kind::kGone));
}

}  // namespace palloscope
