#include "attach/stopped_process.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "attach/proc.hpp"
#include "tests/attach/target_program.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTimeout{5000};

// Whether nothing of it runs between two looks.
bool stands_still(const TargetProgram& target, const std::string& variable) {
    const std::uint64_t before = target.value(variable);
    constexpr int kLooks = 2000;
    for (int i = 0; i < kLooks; ++i) {
        if (target.value(variable) != before) {
            return false;
        }
    }
    return true;
}

}  // namespace

TEST(StoppedProcess, HoldsTheProcessUntilItGoesOutOfScope) {
    const TargetProgram target = TargetProgram::start("spins");
    {
        const auto stopped = StoppedProcess::seize(target.pid(), kTimeout);
        ASSERT_TRUE(stopped) << stopped.error().message;
        EXPECT_EQ(state_of(target.pid()), 't');
        EXPECT_EQ(tracer_pid(target.pid()), getpid());
        EXPECT_TRUE(stands_still(target, "counter"));
        EXPECT_FALSE(stopped->in_group_stop());
    }
    EXPECT_TRUE(target.goes_on());
}

TEST(StoppedProcess, MovesWithoutLettingGo) {
    const TargetProgram target = TargetProgram::start("spins");
    {
        auto stopped = StoppedProcess::seize(target.pid(), kTimeout);
        ASSERT_TRUE(stopped);
        const StoppedProcess moved = std::move(*stopped);
        stopped = tl::unexpected(Error{});
        EXPECT_TRUE(stands_still(target, "counter"));
    }
    EXPECT_TRUE(target.goes_on());
}

TEST(StoppedProcess, HoldsEveryThread) {
    const TargetProgram target = TargetProgram::start("threads");
    {
        const auto stopped = StoppedProcess::seize(target.pid(), kTimeout);
        ASSERT_TRUE(stopped);
        const std::vector<pid_t> threads = list_threads(target.pid()).value();
        EXPECT_EQ(threads.size(), 4U);
        for (const pid_t thread : threads) {
            EXPECT_EQ(state_of(thread), 't');
        }
    }
    EXPECT_TRUE(target.goes_on());
}

// A stop would fail what it is doing with EINTR.
TEST(StoppedProcess, LetsWorkersOfIoUringGoOn) {
    const TemporaryFolder folder;
    const TargetProgram target =
        TargetProgram::start("opens_by_io_uring", {(folder.path() / "fifo").string()});
    ASSERT_TRUE(eventually([&] { return target.value("opens") > 0; }));
    int stops_beside_worker = 0;
    constexpr int kStops = 200;
    for (int i = 0; i < kStops; ++i) {
        const auto stopped = StoppedProcess::seize(target.pid(), kTimeout);
        ASSERT_TRUE(stopped) << stopped.error().message;
        EXPECT_EQ(stopped->threads(), 1U);
        ASSERT_TRUE(stands_still(target, "counter"));
        const std::vector<pid_t> threads = list_threads(target.pid()).value();
        stops_beside_worker += static_cast<int>(std::ranges::count_if(threads, is_io_worker));
    }
    EXPECT_GE(stops_beside_worker, kStops);
    const std::uint64_t opens = target.value("opens");
    EXPECT_TRUE(eventually([&] { return target.value("opens") > opens; }));
    EXPECT_EQ(target.value("failures"), 0U);
    EXPECT_TRUE(target.goes_on());
}

TEST(StoppedProcess, CatchesUpWithThreadsThatAreMadeAndEndMeanwhile) {
    const TargetProgram target = TargetProgram::start("spawns_threads");
    for (int i = 0; i < 200; ++i) {
        const auto stopped = StoppedProcess::seize(target.pid(), kTimeout);
        ASSERT_TRUE(stopped) << stopped.error().message;
        ASSERT_TRUE(stands_still(target, "counter"));
    }
    EXPECT_TRUE(target.goes_on());
}

TEST(StoppedProcess, LosesAndDoublesNoSignalOfAStorm) {
    const TargetProgram target = TargetProgram::start("counts_signals");
    constexpr int kSignals = 20000;
    const pid_t sender = fork();
    if (sender == 0) {
        for (int i = 1; i <= kSignals;) {
            i += sigqueue(target.pid(), SIGRTMIN, {.sival_int = i}) == 0 ? 1 : 0;
        }
        _exit(0);
    }
    while (waitpid(sender, nullptr, WNOHANG) == 0) {
        auto stopped = StoppedProcess::seize(target.pid(), kTimeout);
        ASSERT_TRUE(stopped) << stopped.error().message;
        (void)stopped->run_to_syscall_stop(kTimeout);
    }
    EXPECT_TRUE(eventually([&] { return target.value("signals_seen") >= kSignals; }));
    EXPECT_EQ(target.value("signals_seen"), std::uint64_t{kSignals});
    EXPECT_EQ(target.value("sum_of_values"), std::uint64_t{kSignals} * (kSignals + 1) / 2);
    EXPECT_TRUE(target.goes_on());
}

