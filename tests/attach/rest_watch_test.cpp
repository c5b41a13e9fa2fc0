#include "attach/rest_watch.hpp"

#include <sys/syscall.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <utility>

#include <gtest/gtest.h>

#include "attach/cpu_state.hpp"
#include "attach/stopped_process.hpp"
#include "tests/attach/target_program.hpp"
#include "tests/support/process_state.hpp"

namespace palloscope {

namespace {

using test::eventually;
using test::TargetProgram;

// What targets/waits.cpp sleeps in, as long as its input is open.
constexpr std::array<std::pair<const char*, long>, 4> kSleeps{{{"poll", SYS_poll},
                                                               {"epoll_wait", SYS_epoll_wait},
                                                               {"nanosleep", SYS_clock_nanosleep},
                                                               {"futex", SYS_futex}}};

// Waits until the process sleeps; none where it never does.
std::optional<RestWatch::Rest> next_rest(const RestWatch& watch) {
    std::optional<RestWatch::Rest> rest;
    eventually([&] {
        rest = watch.begin();
        return rest.has_value();
    });
    return rest;
}

}  // namespace

TEST(RestWatch, SaysThatASleeperRested) {
    for (const auto& [kind, number] : kSleeps) {
        const TargetProgram target =
            TargetProgram::start("waits", {kind}, {.keep_input_open = true});
        const auto watch = RestWatch::open(target.pid()).value();
        const auto rest = next_rest(watch);
        ASSERT_TRUE(rest) << kind;
        ASSERT_EQ(rest->syscall, number) << kind;
        EXPECT_EQ(watch.begin(), rest) << kind;
        EXPECT_TRUE(watch.rested_since(*rest)) << kind;
        EXPECT_TRUE(watch.rested_since(*rest)) << kind;
    }
}

TEST(RestWatch, SaysThatOneWhichWokeAndSleepsAgainDidNotRest) {
    const TargetProgram target = TargetProgram::start("ticks");
    const auto watch = RestWatch::open(target.pid()).value();
    for (int i = 0; i < 20; ++i) {
        const auto rest = next_rest(watch);
        ASSERT_TRUE(rest);
        const std::uint64_t before = target.value("counter");
        ASSERT_TRUE(eventually([&] { return target.value("counter") > before + 1; }));
        const auto next = next_rest(watch);
        ASSERT_TRUE(next);
        EXPECT_EQ(next->syscall, rest->syscall);
        EXPECT_GT(next->runs, rest->runs);
        EXPECT_FALSE(watch.rested_since(*rest));
    }
}

TEST(RestWatch, SaysThatOneWhichWasWokenOnceDidNotRest) {
    TargetProgram target = TargetProgram::start("waits", {"read"}, {.keep_input_open = true});
    const auto watch = RestWatch::open(target.pid()).value();
    const auto rest = next_rest(watch);
    ASSERT_TRUE(rest);
    target.program().close_input();
    ASSERT_TRUE(eventually([&] { return target.value("counter") == 1; }));
    ASSERT_TRUE(next_rest(watch));
    EXPECT_FALSE(watch.rested_since(*rest));
}

TEST(RestWatch, SaysThatASleeperOnlyStopped) {
    for (const auto& [kind, number] : kSleeps) {
        const TargetProgram target =
            TargetProgram::start("waits", {kind}, {.keep_input_open = true});
        const auto watch = RestWatch::open(target.pid()).value();
        const auto rest = next_rest(watch);
        ASSERT_TRUE(rest) << kind;
        ASSERT_EQ(rest->syscall, number) << kind;
        {
            const auto stopped = StoppedProcess::seize(target.pid()).value();
            const auto registers = read_registers(target.pid()).value();
            EXPECT_TRUE(watch.only_stopped_since(*rest, registers)) << kind;
        }
        // It sleeps anew, and what was before the first stop is another rest.
        ASSERT_TRUE(next_rest(watch));
        const auto stopped = StoppedProcess::seize(target.pid()).value();
        const auto registers = read_registers(target.pid()).value();
        EXPECT_FALSE(watch.only_stopped_since(*rest, registers)) << kind;
    }
}

TEST(RestWatch, SaysThatOneWhichWokeBeforeDidNotOnlyStop) {
    const TargetProgram target = TargetProgram::start("ticks");
    const auto watch = RestWatch::open(target.pid()).value();
    const auto rest = next_rest(watch);
    ASSERT_TRUE(rest);
    const std::uint64_t before = target.value("counter");
    ASSERT_TRUE(eventually([&] { return target.value("counter") > before + 1; }));
    const auto stopped = StoppedProcess::seize(target.pid()).value();
    EXPECT_FALSE(watch.only_stopped_since(*rest, read_registers(target.pid()).value()));
}

// Its sleep was over: it stopped on its way from there.
TEST(RestWatch, SaysThatOneWhoseSleepEndedDidNotOnlyStop) {
    TargetProgram target = TargetProgram::start("waits", {"read"}, {.keep_input_open = true});
    const auto watch = RestWatch::open(target.pid()).value();
    const auto rest = next_rest(watch);
    ASSERT_TRUE(rest);
    target.program().close_input();
    ASSERT_TRUE(eventually([&] { return target.value("counter") == 1; }));
    const auto stopped = StoppedProcess::seize(target.pid()).value();
    EXPECT_FALSE(watch.only_stopped_since(*rest, read_registers(target.pid()).value()));
}

// To stop, it is given a processor once more.
TEST(RestWatch, SaysThatOneWhichWasStoppedDidNotRest) {
    const TargetProgram target = TargetProgram::start("waits", {"poll"}, {.keep_input_open = true});
    const auto watch = RestWatch::open(target.pid()).value();
    const auto rest = next_rest(watch);
    ASSERT_TRUE(rest);
    ASSERT_EQ(kill(target.pid(), SIGSTOP), 0);
    ASSERT_TRUE(eventually([&] { return test::state_of(target.pid()) == 'T'; }));
    EXPECT_FALSE(watch.rested_since(*rest));
    ASSERT_EQ(kill(target.pid(), SIGCONT), 0);
}

TEST(RestWatch, SeesNoRestOfOneThatRuns) {
    const TargetProgram target = TargetProgram::start("spins");
    const auto watch = RestWatch::open(target.pid()).value();
    for (int i = 0; i < 1000; ++i) {
        ASSERT_EQ(watch.begin(), std::nullopt);
    }
    EXPECT_FALSE(watch.rested_since({}));
}

TEST(RestWatch, SeesNoRestOfOneThatIsGone) {
    TargetProgram target = TargetProgram::start("waits", {"poll"}, {.keep_input_open = true});
    const auto watch = RestWatch::open(target.pid()).value();
    const auto rest = next_rest(watch);
    ASSERT_TRUE(rest);
    const pid_t pid = target.pid();
    target.program().send_signal(SIGKILL);
    EXPECT_TRUE(eventually([&] { return !test::is_running(pid); }));
    EXPECT_FALSE(watch.rested_since(*rest));
    target.program().wait();
    EXPECT_FALSE(watch.rested_since(*rest));
    EXPECT_EQ(watch.begin(), std::nullopt);
    const auto gone = RestWatch::open(pid);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().kind, Error::Kind::kGone);
}

}  // namespace palloscope
