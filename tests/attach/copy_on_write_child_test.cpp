#include "attach/copy_on_write_child.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "attach/proc.hpp"
#include "attach/stopped_process.hpp"
#include "tests/attach/target_program.hpp"
#include "tests/support/process_state.hpp"

namespace palloscope::test {

namespace {

constexpr std::chrono::seconds kTimeout{30};

void sleeps_in(const TargetProgram& target, long number) {
    ASSERT_TRUE(eventually([&] { return read_syscall(target.pid()).value() == number; }));
}

TargetProgram start_waiting(const std::string& kind, long number) {
    TargetProgram target = TargetProgram::start("waits", {kind}, {.keep_input_open = true});
    sleeps_in(target, number);
    return target;
}

// Makes a child and ends it.
void is_copied(const TargetProgram& target) {
    auto child = target.copy();
    ASSERT_TRUE(child) << child.error().message;
    const auto pause = child->end();
    ASSERT_TRUE(pause) << pause.error().message;
    ASSERT_FALSE(is_running(child->pid()));
}

std::uint64_t value_in(const CopyOnWriteChild& child, RemoteAddress address) {
    return child.memory().read<std::uint64_t>(address).value();
}

FunctionCall call_of(const TargetProgram& target,
                     std::string_view function,
                     std::uint64_t argument = 0) {
    return {target.address_of(function), {argument}};
}

// Whether nobody traces the process, and no child of ours is left to it.
void is_left_alone(const TargetProgram& target) {
    EXPECT_TRUE(target.goes_on());
    EXPECT_EQ(children_of(target.pid()), std::vector<pid_t>{});
}

// Whether we trace no process.
bool traces_nobody() {
    return std::ranges::none_of(list_processes(), [](pid_t pid) {
        const auto status = read_status(pid);
        return status && status->tracer_pid == getpid();
    });
}

}  // namespace

TEST(CopyOnWriteChild, IsAnImageOfOneMomentWhileTheProcessGoesOn) {
    const TargetProgram target = TargetProgram::start("generations", {"16"});
    constexpr std::uint64_t kPageBytes = 4096;
    const RemoteAddress pages{target.value("pages")};
    const std::uint64_t count = target.value("page_count");
    for (int i = 0; i < 5; ++i) {
        const auto child = target.copy();
        ASSERT_TRUE(child) << child.error().message;
        EXPECT_TRUE(target.goes_on());
        const std::uint64_t newest = value_in(*child, pages);
        std::uint64_t page = 0;
        while (page < count && value_in(*child, pages + page * kPageBytes) == newest) {
            ++page;
        }
        const bool round_is_complete = page == count;
        for (; page < count; ++page) {
            ASSERT_EQ(value_in(*child, pages + page * kPageBytes), newest - 1) << "page " << page;
        }
        // It counts a round once its last page is written.
        const std::uint64_t counted = value_in(*child, target.address_of("counter"));
        EXPECT_TRUE(counted == newest - 1 || (round_is_complete && counted == newest)) << counted;
        EXPECT_TRUE(eventually([&] { return target.value("counter") > newest; }));
    }
    EXPECT_EQ(children_of(target.pid()), std::vector<pid_t>{});
}

// What the process has for itself, in bytes.
std::int64_t private_bytes(pid_t pid) {
    const auto rollup = read_smaps_rollup(pid).value();
    return rollup.private_clean_bytes + rollup.private_dirty_bytes;
}

TEST(CopyOnWriteChild, TakesNoMemoryWhereItIsRead) {
    const TargetProgram target = TargetProgram::start("generations", {"16", "once"});
    EXPECT_TRUE(eventually([&] { return target.value("counter") == 1; }));
    constexpr std::size_t kBytes = std::size_t{16} << 20U;
    const auto child = target.copy();
    ASSERT_TRUE(child) << child.error().message;
    const std::int64_t before = private_bytes(child->pid());
    std::vector<std::byte> bytes(kBytes);
    const RemotePiece piece{.address = RemoteAddress{target.value("pages")}, .into = bytes};
    ASSERT_TRUE(child->memory().gather(std::span(&piece, 1)));
    EXPECT_EQ(static_cast<int>(bytes.front()), 1);
    EXPECT_LT(private_bytes(child->pid()) - before, static_cast<std::int64_t>(kBytes / 16));
}

TEST(CopyOnWriteChild, StandsStillAndIsTheFirstToBeKilledForMemory) {
    const TargetProgram target = TargetProgram::start("ticks");
    const auto child = target.copy();
    ASSERT_TRUE(child) << child.error().message;
    EXPECT_EQ(state_of(child->pid()), 't');
    EXPECT_EQ(tracer_pid(child->pid()), getpid());
    EXPECT_EQ(children_of(target.pid()), std::vector<pid_t>{child->pid()});
    EXPECT_EQ(read_child_status(child->pid())->exit_signal, 0);
    int score = 0;
    std::ifstream("/proc/" + std::to_string(child->pid()) + "/oom_score_adj") >> score;
    EXPECT_EQ(score, 1000);
}

TEST(CopyOnWriteChild, IsReapedByTheProcessAtItsEnd) {
    TargetProgram target = TargetProgram::start("ticks");
    for (int i = 0; i < 100; ++i) {
        auto child = target.copy();
        ASSERT_TRUE(child) << child.error().message;
        const double pause_of_clone = child->pause_us();
        EXPECT_GT(pause_of_clone, 0);
        EXPECT_TRUE(target.goes_on());
        const auto pause = child->end();
        ASSERT_TRUE(pause) << pause.error().message;
        EXPECT_GT(*pause, pause_of_clone);
        EXPECT_EQ(child->end(), pause) << "a second end() does nothing";
        is_left_alone(target);
    }
    target.program().send_signal(SIGTERM);
    EXPECT_EQ(target.program().wait().err, "");
}

TEST(CopyOnWriteChild, EndsWithItsOwner) {
    const TargetProgram target = TargetProgram::start("ticks");
    ASSERT_TRUE(target.goes_on()) << "it has counted by now";
    {
        auto child = target.copy();
        ASSERT_TRUE(child);
        const CopyOnWriteChild moved = std::move(*child);
        EXPECT_GT(value_in(moved, target.address_of("counter")), 0U);
    }
    is_left_alone(target);
}

TEST(CopyOnWriteChild, IsNoChildThatTheProcessHearsOf) {
    const TargetProgram target = TargetProgram::start("reaps_children");
    for (int i = 0; i < 200; ++i) {
        ASSERT_NO_FATAL_FAILURE(is_copied(target));
    }
    EXPECT_TRUE(target.goes_on());
    EXPECT_EQ(target.value("mismatches"), 0U);
}

TEST(CopyOnWriteChild, LeavesVectorRegistersAndControlWordsAsTheyWere) {
    const TargetProgram target = TargetProgram::start("vector_registers");
    for (int i = 0; i < 200; ++i) {
        ASSERT_NO_FATAL_FAILURE(is_copied(target));
    }
    is_left_alone(target);
    EXPECT_EQ(target.value("mismatches"), 0U);
}

TEST(CopyOnWriteChild, LeavesSignalMaskAndAlternateStackAsTheyWere) {
    const TargetProgram target = TargetProgram::start("signal_settings");
    for (int i = 0; i < 200; ++i) {
        ASSERT_NO_FATAL_FAILURE(is_copied(target));
    }
    is_left_alone(target);
    EXPECT_EQ(target.value("mismatches"), 0U);
}

TEST(CopyOnWriteChild, LetsReadGoOn) {
    TargetProgram target = start_waiting("read", SYS_read);
    ASSERT_NO_FATAL_FAILURE(is_copied(target));
    sleeps_in(target, SYS_read);
    EXPECT_EQ(target.value("counter"), 0U) << "it has not returned";
    target.program().close_input();
    EXPECT_TRUE(eventually([&] { return target.value("counter") == 1; }));
    EXPECT_EQ(target.value("last_result"), 0U) << "the end of its input, and no error";
}

TEST(CopyOnWriteChild, MakesEpollWaitReturnWithEintrAsAnyStopDoes) {
    const TargetProgram target = start_waiting("epoll_wait", SYS_epoll_wait);
    ASSERT_NO_FATAL_FAILURE(is_copied(target));
    // Once for each stop, or once for both.
    EXPECT_TRUE(eventually([&] { return target.value("counter") >= 1; }));
    EXPECT_LE(target.value("counter"), 2U);
    EXPECT_EQ(target.value("last_errno"), std::uint64_t{EINTR});
    sleeps_in(target, SYS_epoll_wait);
}

TEST(CopyOnWriteChild, MakesNanosleepReturnWithEintrAndTheTimeLeft) {
    const TargetProgram target = start_waiting("nanosleep", SYS_clock_nanosleep);
    ASSERT_NO_FATAL_FAILURE(is_copied(target));
    EXPECT_TRUE(eventually([&] { return target.value("counter") >= 1; }));
    EXPECT_EQ(target.value("last_errno"), std::uint64_t{EINTR});
    EXPECT_GT(target.value("seconds_left"), 900U);
    EXPECT_LE(target.value("seconds_left"), 1000U);
}

TEST(CopyOnWriteChild, LeavesAProcessThatNeverEntersTheKernelAsItWas) {
    const TargetProgram target = TargetProgram::start("spins");
    for (int i = 0; i < 50; ++i) {
        ASSERT_NO_FATAL_FAILURE(is_copied(target));
    }
    is_left_alone(target);
}

// Of the others, what malloc is in the middle of is not known.
TEST(CopyOnWriteChild, TellsWhetherItsProcessWaited) {
    const TargetProgram waiting = start_waiting("epoll_wait", SYS_epoll_wait);
    const TargetProgram spinning = TargetProgram::start("spins");
    const TargetProgram of_threads = TargetProgram::start("threads");
    for (const auto& [target, waited] :
         {std::pair(&waiting, true), std::pair(&spinning, false), std::pair(&of_threads, false)}) {
        const auto child = target->copy();
        ASSERT_TRUE(child) << child.error().message;
        EXPECT_EQ(child->waited(), waited);
    }
}

TEST(CopyOnWriteChild, LetsAllThreadsGoOn) {
    const TargetProgram target = TargetProgram::start("threads");
    const auto child = target.copy();
    ASSERT_TRUE(child) << child.error().message;
    const RemoteAddress counters = target.address_of("thread_counters");
    for (std::uint64_t thread = 0; thread < 3; ++thread) {
        const RemoteAddress mine = counters + thread * sizeof(std::uint64_t);
        const std::uint64_t in_image = value_in(*child, mine);
        EXPECT_TRUE(eventually(
            [&] { return target.memory().read<std::uint64_t>(mine).value() > in_image + 100; }));
        EXPECT_EQ(value_in(*child, mine), in_image);
    }
    EXPECT_TRUE(target.goes_on());
}

TEST(CopyOnWriteChild, IsMadeWhileThreadsComeAndGo) {
    const TargetProgram target = TargetProgram::start("spawns_threads");
    for (int i = 0; i < 100; ++i) {
        ASSERT_NO_FATAL_FAILURE(is_copied(target));
    }
    is_left_alone(target);
}

TEST(CopyOnWriteChild, DeliversEverySignalOnceThatArrivesMeanwhile) {
    const TargetProgram target = TargetProgram::start("counts_signals");
    std::uint64_t sent = 0;
    std::uint64_t sum = 0;
    for (int i = 0; i < 100; ++i) {
        for (int j = 0; j < 5; ++j) {
            ++sent;
            sum += sent;
            ASSERT_EQ(sigqueue(target.pid(), SIGRTMIN, {.sival_int = static_cast<int>(sent)}), 0);
        }
        ASSERT_NO_FATAL_FAILURE(is_copied(target));
    }
    EXPECT_TRUE(eventually([&] { return target.value("signals_seen") == sent; }));
    EXPECT_EQ(target.value("sum_of_values"), sum);
    is_left_alone(target);
}

TEST(CopyOnWriteChild, IsMadeUnderASeccompFilter) {
    const TargetProgram target = TargetProgram::start("filtered");
    auto child = target.copy();
    ASSERT_TRUE(child) << child.error().message;
    const auto text =
        child->call_with_captured_stderr(call_of(target, "print_many", 1000), kTimeout);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(*text, printed_lines(1000));
    ASSERT_TRUE(child->end());
    is_left_alone(target);
}

TEST(CopyOnWriteChild, CallsAFunctionWithoutTheProcessNoticing) {
    TargetProgram target = TargetProgram::start("ticks");
    const auto descriptors = open_descriptors(target.pid());
    for (const std::uint64_t lines : {0U, 1U, 1000U, 655360U}) {
        auto child = target.copy();
        ASSERT_TRUE(child) << child.error().message;
        const auto text =
            child->call_with_captured_stderr(call_of(target, "print_many", lines), kTimeout);
        ASSERT_TRUE(text) << text.error().message;
        EXPECT_TRUE(*text == printed_lines(static_cast<long>(lines))) << lines << " lines";
        EXPECT_EQ(state_of(child->pid()), 'Z');
        EXPECT_EQ(exit_status_of(child->pid()), 0);
        EXPECT_FALSE(child->call_with_captured_stderr(call_of(target, "print_many", 1), kTimeout))
            << "it has been used up";
        ASSERT_TRUE(child->end());
        is_left_alone(target);
    }
    EXPECT_TRUE(gets_descriptors(target.pid(), descriptors));
    target.program().send_signal(SIGTERM);
    EXPECT_EQ(target.program().wait().err, "");
}

TEST(CopyOnWriteChild, CallsAFunctionAlsoWhereTheProcessHasNoStandardError) {
    const TargetProgram target = TargetProgram::start("without_stderr");
    auto child = target.copy();
    ASSERT_TRUE(child) << child.error().message;
    EXPECT_EQ(child->call_with_captured_stderr(call_of(target, "print_many", 10), kTimeout),
              printed_lines(10));
}

TEST(CopyOnWriteChild, ExitsWithZeroWhereACallFaults) {
    TargetProgram target = TargetProgram::start("ticks");
    {
        auto child = target.copy();
        ASSERT_TRUE(child);
        const auto text = child->call_with_captured_stderr(call_of(target, "fault"), kTimeout);
        ASSERT_FALSE(text);
        EXPECT_EQ(text.error().kind, Error::Kind::kFailed);
        EXPECT_NE(text.error().message.find("faulted"), std::string::npos);
        EXPECT_EQ(state_of(child->pid()), 'Z');
        EXPECT_EQ(exit_status_of(child->pid()), 0);
    }
    is_left_alone(target);
    target.program().send_signal(SIGTERM);
    EXPECT_EQ(target.program().wait().err, "");
}

TEST(CopyOnWriteChild, ExitsWithZeroWhereACallNeverReturns) {
    const TargetProgram target = TargetProgram::start("ticks");
    int watched_exits = 0;
    for (const std::function<void()>& before_exit :
         {std::function<void()>(), std::function<void()>([&] { ++watched_exits; })}) {
        auto child = target.copy();
        ASSERT_TRUE(child);
        const FunctionCall call = call_of(target, "never_return");
        const auto text =
            child->call_in_turn(std::span(&call, 1), std::chrono::milliseconds(100), before_exit);
        ASSERT_FALSE(text);
        EXPECT_EQ(text.error().kind, Error::Kind::kFailed);
        EXPECT_EQ(exit_status_of(child->pid()), 0);
        ASSERT_TRUE(child->end());
        is_left_alone(target);
    }
    EXPECT_EQ(watched_exits, 0) << "not all calls have returned";
}

TEST(CopyOnWriteChild, KeepsSignalsToTheProcessGroupFromTheChild) {
    TargetProgram target = TargetProgram::start("ticks");
    auto child = target.copy();
    ASSERT_TRUE(child);
    for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGSEGV, SIGSTOP}) {
        kill(child->pid(), signal);
    }
    EXPECT_EQ(child->call_with_captured_stderr(call_of(target, "print_many", 10), kTimeout),
              printed_lines(10));
    EXPECT_EQ(exit_status_of(child->pid()), 0);
    ASSERT_TRUE(child->end());
    is_left_alone(target);
}

