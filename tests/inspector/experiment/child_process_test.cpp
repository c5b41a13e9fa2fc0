#include "inspector/experiment/child_process.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "inspector/experiment/temporary_folder.hpp"
#include "inspector/experiment/text_file.hpp"
#include "tests/support/process_state.hpp"

namespace palloscope {
namespace {

constexpr std::chrono::seconds kPatience{30};

TEST(ChildProcess, GivesTheExitCodeOrTheSignalThatEndedIt) {
    auto three = ChildProcess::start({"sh", "-c", "exit 3"}, {});
    ASSERT_TRUE(three) << three.error().message;
    EXPECT_EQ(three->wait(), 3);
    EXPECT_EQ(three->exit_code(), 3);
    EXPECT_EQ(three->stop(kPatience), 3);
    auto killed = ChildProcess::start({"sh", "-c", "kill -USR1 $$"}, {});
    ASSERT_TRUE(killed) << killed.error().message;
    EXPECT_EQ(killed->wait(), 128 + SIGUSR1);
}

TEST(ChildProcess, NamesTheProgramThatCannotBeExecuted) {
    const auto child = ChildProcess::start({"no-such-program"}, {});
    ASSERT_FALSE(child);
    EXPECT_EQ(child.error().message, "cannot run no-such-program: No such file or directory");
}

TEST(ChildProcess, ReplacesVariablesOfTheEnvironment) {
    const auto folder = TemporaryFolder::make(std::nullopt);
    ASSERT_TRUE(folder) << folder.error().message;
    const auto output = create_file(*folder / "output");
    ASSERT_TRUE(output) << output.error().message;
    auto child = ChildProcess::start({"sh", "-c", "echo $HOME"},
                                     {.environment = {"HOME=/nowhere"}, .output = output->get()});
    ASSERT_TRUE(child) << child.error().message;
    EXPECT_EQ(child->wait(), 0);
    EXPECT_EQ(end_of_file(*folder / "output"), "/nowhere\n");
}

TEST(ChildProcess, EndsWithItsOwnerTogetherWithWhatItStarted) {
    const auto folder = TemporaryFolder::make(std::nullopt);
    ASSERT_TRUE(folder) << folder.error().message;
    const auto output = create_file(*folder / "output");
    ASSERT_TRUE(output) << output.error().message;
    {
        auto child = ChildProcess::start({"sh", "-c", "trap '' TERM; sleep 1000 & echo $!; wait"},
                                         {.output = output->get()});
        ASSERT_TRUE(child) << child.error().message;
        ASSERT_TRUE(test::eventually([&] { return !end_of_file(*folder / "output").empty(); }));
        const pid_t pid = child->pid();
        EXPECT_EQ(child->stop(std::chrono::milliseconds(50)), 128 + SIGKILL);
        EXPECT_NE(kill(pid, 0), 0);
    }
    const pid_t grandchild = std::stoi(end_of_file(*folder / "output"));
    EXPECT_TRUE(test::eventually([&] { return kill(grandchild, 0) != 0; }));
}

TEST(ChildProcess, LetsWhatItStartedEndWell) {
    const auto folder = TemporaryFolder::make(std::nullopt);
    ASSERT_TRUE(folder) << folder.error().message;
    const auto output = create_file(*folder / "output");
    ASSERT_TRUE(output) << output.error().message;
    auto child = ChildProcess::start(
        {"sh",
         "-c",
         "(trap 'sleep 0.2; echo cleared; exit' TERM; echo ready; while :; do sleep 0.01; done) & "
         "wait"},
        {.output = output->get()});
    ASSERT_TRUE(child) << child.error().message;
    ASSERT_TRUE(test::eventually([&] { return !end_of_file(*folder / "output").empty(); }));
    child->stop(kPatience);
    EXPECT_EQ(end_of_file(*folder / "output"), "ready\ncleared\n");
}

TEST(ChildProcess, IsWaitedForAlsoWhereOurCallerIgnoredTheEndOfChildren) {
    const auto previous = std::signal(SIGCHLD, SIG_IGN);
    auto child = ChildProcess::start({"sh", "-c", "exit 3"}, {});
    ASSERT_TRUE(child) << child.error().message;
    EXPECT_EQ(child->wait(), 3);
    std::signal(SIGCHLD, previous);
}

// The owner is a process of its own here, so that it can be killed.
TEST(ChildProcess, EndsWhenItsOwnerIsKilled) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    const pid_t owner = fork();
    if (owner == 0) {
        const auto child = ChildProcess::start({"sleep", "1000"}, {});
        const pid_t pid = child ? child->pid() : 0;
        (void)!write(ends[1], &pid, sizeof pid);
        pause();
        _exit(0);
    }
    pid_t pid = 0;
    ASSERT_EQ(read(ends[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
    ASSERT_GT(pid, 0);
    kill(owner, SIGKILL);
    waitpid(owner, nullptr, 0);
    close(ends[0]);
    close(ends[1]);
    // Nobody may be there to reap it: a zombie has ended as well.
    EXPECT_TRUE(test::eventually([&] {
        std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
        std::string number;
        std::string name;
        std::string state;
        return !(stat >> number >> name >> state) || state == "Z";
    }));
}

}  // namespace
}  // namespace palloscope