// Killed between the stop for a signal and letting the process go on with it.
TEST(StoppedProcess, LosesNoSignalWhenWeDie) {
    const TargetProgram target = TargetProgram::start("counts_signals");
    constexpr int kValue = 7;
    const pid_t tracer = fork();
    if (tracer == 0) {
        auto stopped = StoppedProcess::seize(target.pid(), kTimeout);
        if (!stopped || sigqueue(target.pid(), SIGRTMIN, {.sival_int = kValue}) != 0) {
            _exit(1);
        }
        const auto run = stopped->run_to_end(kTimeout);
        _exit(run && *run == RunResult{RunResult::Kind::kSignal, SIGRTMIN} ? 0 : 2);
    }
    int status = 0;
    ASSERT_EQ(waitpid(tracer, &status, 0), tracer);
    ASSERT_EQ(status, 0);
    EXPECT_TRUE(eventually([&] { return target.value("signals_seen") == 1; }));
    EXPECT_EQ(target.value("sum_of_values"), std::uint64_t{kValue});
}

TEST(StoppedProcess, KeepsASignalThatComesWhileItHolds) {
    const TargetProgram target = TargetProgram::start("counts_signals");
    {
        const auto stopped = StoppedProcess::seize(target.pid(), kTimeout);
        ASSERT_TRUE(stopped);
        ASSERT_EQ(sigqueue(target.pid(), SIGRTMIN, {.sival_int = 7}), 0);
        EXPECT_EQ(target.value("signals_seen"), 0U);
    }
    EXPECT_TRUE(eventually([&] { return target.value("sum_of_values") == 7; }));
    EXPECT_EQ(target.value("signals_seen"), 1U);
}

TEST(StoppedProcess, LeavesAProcessStoppedThatASignalHasStopped) {
    const TargetProgram target = TargetProgram::start("spins");
    kill(target.pid(), SIGSTOP);
    ASSERT_TRUE(eventually([&] { return state_of(target.pid()) == 'T'; }));
    {
        const auto stopped = StoppedProcess::seize(target.pid(), kTimeout);
        ASSERT_TRUE(stopped);
        EXPECT_TRUE(stopped->in_group_stop());
    }
    EXPECT_TRUE(eventually([&] { return state_of(target.pid()) == 'T'; }));
    EXPECT_EQ(tracer_pid(target.pid()), 0);
    EXPECT_TRUE(stands_still(target, "counter"));
    kill(target.pid(), SIGCONT);
    EXPECT_TRUE(target.goes_on());
}

TEST(StoppedProcess, StopsForASignalThatComesWhileItHolds) {
    const TargetProgram target = TargetProgram::start("ticks");
    {
        auto stopped = StoppedProcess::seize(target.pid(), kTimeout);
        ASSERT_TRUE(stopped);
        kill(target.pid(), SIGSTOP);
        ASSERT_TRUE(stopped->run_to_syscall_stop(kTimeout));
    }
    EXPECT_TRUE(eventually([&] { return state_of(target.pid()) == 'T'; }));
    kill(target.pid(), SIGCONT);
    EXPECT_TRUE(target.goes_on());
}

// As by Ctrl-Z: to be suspended while it holds a process would be to suspend that too.
TEST(StoppedProcess, IsSuspendedOnlyOnceTheProcessRunsOn) {
    const TargetProgram target = TargetProgram::start("spins");
    const pid_t tracer = fork();
    if (tracer == 0) {
        // Nobody suspends a group whose processes have no parent beside it (credentials(7)).
        setpgid(0, 0);
        {
            auto stopped = StoppedProcess::seize(target.pid(), kTimeout);
            const auto moved = StoppedProcess(std::move(stopped.value()));
            raise(SIGTSTP);
        }
        _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(tracer, &status, WUNTRACED), tracer);
    EXPECT_TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
    EXPECT_EQ(tracer_pid(target.pid()), 0);
    EXPECT_TRUE(target.goes_on());
    kill(tracer, SIGCONT);
    ASSERT_EQ(waitpid(tracer, &status, 0), tracer);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(StoppedProcess, NamesTheTracerOfAProcessThatIsTracedAlready) {
    const TargetProgram target = TargetProgram::start("spins");
    Program strace = Program::start({"strace", "-p", std::to_string(target.pid())});
    strace.wait_for_output("attached");
    const auto stopped = StoppedProcess::seize(target.pid(), kTimeout);
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind, Error::Kind::kTraced);
    EXPECT_NE(stopped.error().message.find(std::to_string(strace.pid()) + " (strace)"),
              std::string::npos)
        << stopped.error().message;
    strace.send_signal(SIGINT);
    strace.wait();
    EXPECT_TRUE(target.goes_on());
}

