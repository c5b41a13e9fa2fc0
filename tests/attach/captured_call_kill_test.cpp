#include <chrono>
#include <csignal>
#include <random>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "attach/proc.hpp"
#include "tests/attach/killed_tracer.hpp"
#include "tests/attach/target_program.hpp"
#include "tests/support/process_state.hpp"

// The promise that everything else rests on: whoever kills us, and at whichever instruction, the
// target goes on as if we had never been there.
namespace palloscope::test {

namespace {

using std::chrono::microseconds;

constexpr int kKills = 250;
// A call of some ten milliseconds: most kills hit it.
constexpr long kLines = 200000;
constexpr microseconds kWholeCall{20000};
// The preparing chain, the look at it, and the switch to the calling one.
constexpr microseconds kFirstSteps{400};

// Kills a process that makes the target call print_many again and again, `when` after the target
// was first seen to be traced.
void kill_tracer_after_seizure(const TargetProgram& target, microseconds when) {
    const auto call = [&] { (void)target.capture("print_many", kLines); };
    const auto is_traced = [&] { return tracer_pid(target.pid()) != 0; };
    ASSERT_NO_FATAL_FAILURE(kill_repeating_tracer(call, is_traced, when));
}

// How often the target was seen to end a call alone goes to `kills_during_a_call`.
void survives_kills(TargetProgram target, microseconds longest, int& kills_during_a_call) {
    const auto descriptors = open_descriptors(target.pid());
    std::mt19937 random(std::random_device{}());
    std::uniform_int_distribution<long> moment(0, longest.count());
    for (int i = 0; i < kKills; ++i) {
        const microseconds when(moment(random));
        SCOPED_TRACE(testing::Message() << "kill " << i << " after " << when.count() << " us");
        ASSERT_NO_FATAL_FAILURE(kill_tracer_after_seizure(target, when));
        const auto left = list_descriptors(target.pid());
        kills_during_a_call += left && left->size() > descriptors.size() ? 1 : 0;
        ASSERT_TRUE(gets_descriptors(target.pid(), descriptors));
        ASSERT_TRUE(target.goes_on());
        ASSERT_EQ(target.value("mismatches"), 0U);
    }
    target.program().send_signal(SIGTERM);
    EXPECT_EQ(target.program().wait().err, "") << "nothing may reach its own standard error";
}

void is_called_and_survives_kills(const std::string& name, microseconds longest) {
    TargetProgram target = TargetProgram::start(name);
    const auto captured = target.capture("print_many", kLines);
    ASSERT_TRUE(captured) << captured.error().message;
    ASSERT_TRUE(captured->text == printed_lines(kLines));
    int kills_during_a_call = 0;
    survives_kills(std::move(target), longest, kills_during_a_call);
    if (longest == kWholeCall) {
        EXPECT_GT(kills_during_a_call, 0);
    }
    testing::Test::RecordProperty("kills_during_a_call", kills_during_a_call);
}

}  // namespace

TEST(KilledTracer, LeavesAWaitingTargetAsItWasDuringTheFirstSteps) {
    is_called_and_survives_kills("ticks", kFirstSteps);
}

TEST(KilledTracer, LeavesAWaitingTargetAsItWasDuringTheWholeCall) {
    is_called_and_survives_kills("ticks", kWholeCall);
}

TEST(KilledTracer, LeavesABusyTargetsVectorRegistersAsTheyWere) {
    is_called_and_survives_kills("vector_registers", kWholeCall);
}

TEST(KilledTracer, LeavesSignalMaskAndAlternateStackAsTheyWere) {
    is_called_and_survives_kills("signal_settings", kWholeCall);
}

TEST(KilledTracer, LeavesATargetThatCannotMakeAFileAsItWas) {
    int kills_during_a_call = 0;
    survives_kills(
        TargetProgram::start("filtered", {"no-files"}), kFirstSteps, kills_during_a_call);
}

}  // namespace palloscope::test