TEST(CopyOnWriteChild, IsReapedAlsoWhenItWasKilled) {
    const TargetProgram target = TargetProgram::start("ticks");
    auto child = target.copy();
    ASSERT_TRUE(child);
    kill(child->pid(), SIGKILL);
    const auto text = child->call_with_captured_stderr(call_of(target, "print_many"), kTimeout);
    EXPECT_FALSE(text);
    ASSERT_TRUE(child->end());
    is_left_alone(target);
}

TEST(CopyOnWriteChild, ExitsWithZeroWhenTheProcessHasEnded) {
    TargetProgram target = TargetProgram::start("ticks");
    ASSERT_TRUE(target.goes_on()) << "it has counted by now";
    auto child = target.copy();
    ASSERT_TRUE(child);
    target.program().send_signal(SIGKILL);
    target.program().wait();
    EXPECT_GT(value_in(*child, target.address_of("counter")), 0U);
    EXPECT_TRUE(child->end());
    EXPECT_FALSE(is_running(child->pid()));
}

// The kernel makes us the child's tracer before it tells us of it.
TEST(CopyOnWriteChild, IsNotLeftStoppedWhereTheProcessIsKilledMeanwhile) {
    constexpr int kKills = 60;
    constexpr int kStepUs = 25;
    for (int i = 0; i < kKills; ++i) {
        TargetProgram target = TargetProgram::start("ticks");
        const pid_t killer = fork();
        if (killer == 0) {
            while (tracer_pid(target.pid()) == 0) {
            }
            usleep(static_cast<useconds_t>(i * kStepUs));
            kill(target.pid(), SIGKILL);
            _exit(0);
        }
        while (target.process().alive()) {
            (void)target.copy();
        }
        ASSERT_EQ(waitpid(killer, nullptr, 0), killer);
        EXPECT_TRUE(eventually([] {
            StoppedProcess::release_late_stops();
            return traces_nobody();
        })) << "killed after "
            << i * kStepUs << " us";
    }
}

