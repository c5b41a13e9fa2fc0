#include "attach/captured_call.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <csignal>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "attach/proc.hpp"
#include "tests/attach/target_program.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {

namespace {

void sleeps_in(const TargetProgram& target, long number) {
    ASSERT_TRUE(eventually([&] { return read_syscall(target.pid()).value() == number; }));
}

// A target that sleeps in the system call of that name and number.
TargetProgram start_waiting(const std::string& kind, long number) {
    TargetProgram target = TargetProgram::start("waits", {kind}, {.keep_input_open = true});
    sleeps_in(target, number);
    return target;
}

}  // namespace

TEST(CapturedCall, GivesExactlyWhatTheFunctionWrote) {
    const TargetProgram target = TargetProgram::start("ticks");
    for (const long lines : {0L, 1L, 1000L, 655360L}) {
        const auto captured = target.capture("print_many", lines);
        ASSERT_TRUE(captured) << captured.error().message;
        EXPECT_TRUE(captured->text == printed_lines(lines)) << lines << " lines";
        EXPECT_GT(captured->pause_us, 0);
        EXPECT_TRUE(target.goes_on());
    }
}

TEST(CapturedCall, LeavesDescriptorsAndStandardErrorAsTheyWere) {
    TargetProgram target = TargetProgram::start("ticks");
    const auto before = open_descriptors(target.pid());
    const auto flags = read_descriptor_flags(target.pid(), 2);
    for (int i = 0; i < 200; ++i) {
        ASSERT_TRUE(target.capture("print_many", 10));
    }
    ASSERT_TRUE(gets_descriptors(target.pid(), before));
    EXPECT_EQ(read_descriptor_flags(target.pid(), 2), flags);
    target.program().send_signal(SIGTERM);
    EXPECT_EQ(target.program().wait().err, "");
}

TEST(CapturedCall, LeavesVectorRegistersAndControlWordsAsTheyWere) {
    const TargetProgram target = TargetProgram::start("vector_registers");
    for (int i = 0; i < 200; ++i) {
        ASSERT_TRUE(target.capture("print_many", 10));
    }
    EXPECT_TRUE(target.goes_on());
    EXPECT_EQ(target.value("mismatches"), 0U);
}

TEST(CapturedCall, LeavesSignalMaskAndAlternateStackAsTheyWere) {
    const TargetProgram target = TargetProgram::start("signal_settings");
    for (int i = 0; i < 500; ++i) {
        ASSERT_TRUE(target.capture("print_many", 10));
    }
    EXPECT_TRUE(target.goes_on());
    EXPECT_EQ(target.value("mismatches"), 0U);
}

TEST(CapturedCall, MakesEpollWaitReturnWithEintrAsAnyStopDoes) {
    const TargetProgram target = start_waiting("epoll_wait", SYS_epoll_wait);
    ASSERT_TRUE(target.capture("print_many", 10));
    EXPECT_TRUE(eventually([&] { return target.value("counter") == 1; }));
    EXPECT_EQ(target.value("last_errno"), std::uint64_t{EINTR});
    sleeps_in(target, SYS_epoll_wait);
}

TEST(CapturedCall, LetsReadGoOn) {
    TargetProgram target = start_waiting("read", SYS_read);
    ASSERT_TRUE(target.capture("print_many", 10));
    sleeps_in(target, SYS_read);
    EXPECT_EQ(target.value("counter"), 0U) << "it has not returned";
    target.program().close_input();
    EXPECT_TRUE(eventually([&] { return target.value("counter") == 1; }));
    EXPECT_EQ(target.value("last_result"), 0U) << "the end of its input, and no error";
}

TEST(CapturedCall, LetsFutexGoOn) {
    const TargetProgram target = start_waiting("futex", SYS_futex);
    ASSERT_TRUE(target.capture("print_many", 10));
    sleeps_in(target, SYS_futex);
    EXPECT_EQ(target.value("counter"), 0U) << "it has not returned";
}

