#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <random>

#include <gtest/gtest.h>

#include "tests/attach/target_program.hpp"
#include "tests/support/process_state.hpp"

// The promise that everything else rests on: whoever kills us, and at whichever instruction, the
// target goes on as if we had never been there.
namespace palloscope::test {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr int kKills = 250;
constexpr long kLines = 20000;  // a call of a millisecond or so

// A process that makes the target call print_many again and again.
pid_t start_tracer(const TargetProgram& target) {
    const pid_t tracer = fork();
    if (tracer == 0) {
        for (;;) {
            if (!target.capture("print_many", kLines)) {
                _exit(1);
            }
        }
    }
    return tracer;
}

void spin_for(microseconds time) {
    const Clock::time_point end = Clock::now() + time;
    while (Clock::now() < end) {
    }
}

// Kills a tracer `when` after the target was first seen to be traced.
void kill_tracer_after_seizure(const TargetProgram& target, microseconds when) {
    const pid_t tracer = start_tracer(target);
    ASSERT_GT(tracer, 0);
    while (tracer_pid(target.pid()) == 0) {
        ASSERT_EQ(waitpid(tracer, nullptr, WNOHANG), 0) << "the tracer could not make its call";
    }
    spin_for(when);
    kill(tracer, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(tracer, &status, 0), tracer);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the tracer ended by itself";
}

void survives_kills(const std::string& name, microseconds longest) {
    TargetProgram target = TargetProgram::start(name);
    const auto descriptors = open_descriptors(target.pid());
    std::mt19937 random(std::random_device{}());
    std::uniform_int_distribution<long> moment(0, longest.count());
    for (int i = 0; i < kKills; ++i) {
        const microseconds when(moment(random));
        SCOPED_TRACE(testing::Message()
                     << name << ", kill " << i << " after " << when.count() << " us");
        ASSERT_NO_FATAL_FAILURE(kill_tracer_after_seizure(target, when));
        ASSERT_TRUE(gets_descriptors(target.pid(), descriptors));
        ASSERT_TRUE(target.goes_on());
        ASSERT_EQ(target.value("mismatches"), 0U);
    }
    const auto captured = target.capture("print_many", 3);
    ASSERT_TRUE(captured) << captured.error().message;
    EXPECT_EQ(captured->text, printed_lines(3));
    target.program().send_signal(SIGTERM);
    EXPECT_EQ(target.program().wait().err, "") << "nothing may reach its own standard error";
}

}  // namespace

TEST(KilledTracer, LeavesAWaitingTargetAsItWasDuringTheFirstSteps) {
    survives_kills("ticks", microseconds(400));
}

TEST(KilledTracer, LeavesAWaitingTargetAsItWasDuringTheWholeCall) {
    survives_kills("ticks", microseconds(5000));
}

TEST(KilledTracer, LeavesABusyTargetsVectorRegistersAsTheyWere) {
    survives_kills("vector_registers", microseconds(5000));
}

TEST(KilledTracer, LeavesSignalMaskAndAlternateStackAsTheyWere) {
    survives_kills("signal_settings", microseconds(5000));
}

}  // namespace palloscope::test
