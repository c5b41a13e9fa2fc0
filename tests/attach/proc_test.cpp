#include "attach/proc.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <csignal>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/process_state.hpp"
#include "tests/support/program.hpp"

namespace palloscope {

TEST(ParseMaps, ReadsEachKindOfLine) {
    const auto maps = parse_maps(
        "5581a0000000-5581a0022000 r--p 00000000 fe:01 1835041    /usr/lib/my server/postgres\n"
        "7f0000000000-7f0000001000 rw-s 00001000 00:01 2  /dev/zero (deleted)\n"
        "7ffc10000000-7ffc10021000 rw-p 00000000 00:00 0                          [stack]\n"
        "7f1000000000-7f1000001000 ---p 00000000 00:00 0 \n"
        "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n");
    ASSERT_EQ(maps.size(), 5U);
    EXPECT_EQ(maps[0].start.value, 0x5581a0000000U);
    EXPECT_EQ(maps[0].size(), 0x22000U);
    EXPECT_TRUE(maps[0].readable && !maps[0].writable && !maps[0].executable && !maps[0].shared);
    EXPECT_EQ(maps[0].inode, 1835041U);
    EXPECT_EQ(maps[0].path, "/usr/lib/my server/postgres");
    EXPECT_TRUE(maps[1].writable && maps[1].shared);
    EXPECT_EQ(maps[1].offset, 0x1000U);
    EXPECT_EQ(maps[1].path, "/dev/zero (deleted)");
    EXPECT_EQ(maps[2].path, "[stack]");
    EXPECT_EQ(maps[3].path, "");
    EXPECT_TRUE(maps[4].executable && !maps[4].readable);
}

TEST(ParseMaps, SkipsWhatIsNoMapping) {
    EXPECT_THAT(parse_maps(""), testing::IsEmpty());
    EXPECT_THAT(parse_maps("\n\nno line\n7f00 r--p\n2000-1000 r--p 0 0:0 0\n1000-2000 r 0 0:0 0\n"
                           "1000-2000 r--p x 0:0 0\n10000000000000000-2 r--p 0 0:0 0"),
                testing::IsEmpty());
}

TEST(ParseStatus, ReadsWhatItKnows) {
    const auto status = parse_status(
        "Name:\ta: b\nState:\tS (sleeping)\nPPid:\t7\nTracerPid:\t9\nUid:\t1\t26\t3\t4\n"
        "NSpid:\t4242\t17\t3\nRssAnon:\t     100 kB\nRssFile:\t 20 kB\nRssShmem:\t 3 kB\n"
        "Threads:\t2\nVmSize:\t 9 kB\nVmData:\t 4 "
        "kB\nSigBlk:\tfffffffffffbfeff\nCapEff:\t0000000000080000\nSeccomp:\t2\nx86_Thread_"
        "features:\tshstk wrss \n");
    EXPECT_EQ(status.state, 'S');
    EXPECT_EQ(status.parent_pid, 7);
    EXPECT_EQ(status.tracer_pid, 9);
    EXPECT_EQ(status.effective_uid, 26U);
    EXPECT_EQ(status.threads, 2);
    EXPECT_THAT(status.namespace_pids, testing::ElementsAre(4242, 17, 3));
    EXPECT_EQ(status.rss_anon_bytes, 102400);
    EXPECT_EQ(status.rss_file_bytes, 20480);
    EXPECT_EQ(status.rss_shmem_bytes, 3072);
    EXPECT_EQ(status.mapped_bytes, 9216U);
    EXPECT_EQ(status.data_bytes, 4096);
    EXPECT_EQ(status.blocked_signals, 0xfffffffffffbfeffU);
    EXPECT_EQ(status.effective_capabilities, 0x80000U);
    EXPECT_EQ(status.seccomp, 2);
    EXPECT_TRUE(status.shadow_stack);
}

TEST(ParseStatus, TakesWhatIsMissingOrBrokenForNothing) {
    EXPECT_EQ(parse_status("").state, '?');
    const auto status = parse_status("State:\nPPid\nUid:\t\nRssAnon:\tmany kB\nNSpid:\t\n:\n");
    EXPECT_EQ(status.state, '?');
    EXPECT_EQ(status.rss_anon_bytes, 0);
    EXPECT_FALSE(status.shadow_stack);
    EXPECT_FALSE(parse_status("x86_Thread_features:\t\n").shadow_stack);
}

TEST(ParseChildStatus, FindsItsFieldsBehindTheName) {
    const auto status = parse_child_status(
        "42 (a) Z 1 (b) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99 8192 100 "
        "18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0\n");
    EXPECT_EQ(status.state, 'S');
    EXPECT_EQ(status.parent_pid, 7);
    EXPECT_EQ(status.exit_signal, 17);
    EXPECT_EQ(parse_child_status("").state, '?');
    EXPECT_EQ(parse_child_status("42 (a) Z 7").exit_signal, -1);
}

TEST(ParseIoWorker, TellsAWorkerFromAThreadOfTheProcess) {
    EXPECT_TRUE(parse_io_worker("42 (iou-wrk-7) S 7 42 42 0 -1 4210768 1 2 3 4 5 6 7 8 20\n"));
    EXPECT_FALSE(parse_io_worker("42 (iou-wrk-7) S 7 42 42 0 -1 4194368 1 2 3 4 5 6 7 8 20\n"));
    EXPECT_FALSE(parse_io_worker("42 (a) S 7"));
    EXPECT_FALSE(parse_io_worker(""));
}

TEST(ParseSmapsRollup, AddsNothingUp) {
    const auto rollup = parse_smaps_rollup(
        "55d0-7ffe ---p 00000000 00:00 0    [rollup]\nRss:   10 kB\nPss:  9 kB\n"
        "Private_Clean: 1 kB\nPrivate_Dirty: 2 kB\nAnonymous: 3 kB\nSwap: 4 kB\nSwapPss: 99 kB\n");
    EXPECT_EQ(rollup.rss_bytes, 10240);
    EXPECT_EQ(rollup.pss_bytes, 9216);
    EXPECT_EQ(rollup.private_clean_bytes, 1024);
    EXPECT_EQ(rollup.private_dirty_bytes, 2048);
    EXPECT_EQ(rollup.anonymous_bytes, 3072);
    EXPECT_EQ(rollup.swap_bytes, 4096);
}

TEST(ParseSyscall, TellsSystemCallsFromNone) {
    EXPECT_EQ(parse_syscall("232 0x4 0x55 0x1 0xffffffff 0x0 0x0 0x7ffc 0x7f\n"), 232);
    EXPECT_EQ(parse_syscall("0 0x0 0x0\n"), 0);
    EXPECT_EQ(parse_syscall("-1 0x7ffc 0x7f\n"), std::nullopt);
    EXPECT_EQ(parse_syscall("running\n"), std::nullopt);
    EXPECT_EQ(parse_syscall(""), std::nullopt);
}

TEST(ParseLimits, ReadsSoftLimits) {
    const auto limits = parse_limits(
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max file size             100                  unlimited            bytes     \n"
        "Max stack size            8388608              unlimited            bytes     \n"
        "Max open files            1024                 4096                 files     \n");
    EXPECT_EQ(limits.stack_bytes, 8388608U);
    EXPECT_EQ(limits.open_files, 1024U);
    EXPECT_EQ(limits.file_bytes, 100U);
    EXPECT_EQ(parse_limits("Max open files   unlimited unlimited files\n").open_files, UINT64_MAX);
    EXPECT_EQ(parse_limits("").stack_bytes, UINT64_MAX);
}

TEST(ParseNamespace, TakesTheNumberInTheLink) {
    EXPECT_EQ(parse_namespace("pid:[4026531836]"), 4026531836U);
    for (const char* const link : {"", "pid:", "pid:[", "pid:[]", "pid:[x]", "/a/file"}) {
        EXPECT_EQ(parse_namespace(link), std::nullopt) << link;
    }
}

TEST(Proc, TellsOfOurselves) {
    const pid_t pid = getpid();
    const auto status = read_status(pid);
    ASSERT_TRUE(status);
    EXPECT_EQ(status->state, 'R');
    EXPECT_EQ(status->parent_pid, getppid());
    EXPECT_EQ(status->effective_uid, geteuid());
    EXPECT_EQ(status->threads, 1);
    EXPECT_EQ(status->namespace_pids.front(), pid);
    EXPECT_GT(status->rss_anon_bytes, 0);
    EXPECT_GT(status->mapped_bytes, static_cast<std::uint64_t>(status->rss_anon_bytes));
    EXPECT_EQ(read_state(pid), 'R');
    EXPECT_EQ(read_start_time(pid), test::start_time(pid));
    EXPECT_EQ(read_auxiliary_value(pid, AT_ENTRY), getauxval(AT_ENTRY));
    EXPECT_FALSE(read_auxiliary_value(pid, 0xffff));
    EXPECT_GT(read_smaps_rollup(pid)->private_dirty_bytes, 0);
    EXPECT_THAT(*list_threads(pid), testing::ElementsAre(pid));
    EXPECT_EQ(read_child_status(pid)->parent_pid, getppid());
    EXPECT_EQ(read_child_status(pid)->exit_signal, SIGCHLD);
    EXPECT_THAT(*list_children(getppid()), testing::Contains(pid));
    EXPECT_THAT(list_processes(), testing::IsSupersetOf({1, pid}));
    const auto descriptor = open_executable(pid);
    ASSERT_TRUE(descriptor);
    EXPECT_THAT(*list_descriptors(pid), testing::Contains(descriptor->get()));
    EXPECT_EQ(*read_descriptor_flags(pid, descriptor->get()) & (O_CLOEXEC | O_ACCMODE), O_CLOEXEC);
    EXPECT_FALSE(read_descriptor_flags(pid, 9999));
    EXPECT_GT(*read_namespace(pid, "pid"), 0U);
    EXPECT_EQ(read_namespace(pid, "user"), read_namespace(getppid(), "user"));
    EXPECT_FALSE(read_namespace(pid, "none"));
}

TEST(Proc, KnowsOurStackAndItsLimits) {
    const int local = 0;
    const auto here = std::bit_cast<std::uint64_t>(&local);
    const auto start = read_stack_start(getpid());
    ASSERT_TRUE(start);
    EXPECT_GT(start->value, here);
    EXPECT_LT(start->value - here, 1U << 20);
    rlimit open_files{};
    getrlimit(RLIMIT_NOFILE, &open_files);
    EXPECT_EQ(read_limits(getpid())->open_files, open_files.rlim_cur);
}

// The kernel writes the name unquoted into /proc/PID/stat.
TEST(Proc, IsNotMisledByTheNameOfAProgram) {
    std::string before(16, '\0');
    prctl(PR_GET_NAME, before.data());
    const std::uint64_t start_time = read_start_time(getpid()).value();
    prctl(PR_SET_NAME, "a) Z 1 (b c");
    EXPECT_EQ(read_name(getpid()), "a) Z 1 (b c");
    EXPECT_EQ(read_state(getpid()), 'R');
    EXPECT_EQ(read_start_time(getpid()), start_time);
    prctl(PR_SET_NAME, before.data());
}

TEST(Proc, SaysThatAProcessIsGone) {
    constexpr pid_t kNobody = INT32_MAX;
    EXPECT_EQ(read_maps(kNobody).error().kind, Error::Kind::kGone);
    EXPECT_EQ(read_status(kNobody).error().kind, Error::Kind::kGone);
    EXPECT_EQ(read_state(kNobody).error().kind, Error::Kind::kGone);
    EXPECT_EQ(read_syscall(kNobody).error().kind, Error::Kind::kGone);
    EXPECT_EQ(read_command_line(kNobody).error().kind, Error::Kind::kGone);
    EXPECT_EQ(read_link(kNobody, "exe").error().kind, Error::Kind::kGone);
    EXPECT_EQ(open_executable(kNobody).error().kind, Error::Kind::kGone);
    EXPECT_EQ(list_threads(kNobody).error().kind, Error::Kind::kGone);
    EXPECT_EQ(list_children(kNobody).error().kind, Error::Kind::kGone);
    EXPECT_EQ(read_child_status(kNobody).error().kind, Error::Kind::kGone);
    EXPECT_EQ(list_descriptors(kNobody).error().kind, Error::Kind::kGone);
}

TEST(StatusFile, TellsOfEachMomentThatItIsReadAt) {
    constexpr std::size_t kMany = std::size_t{16} << 20U;
    const auto file = StatusFile::open(getpid());
    ASSERT_TRUE(file);
    const auto before = file->read();
    ASSERT_TRUE(before);
    EXPECT_EQ(before->namespace_pids, read_status(getpid())->namespace_pids);
    const std::string filled(kMany, 'x');
    EXPECT_GE(file->read()->rss_anon_bytes,
              before->rss_anon_bytes + static_cast<std::int64_t>(filled.size() / 2));
}

TEST(StatusFile, SaysThatItsProcessIsGone) {
    test::Program program = test::Program::start({"sleep", "600"});
    const auto file = StatusFile::open(program.pid());
    ASSERT_TRUE(file);
    EXPECT_EQ(file->read()->parent_pid, getpid());
    program.send_signal(SIGKILL);
    (void)program.wait();
    EXPECT_EQ(file->read().error().kind, Error::Kind::kGone);
    EXPECT_EQ(StatusFile::open(INT32_MAX).error().kind, Error::Kind::kGone);
}

TEST(Proc, JoinsTheCommandLine) {
    test::Program program = test::Program::start(
        {"sh", "-c", "echo ready; read line", "two words", ""}, {.keep_input_open = true});
    program.wait_for_output("ready");
    EXPECT_EQ(read_command_line(program.pid()), "sh -c echo ready; read line two words");
}

}  // namespace palloscope