TEST(CopyOnWriteChild, LeavesAProcessAsItWasThatMayMakeNone) {
    for (const auto& [name, arguments] : std::vector<std::pair<std::string, std::string>>{
             {"unprivileged", ""}, {"filtered", "no-children"}}) {
        const TargetProgram target = TargetProgram::start(name, {arguments});
        for (int i = 0; i < 20; ++i) {
            const auto child = target.copy();
            ASSERT_FALSE(child);
            EXPECT_EQ(child.error().kind, Error::Kind::kUnsupported);
            EXPECT_NE(child.error().hint, "");
            is_left_alone(target);
        }
    }
}

TEST(CopyOnWriteChild, NeedsMemory) {
    const TargetProgram target = TargetProgram::start("ticks");
    constexpr std::int64_t kMegabyte = 1 << 20;
    for (const MemoryHeadroom& headroom :
         {MemoryHeadroom{.available_bytes = 15 * kMegabyte},
          MemoryHeadroom{.limit = MemoryLimit{100 * kMegabyte, 90 * kMegabyte, 5 * kMegabyte}},
          MemoryHeadroom{.commit_left_bytes = 15 * kMegabyte}}) {
        const auto child = target.copy(headroom);
        ASSERT_FALSE(child);
        EXPECT_EQ(child.error().kind, Error::Kind::kUnsupported);
        EXPECT_NE(child.error().message.find(" 15 MB"), std::string::npos) << child.error().message;
        is_left_alone(target);
    }
    EXPECT_TRUE(target.copy(
        MemoryHeadroom{.available_bytes = 20 * kMegabyte, .commit_left_bytes = 20 * kMegabyte}));
}