// Two palloscopes take turns, however near their moments are.
TEST(StoppedProcess, WaitsForAnotherTracerThatLetsGo) {
    const TargetProgram target = TargetProgram::start("spins");
    const auto count_failures = [&] {
        int failures = 0;
        for (int i = 0; i < 300; ++i) {
            failures += StoppedProcess::seize(target.pid(), kTimeout) ? 0 : 1;
            std::this_thread::sleep_for(std::chrono::microseconds(i % 50));
        }
        return failures;
    };
    const pid_t other = fork();
    if (other == 0) {
        _exit(std::min(count_failures(), 255));
    }
    EXPECT_EQ(count_failures(), 0);
    int status = 0;
    ASSERT_EQ(waitpid(other, &status, 0), other);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(target.goes_on());
}

TEST(StoppedProcess, SaysThatAProcessIsGone) {
    TargetProgram target = TargetProgram::start("spins");
    const pid_t pid = target.pid();
    // A zombie, which its parent, we, has not reaped yet.
    kill(pid, SIGKILL);
    ASSERT_TRUE(eventually([&] { return state_of(pid) == 'Z'; }));
    const auto zombie = StoppedProcess::seize(pid, kTimeout);
    ASSERT_FALSE(zombie);
    EXPECT_EQ(zombie.error().kind, Error::Kind::kGone);
    target.program().wait();
    const auto gone = StoppedProcess::seize(pid, kTimeout);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().kind, Error::Kind::kGone);
}

TEST(StoppedProcess, LetsItsParentReapAProcessThatIsKilledWhileItHolds) {
    for (const std::string name : {"spins", "threads"}) {
        TargetProgram target = TargetProgram::start(name);
        {
            auto stopped = StoppedProcess::seize(target.pid(), kTimeout);
            ASSERT_TRUE(stopped);
            kill(target.pid(), SIGKILL);
            const auto moved_on = stopped->run_to_syscall_stop(kTimeout);
            ASSERT_FALSE(moved_on);
            EXPECT_EQ(moved_on.error().kind, Error::Kind::kGone);
        }
        // We are tracer and parent at once: what the tracer reaped is reaped.
        EXPECT_TRUE(eventually([&] { return !is_running(target.pid()); }));
    }
}

TEST(StoppedProcess, IsNotDisturbedByAProcessThatBecomesAnotherProgram) {
    // No TargetProgram: its memory and its C library lie elsewhere a moment later.
    Program target =
        Program::start({PALLOSCOPE_BINARY_DIR "/tests/attach/targets/executes_itself"});
    target.wait_for_output("ready");
    for (int i = 0; i < 300; ++i) {
        auto stopped = StoppedProcess::seize(target.pid(), kTimeout);
        ASSERT_TRUE(stopped) << stopped.error().message;
        ASSERT_TRUE(stopped->run_to_syscall_stop(kTimeout));
    }
    EXPECT_NE(state_of(target.pid()), 't');
    EXPECT_EQ(tracer_pid(target.pid()), 0);
}

TEST(StoppedProcess, DoesNotTouchAProcessThatSleepsUninterruptibly) {
    TargetProgram target = TargetProgram::start("vforks", {}, {.keep_input_open = true});
    ASSERT_TRUE(eventually([&] { return read_syscall(target.pid()).value() == SYS_pause; }));
    kill(target.pid(), SIGUSR1);
    ASSERT_TRUE(eventually([&] { return state_of(target.pid()) == 'D'; }));
    const auto stopped = StoppedProcess::seize(target.pid(), milliseconds(50));
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind, Error::Kind::kTimeout);
    EXPECT_EQ(tracer_pid(target.pid()), 0);
    target.program().close_input();
    EXPECT_TRUE(target.goes_on());
}

TEST(StoppedProcess, LetsGoLateOfAProcessThatDidNotComeBack) {
    TargetProgram target = TargetProgram::start("vforks", {}, {.keep_input_open = true});
    ASSERT_TRUE(eventually([&] { return read_syscall(target.pid()).value() == SYS_pause; }));
    {
        auto stopped = StoppedProcess::seize(target.pid(), kTimeout);
        ASSERT_TRUE(stopped);
        kill(target.pid(), SIGUSR1);
        Result<> moved_on;
        while (moved_on) {
            moved_on = stopped->run_to_syscall_stop(milliseconds(100));
        }
        EXPECT_EQ(moved_on.error().kind, Error::Kind::kTimeout);
    }
    EXPECT_EQ(tracer_pid(target.pid()), getpid()) << "the kernel lets no running tracee go";
    const auto again = StoppedProcess::seize(target.pid(), milliseconds(50));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, Error::Kind::kTimeout) << again.error().message;
    target.program().close_input();
    EXPECT_TRUE(eventually([&] {
        StoppedProcess::release_late_stops();
        return tracer_pid(target.pid()) == 0;
    }));
    EXPECT_TRUE(target.goes_on());
}

}  // namespace palloscope::test