TEST(CapturedCall, LetsPollWithoutTimeoutGoOn) {
    TargetProgram target = start_waiting("poll", SYS_poll);
    ASSERT_TRUE(target.capture("print_many", 10));
    sleeps_in(target, SYS_poll);
    EXPECT_EQ(target.value("counter"), 0U) << "it has not returned";
    target.program().close_input();
    EXPECT_TRUE(eventually([&] { return target.value("counter") == 1; }));
    EXPECT_EQ(target.value("last_result"), 1U) << "the end of its input is an event";
}

TEST(CapturedCall, MakesPollWithTimeoutReturnWithEintr) {
    const TargetProgram target = start_waiting("poll-with-timeout", SYS_poll);
    ASSERT_TRUE(target.capture("print_many", 10));
    EXPECT_TRUE(eventually([&] { return target.value("counter") == 1; }));
    EXPECT_EQ(target.value("last_errno"), std::uint64_t{EINTR});
}

TEST(CapturedCall, MakesNanosleepReturnWithEintrAndTheTimeLeft) {
    const TargetProgram target = start_waiting("nanosleep", SYS_clock_nanosleep);
    ASSERT_TRUE(target.capture("print_many", 10));
    EXPECT_TRUE(eventually([&] { return target.value("counter") == 1; }));
    EXPECT_EQ(target.value("last_errno"), std::uint64_t{EINTR});
    EXPECT_GT(target.value("seconds_left"), 900U);
    EXPECT_LE(target.value("seconds_left"), 1000U);
}

TEST(CapturedCall, NeedsAStandardError) {
    const TargetProgram target = TargetProgram::start("without_stderr");
    const auto captured = target.capture("print_many", 1);
    ASSERT_FALSE(captured);
    EXPECT_EQ(captured.error().kind, Error::Kind::kUnsupported);
    EXPECT_NE(captured.error().message.find("standard error"), std::string::npos);
    EXPECT_TRUE(target.goes_on());
}

TEST(CapturedCall, NeedsTwoFreeDescriptors) {
    const TargetProgram target = TargetProgram::start("ticks");
    const auto before = open_descriptors(target.pid());
    // All numbers below the limit are taken but one.
    rlim_t taken_or_one_free = 0;
    for (bool free_seen = false; !free_seen || before.contains(static_cast<int>(taken_or_one_free));
         ++taken_or_one_free) {
        free_seen |= !before.contains(static_cast<int>(taken_or_one_free));
    }
    const rlimit limit{.rlim_cur = taken_or_one_free, .rlim_max = taken_or_one_free};
    ASSERT_EQ(prlimit(target.pid(), RLIMIT_NOFILE, &limit, nullptr), 0);
    const auto captured = target.capture("print_many", 1);
    ASSERT_FALSE(captured);
    EXPECT_EQ(captured.error().kind, Error::Kind::kUnsupported);
    EXPECT_NE(captured.error().message.find("descriptors"), std::string::npos);
    EXPECT_TRUE(gets_descriptors(target.pid(), before));
    EXPECT_TRUE(target.goes_on());
}

TEST(CapturedCall, RefusesAProcessThatMayNotWriteLargeFiles) {
    const TargetProgram target = TargetProgram::start("ticks");
    const rlimit limit{.rlim_cur = 4096, .rlim_max = 4096};
    ASSERT_EQ(prlimit(target.pid(), RLIMIT_FSIZE, &limit, nullptr), 0);
    const auto captured = target.capture("print_many", 1000);
    ASSERT_FALSE(captured);
    EXPECT_EQ(captured.error().kind, Error::Kind::kUnsupported);
    EXPECT_TRUE(target.goes_on()) << "SIGXFSZ would have ended it";
}

TEST(CapturedCall, GivesUpOnAFunctionThatNeverReturns) {
    const TargetProgram target = TargetProgram::start("spins");
    const auto captured = target.capture("never_return", 0, std::chrono::milliseconds(200));
    ASSERT_FALSE(captured);
    EXPECT_EQ(captured.error().kind, Error::Kind::kFailed);
    EXPECT_TRUE(target.goes_on()) << "in the function";
}

