#include "attach/permissions.hpp"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/attach/target_program.hpp"
#include "tests/support/process_state.hpp"

namespace palloscope::test {

namespace {

using Kind = Obstacle::Kind;
using testing::ElementsAre;
using testing::IsEmpty;

// The obstacles that a process of ours finds after `set_up`.
std::vector<Kind> kinds_found(pid_t pid, const std::function<bool()>& set_up) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    const pid_t child = fork();
    if (child == 0) {
        if (!set_up()) {
            _exit(1);
        }
        for (const Obstacle& obstacle : find_obstacles(pid)) {
            if (write(ends[1], &obstacle.kind, sizeof obstacle.kind) < 0) {
                _exit(2);
            }
        }
        _exit(0);
    }
    close(ends[1]);
    std::vector<Kind> kinds;
    Kind kind{};
    while (read(ends[0], &kind, sizeof kind) == sizeof kind) {
        kinds.push_back(kind);
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0) << "the set-up failed";
    return kinds;
}

bool become_another_user() {
    constexpr uid_t kNobody = 65534;
    return setresgid(kNobody, kNobody, kNobody) == 0 && setresuid(kNobody, kNobody, kNobody) == 0;
}

bool drop_capability() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, 2> sets{};
    if (syscall(SYS_capget, &header, sets.data()) != 0) {
        return false;
    }
    sets[0].effective &= ~(1U << CAP_SYS_PTRACE);
    sets[0].permitted &= ~(1U << CAP_SYS_PTRACE);
    return syscall(SYS_capset, &header, sets.data()) == 0;
}

bool enter_user_namespace() {
    return unshare(CLONE_NEWUSER) == 0;
}

// The next child is the first process of the new namespace; the caller waits for it and ends.
bool enter_pid_namespace() {
    if (unshare(CLONE_NEWPID) != 0) {
        return false;
    }
    const pid_t inner = fork();
    if (inner > 0) {
        int status = 0;
        waitpid(inner, &status, 0);
        _exit(WEXITSTATUS(status));
    }
    return inner == 0;
}

bool forbid_ptrace_and_reading() {
    std::array<sock_filter, 6> instructions{
        {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 2, 0),
         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 1, 0),
         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)}};
    const sock_fprog filter{.len = 5, .filter = instructions.data()};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace

TEST(Obstacles, AreNoneForAProcessThatWeMayTrace) {
    const TargetProgram target = TargetProgram::start("spins");
    EXPECT_THAT(find_obstacles(target.pid()), IsEmpty());
    EXPECT_TRUE(target.goes_on());
}

TEST(Obstacles, NameAProcessThatIsGone) {
    TargetProgram target = TargetProgram::start("spins");
    kill(target.pid(), SIGKILL);
    ASSERT_TRUE(eventually([&] { return state_of(target.pid()) == 'Z'; }));
    EXPECT_THAT(kinds_found(target.pid(), [] { return true; }), ElementsAre(Kind::kGone));
    EXPECT_THAT(kinds_found(INT32_MAX, [] { return true; }), ElementsAre(Kind::kGone));
}

TEST(Obstacles, NameTheCapabilityThatAnotherUserLacks) {
    const TargetProgram target = TargetProgram::start("spins");
    EXPECT_THAT(kinds_found(target.pid(), become_another_user), ElementsAre(Kind::kCapability));
}

TEST(Obstacles, NameTheCapabilityThatRootLacksInAContainer) {
    const TargetProgram target = TargetProgram::start("spins");
    EXPECT_THAT(kinds_found(target.pid(), drop_capability), ElementsAre(Kind::kCapability));
}

TEST(Obstacles, NameAUserNamespaceInWhichOurCapabilitiesDoNotCount) {
    const TargetProgram target = TargetProgram::start("spins");
    EXPECT_THAT(kinds_found(target.pid(), enter_user_namespace), ElementsAre(Kind::kUserNamespace));
}

TEST(Obstacles, NameAProcOfAnotherPidNamespace) {
    const TargetProgram target = TargetProgram::start("spins");
    EXPECT_THAT(kinds_found(target.pid(), enter_pid_namespace), ElementsAre(Kind::kPidNamespace));
}

TEST(Obstacles, NameWhatASeccompFilterForbidsUs) {
    const TargetProgram target = TargetProgram::start("spins");
    EXPECT_THAT(kinds_found(target.pid(), forbid_ptrace_and_reading),
                ElementsAre(Kind::kPtraceForbidden, Kind::kReadForbidden));
}

TEST(Obstacles, NameTheTracer) {
    const TargetProgram target = TargetProgram::start("spins");
    Program strace = Program::start({"strace", "-p", std::to_string(target.pid())});
    strace.wait_for_output("attached");
    const std::vector<Obstacle> obstacles = find_obstacles(target.pid());
    ASSERT_EQ(obstacles.size(), 1U);
    EXPECT_EQ(obstacles[0].kind, Kind::kTracer);
    EXPECT_EQ(obstacles[0].severity, Obstacle::Severity::kStopping);
    EXPECT_NE(obstacles[0].message.find(std::to_string(strace.pid()) + " (strace)"),
              std::string::npos)
        << obstacles[0].message;
    strace.send_signal(SIGINT);
    strace.wait();
    EXPECT_TRUE(target.goes_on());
}

}  // namespace palloscope::test
