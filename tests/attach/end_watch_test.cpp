#include "attach/end_watch.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <gtest/gtest.h>

namespace palloscope {
namespace {

TEST(ParseMemoryKills, ReadsTheCountOfEitherVersion) {
    EXPECT_EQ(parse_memory_kills("low 0\nhigh 0\nmax 17\noom 3\noom_kill 2\noom_group_kill 0\n"), 2)
        << "memory.events";
    EXPECT_EQ(parse_memory_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"), 1)
        << "memory.oom_control";
    EXPECT_EQ(parse_memory_kills("oom_kill_disable 0\nunder_oom 0\n"), std::nullopt);
    EXPECT_EQ(parse_memory_kills("oom_kill\n"), std::nullopt);
}

// Somebody's kill -9 is no lack of memory.
TEST(EndWatch, WakesWhenAProcessEndsAndBlamesNoMemoryForIt) {
    const pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    EndWatch ends;
    ends.watch(child, 1);
    kill(child, SIGKILL);
    ends.wait(std::chrono::hours(1));
    EXPECT_FALSE(ends.killed_for_memory(child));
    waitpid(child, nullptr, 0);
}

TEST(EndWatch, KnowsNothingOfAProcessThatIsNotThere) {
    EndWatch ends;
    ends.watch(INT32_MAX, 1);
    ends.wait(std::chrono::milliseconds(0));
    EXPECT_FALSE(ends.killed_for_memory(INT32_MAX));
}

}  // namespace
}  // namespace palloscope