TEST(CapturedCall, UsesAFileInSharedMemoryUnderASeccompFilter) {
    const TargetProgram target = TargetProgram::start("filtered");
    const auto before = open_descriptors(target.pid());
    const auto captured = target.capture("print_many", 1000);
    ASSERT_TRUE(captured) << captured.error().message;
    EXPECT_EQ(captured->text, printed_lines(1000));
    EXPECT_TRUE(gets_descriptors(target.pid(), before));
    EXPECT_TRUE(target.goes_on());
}

TEST(CapturedCall, LeavesNothingBehindWhereNoFileCanBeMade) {
    const TargetProgram target = TargetProgram::start("filtered", {"no-files"});
    const auto before = open_descriptors(target.pid());
    const auto captured = target.capture("print_many", 1000);
    ASSERT_FALSE(captured);
    EXPECT_EQ(captured.error().kind, Error::Kind::kUnsupported);
    EXPECT_TRUE(gets_descriptors(target.pid(), before));
    EXPECT_TRUE(target.goes_on());
}

TEST(CapturedCall, RefusesAStackThatMayHaveNoRoom) {
    const TargetProgram target = TargetProgram::start("alternate_stack");
    const auto captured = target.capture("print_many", 1);
    ASSERT_FALSE(captured);
    EXPECT_EQ(captured.error().kind, Error::Kind::kUnsupported);
    EXPECT_NE(captured.error().message.find("stack"), std::string::npos);
    EXPECT_TRUE(target.goes_on());
}

TEST(CapturedCall, RefusesAProcessThatASignalHasStopped) {
    const TargetProgram target = TargetProgram::start("ticks");
    kill(target.pid(), SIGSTOP);
    ASSERT_TRUE(eventually([&] { return state_of(target.pid()) == 'T'; }));
    const auto captured = target.capture("print_many", 1);
    ASSERT_FALSE(captured);
    EXPECT_EQ(captured.error().kind, Error::Kind::kTimeout);
    EXPECT_TRUE(eventually([&] { return state_of(target.pid()) == 'T'; }));
    kill(target.pid(), SIGCONT);
    EXPECT_TRUE(target.goes_on());
}

TEST(CapturedCall, DeliversEverySignalOnceThatArrivesMeanwhile) {
    const TargetProgram target = TargetProgram::start("counts_signals");
    std::uint64_t sent = 0;
    std::uint64_t sum = 0;
    for (int i = 0; i < 100; ++i) {
        for (int j = 0; j < 5; ++j) {
            ++sent;
            sum += sent;
            ASSERT_EQ(sigqueue(target.pid(), SIGRTMIN, {.sival_int = static_cast<int>(sent)}), 0);
        }
        kill(target.pid(), SIGUSR2);
        ASSERT_TRUE(target.capture("print_many", 10));
    }
    EXPECT_TRUE(eventually([&] { return target.value("signals_seen") == sent; }));
    EXPECT_EQ(target.value("sum_of_values"), sum);
    EXPECT_TRUE(target.goes_on());
}

// Killed in the middle, we would leave the chain to close what another thread opened meanwhile.
TEST(CapturedCall, RefusesAProcessWithSeveralThreads) {
    const TargetProgram target = TargetProgram::start("threads");
    const auto captured = target.capture("print_many", 1000);
    ASSERT_FALSE(captured);
    EXPECT_EQ(captured.error().kind, Error::Kind::kUnsupported);
    EXPECT_TRUE(target.goes_on());
}

TEST(CapturedCall, RefusesAProcessForWhichIoUringWorks) {
    const TemporaryFolder folder;
    const TargetProgram target =
        TargetProgram::start("opens_by_io_uring", {(folder.path() / "fifo").string()});
    ASSERT_TRUE(eventually([&] { return target.value("opens") > 0; }));
    const auto captured = target.capture("print_many", 1000);
    ASSERT_FALSE(captured);
    EXPECT_EQ(captured.error().kind, Error::Kind::kUnsupported);
    EXPECT_EQ(target.value("failures"), 0U);
    EXPECT_TRUE(target.goes_on());
}

}  // namespace palloscope::test
