#include "tests/support/process_state.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/program.hpp"

namespace palloscope::test {
namespace {

TEST(ProcessState, TellsASleepingProcessFromAStoppedOne) {
    const Program program = Program::start({"cat"}, {.keep_input_open = true});
    EXPECT_TRUE(eventually([&] { return state_of(program.pid()) == 'S'; }));

    program.send_signal(SIGSTOP);
    EXPECT_TRUE(eventually([&] { return state_of(program.pid()) == 'T'; }));
    EXPECT_EQ(tracer_pid(program.pid()), 0);
}

TEST(ProcessState, KnowsTheOpenDescriptors) {
    const FileDescriptor null(open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(open_descriptors(getpid()).at(null.get()), "/dev/null");
}

TEST(ProcessState, KnowsTheChildren) {
    const Program program = Program::start({"cat"}, {.keep_input_open = true});
    EXPECT_THAT(children_of(getpid()), testing::Contains(program.pid()));
}

TEST(ProcessState, GivesALaterProcessALaterStartTime) {
    const Program program = Program::start({"cat"}, {.keep_input_open = true});
    EXPECT_GE(start_time(program.pid()), start_time(getpid()));
    EXPECT_GT(start_time(getpid()), 0U);
}

TEST(ProcessState, ThrowsForAProcessThatIsGone) {
    Program program = Program::start({"true"});
    const pid_t pid = program.pid();
    program.wait();
    EXPECT_THROW(state_of(pid), std::runtime_error);
    EXPECT_FALSE(is_running(pid));
    EXPECT_THROW(tracer_pid(pid), std::runtime_error);
    EXPECT_THROW(start_time(pid), std::runtime_error);
    EXPECT_THROW(children_of(pid), std::runtime_error);
    EXPECT_THROW(open_descriptors(pid), std::runtime_error);
}

}  // namespace
}  // namespace palloscope::test
