#include "tests/support/program.hpp"

#include <csignal>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/process_state.hpp"

namespace palloscope::test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

ProgramResult run_shell(const std::string& script, const ProgramOptions& options = {}) {
    return run_program({"sh", "-c", script}, options);
}

TEST(Program, ReportsOutputErrorsAndExitCode) {
    EXPECT_EQ(run_shell("echo out; echo err >&2; exit 3"),
              (ProgramResult{.exit_code = 3, .signal = 0, .out = "out\n", .err = "err\n"}));
}

TEST(Program, TellsASignalFromAnExitCode) {
    const ProgramResult result = run_shell("kill -TERM $$");
    EXPECT_EQ(result.exit_code, -1);
    EXPECT_EQ(result.signal, SIGTERM);
}

TEST(Program, ReadsMoreThanAPipeHolds) {
    EXPECT_EQ(run_shell("head -c 1000000 /dev/zero").out.size(), 1'000'000U);
}

TEST(Program, GetsInputEnvironmentAndFolder) {
    const ProgramResult result =
        run_shell("cat; echo $COLOUR; pwd",
                  {.environment = {"COLOUR=green"}, .working_directory = "/usr", .input = "in\n"});
    EXPECT_EQ(result.out, "in\ngreen\n/usr\n");
}

TEST(Program, SaysWhyAProgramCannotRun) {
    const ProgramResult result = run_program({"/no/such/program"});
    EXPECT_EQ(result.exit_code, 127);
    EXPECT_THAT(result.err, HasSubstr("cannot run /no/such/program: No such file"));
}

TEST(Program, IsKilledWhenItTakesTooLong) {
    Program program = Program::start({"sh", "-c", "echo waiting; exec sleep 100"});
    const pid_t pid = program.pid();
    program.wait_for_output("waiting");
    EXPECT_THROW(program.wait(milliseconds(1)), std::runtime_error);
    EXPECT_THROW(state_of(pid), std::runtime_error);
}

TEST(Program, TakesSignalsWhileItRuns) {
    // A shell about to read would not see the signal before a line came.
    Program program =
        Program::start({"sh", "-c", "trap 'exit 7' INT; echo ready; while :; do sleep 0.01; done"});
    program.wait_for_output("ready");
    program.send_signal(SIGINT);
    EXPECT_EQ(program.wait().exit_code, 7);
}

TEST(Program, EndsWhenItsInputIsClosed) {
    Program program = Program::start({"cat"}, {.keep_input_open = true});
    program.close_input();
    EXPECT_EQ(program.wait().exit_code, 0);
}

TEST(Program, DoesNotOutliveItsOwner) {
    pid_t pid = 0;
    {
        const Program program = Program::start({"sleep", "100"});
        pid = program.pid();
    }
    EXPECT_THROW(state_of(pid), std::runtime_error);
}

TEST(Program, ThrowsWhenItEndsBeforeTheAwaitedOutput) {
    Program program = Program::start({"echo", "something else"});
    EXPECT_THROW(program.wait_for_output("ready"), std::runtime_error);
}

}  // namespace
}  // namespace palloscope::test
