#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "attach/copy_on_write_child.hpp"
#include "attach/proc.hpp"
#include "tests/attach/killed_tracer.hpp"
#include "tests/attach/target_program.hpp"
#include "tests/support/process_state.hpp"

// As captured_call_kill_test.cpp: whoever kills us, and at whichever instruction, the target goes
// on as if we had never been there, and a child of it that we leave exits by itself, with 0.
namespace palloscope::test {

namespace {

using std::chrono::microseconds;

constexpr int kKills = 100;
// Longer than the clone, and than the child's life, may take on a slow machine.
constexpr microseconds kLatest{3000};
constexpr std::chrono::seconds kTimeout{30};

bool is_leftover(pid_t child) {
    const auto status = read_child_status(child);
    return status && status->exit_signal == 0;
}

// Its children but those that it has made itself.
std::vector<pid_t> leftovers_of(const TargetProgram& target) {
    std::vector<pid_t> children = children_of(target.pid());
    std::erase_if(children, [](pid_t child) { return !is_leftover(child); });
    return children;
}

// Whether each of them exits by itself, and with 0.
void exit_with_zero(const std::vector<pid_t>& children) {
    for (const pid_t child : children) {
        ASSERT_TRUE(eventually([&] { return state_of(child) == 'Z'; }));
        ASSERT_EQ(exit_status_of(child), 0);
    }
}

void copy(const TargetProgram& target) {
    auto child = target.copy();
    if (child) {
        (void)child->memory().read<std::uint64_t>(target.address_of("counter"));
        (void)child->end();
    }
}

void copy_and_call(const TargetProgram& target) {
    constexpr std::uint64_t kLines = 5000;
    auto child = target.copy();
    if (child) {
        (void)child->call_with_captured_stderr({target.address_of("print_many"), {kLines}},
                                               kTimeout);
        (void)child->end();
    }
}

using Action = void (*)(const TargetProgram&);

// Kills a process that does `action` again and again: from the moment on when it is first seen to
// trace the target, which is the stop and the clone, or when its child is first seen.
void kill_tracer(const TargetProgram& target, Action action, bool has_child, microseconds when) {
    const auto act = [&] { action(target); };
    const auto begun = [&] {
        return has_child ? !leftovers_of(target).empty() : tracer_pid(target.pid()) != 0;
    };
    kill_repeating_tracer(act, begun, when);
}

void survives_kills(const std::string& name, Action action) {
    TargetProgram target = TargetProgram::start(name);
    const auto descriptors = open_descriptors(target.pid());
    std::mt19937 random(std::random_device{}());
    std::uniform_int_distribution<long> moment(0, kLatest.count());
    int leftovers_seen = 0;
    for (int i = 0; i < kKills; ++i) {
        const microseconds when(moment(random));
        const bool has_child = i % 2 == 0;
        SCOPED_TRACE(testing::Message() << "kill " << i << " after " << when.count() << " us"
                                        << (has_child ? " of its child" : ""));
        ASSERT_NO_FATAL_FAILURE(kill_tracer(target, action, has_child, when));
        ASSERT_TRUE(target.goes_on());
        const std::vector<pid_t> left = leftovers_of(target);
        ASSERT_LE(left.size(), 1U);
        ASSERT_NO_FATAL_FAILURE(exit_with_zero(left));
        if (!left.empty()) {
            ++leftovers_seen;
            auto child = target.copy();
            ASSERT_TRUE(child) << child.error().message;
            ASSERT_TRUE(eventually(
                [&] { return leftovers_of(target) == std::vector<pid_t>{child->pid()}; }));
            ASSERT_TRUE(child->end());
            ASSERT_EQ(leftovers_of(target), std::vector<pid_t>{});
        }
        ASSERT_TRUE(gets_descriptors(target.pid(), descriptors));
        ASSERT_EQ(target.value("mismatches"), 0U);
    }
    testing::Test::RecordProperty("leftovers_seen", leftovers_seen);
    EXPECT_GT(leftovers_seen, 0);
    target.program().send_signal(SIGTERM);
    EXPECT_EQ(target.program().wait().err, "");
}

}  // namespace

TEST(KilledTracerOfAChild, LeavesAWaitingTargetAsItWasDuringTheClone) {
    survives_kills("ticks", copy);
}

TEST(KilledTracerOfAChild, LeavesAWaitingTargetAsItWasDuringACallInTheChild) {
    survives_kills("ticks", copy_and_call);
}

TEST(KilledTracerOfAChild, LeavesABusyTargetsVectorRegistersAsTheyWere) {
    survives_kills("vector_registers", copy);
}

TEST(KilledTracerOfAChild, LeavesSignalMaskAndAlternateStackAsTheyWere) {
    survives_kills("signal_settings", copy);
}

TEST(KilledTracerOfAChild, IsNotHeardOfByATargetThatWaitsForItsChildren) {
    survives_kills("reaps_children", copy);
}

}  // namespace palloscope::test