TEST(CopyOnWriteChild, RefusesAStackThatMayHaveNoRoom) {
    const TargetProgram target = TargetProgram::start("alternate_stack");
    const auto child = target.copy();
    ASSERT_FALSE(child);
    EXPECT_EQ(child.error().kind, Error::Kind::kUnsupported);
    is_left_alone(target);
}

TEST(CopyOnWriteChild, RefusesAProcessThatASignalHasStopped) {
    const TargetProgram target = TargetProgram::start("ticks");
    kill(target.pid(), SIGSTOP);
    ASSERT_TRUE(eventually([&] { return state_of(target.pid()) == 'T'; }));
    const auto child = target.copy();
    ASSERT_FALSE(child);
    EXPECT_EQ(child.error().kind, Error::Kind::kTimeout);
    EXPECT_TRUE(eventually([&] { return state_of(target.pid()) == 'T'; }));
    kill(target.pid(), SIGCONT);
    is_left_alone(target);
}

TEST(CopyOnWriteChild, IsLeftToTheNextOneWhereTheProcessCannotBeStopped) {
    const TargetProgram target = TargetProgram::start("ticks");
    auto child = target.copy();
    ASSERT_TRUE(child);
    kill(target.pid(), SIGSTOP);
    ASSERT_TRUE(eventually([&] { return state_of(target.pid()) == 'T'; }));
    const auto pause = child->end();
    ASSERT_FALSE(pause);
    EXPECT_EQ(pause.error().kind, Error::Kind::kTimeout);
    child = tl::unexpected(Error{});
    kill(target.pid(), SIGCONT);
    EXPECT_EQ(children_of(target.pid()).size(), 1U);
    {
        const auto next = target.copy();
        ASSERT_TRUE(next);
        EXPECT_TRUE(eventually(
            [&] { return children_of(target.pid()) == std::vector<pid_t>{next->pid()}; }));
    }
    is_left_alone(target);
}

}  // namespace palloscope::test
