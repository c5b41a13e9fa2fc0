#include "attach/process.hpp"

#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <optional>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "tests/support/program.hpp"

namespace palloscope {

TEST(Process, KnowsWhetherItRuns) {
    test::Program sleeper = test::Program::start({"cat"}, {.keep_input_open = true});
    const auto process = Process::open(sleeper.pid());
    ASSERT_TRUE(process) << process.error().message;
    EXPECT_EQ(process->pid(), sleeper.pid());
    EXPECT_TRUE(process->alive());
    EXPECT_TRUE(process->require_alive());
    sleeper.close_input();
    sleeper.wait();
    EXPECT_FALSE(process->alive());
    EXPECT_EQ(process->require_alive().error().kind, Error::Kind::kGone);
}

namespace {

bool kernel_is_at_least(int major, int minor) {
    utsname name{};
    uname(&name);
    int major_here = 0;
    int minor_here = 0;
    std::sscanf(name.release, "%d.%d", &major_here, &minor_here);
    return std::pair(major_here, minor_here) >= std::pair(major, minor);
}

// What end_status tells of a child that SIGKILL ended, or that ended itself with exit code 2, as
// backends do when another was killed: before its parent asks, and after.
std::array<std::optional<int>, 2> end_status_of_child(bool killed) {
    std::array<int, 2> gate{};
    EXPECT_EQ(pipe(gate.data()), 0);
    const pid_t child = fork();
    if (child == 0) {
        char byte = 0;
        _exit(read(gate[0], &byte, 1) == 1 ? 2 : 1);
    }
    const auto process = Process::open(child);
    EXPECT_TRUE(process) << process.error().message;
    EXPECT_EQ(process->end_status(), std::nullopt);
    if (killed) {
        kill(child, SIGKILL);
    } else {
        EXPECT_EQ(write(gate[1], "x", 1), 1);
    }
    siginfo_t ended{};
    EXPECT_EQ(waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
    const auto before = process->end_status();
    EXPECT_EQ(waitpid(child, nullptr, 0), child);
    close(gate[0]);
    close(gate[1]);
    return {before, process->end_status()};
}

}  // namespace

TEST(Process, TellsHowItEnded) {
    constexpr int kExitedWith2 = 2 << 8;
    const bool told_later = kernel_is_at_least(6, 15);
    for (const bool killed : {true, false}) {
        const int status = killed ? SIGKILL : kExitedWith2;
        const auto [before, after] = end_status_of_child(killed);
        EXPECT_EQ(before, status);
        EXPECT_EQ(after, told_later ? std::optional(status) : std::nullopt);
    }
}

TEST(Process, IsNoThreadAndNoImpossibleNumber) {
    std::atomic<pid_t> thread_id = 0;
    std::atomic<bool> done = false;
    std::thread thread([&] {
        thread_id = gettid();
        thread_id.notify_one();
        done.wait(false);
    });
    thread_id.wait(0);
    for (const pid_t pid : {0, -1, INT32_MAX, thread_id.load()}) {
        const auto process = Process::open(pid);
        EXPECT_FALSE(process) << pid;
        EXPECT_EQ(process.error().kind, Error::Kind::kGone);
    }
    done = true;
    done.notify_one();
    thread.join();
}

// A poll(2) without a wait fails with EINTR all the same when a signal comes.
TEST(Process, RunsOnWhileWeGetSignals) {
    const auto process = Process::open(getppid());
    ASSERT_TRUE(process);
    static std::atomic<int> signals = 0;
    auto* const before = signal(SIGUSR1, [](int) { ++signals; });
    const pid_t sender = fork();
    if (sender == 0) {
        for (int i = 0; i < 20000; ++i) {
            kill(getppid(), SIGUSR1);
        }
        _exit(0);
    }
    int wrong = 0;
    while (waitpid(sender, nullptr, WNOHANG) == 0) {
        wrong += process->alive() ? 0 : 1;
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_GT(signals, 0);
    signal(SIGUSR1, before);
}

TEST(Process, DuplicatesADescriptorWithItsOffset) {
    std::FILE* const file = std::tmpfile();
    ASSERT_EQ(write(fileno(file), "abc", 3), 3);
    const auto process = Process::open(getpid());
    ASSERT_TRUE(process);
    const auto duplicate = process->duplicate_descriptor(fileno(file));
    ASSERT_TRUE(duplicate) << duplicate.error().message;
    EXPECT_EQ(lseek(duplicate->get(), 0, SEEK_CUR), 3);
    std::fclose(file);
    EXPECT_FALSE(process->duplicate_descriptor(9999));
}

}  // namespace palloscope
