#include "attach/permissions.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include <fmt/core.h>

#include "attach/file_descriptor.hpp"
#include "attach/process_memory.hpp"

namespace palloscope {

namespace {

using Kind = Obstacle::Kind;
using Severity = Obstacle::Severity;

// kernel.yama.ptrace_scope: 1 lets only ancestors trace, 2 only holders of the capability.
constexpr int kYamaNobody = 3;

constexpr const char* kGrantCapability =
    "run as root, or give the capability: 'setcap cap_sys_ptrace+ep' on the program, "
    "--cap-add=SYS_PTRACE for a container, securityContext.capabilities.add: [SYS_PTRACE] in "
    "Kubernetes";

bool has_capability(const ProcessStatus& status, int capability = CAP_SYS_PTRACE) {
    return (status.effective_capabilities >> capability & 1) != 0;
}

// Whether the modes of files let us read those of another user: /proc/PID/mem has 0600 (proc(5)).
// Capabilities(7): root without these two is a user like any other.
bool reads_files_of(const AccessFacts& facts) {
    return facts.us.effective_uid == facts.target.effective_uid ||
           has_capability(facts.us, CAP_DAC_OVERRIDE) ||
           has_capability(facts.us, CAP_DAC_READ_SEARCH);
}

// Trials on ourselves. They tell a seccomp filter, which answers with EPERM or ENOSYS, from a
// kernel that lets the call through.
int try_ptrace() {
    // There is no process 0: ESRCH is the kernel's own answer.
    return ptrace(PTRACE_SEIZE, 0, nullptr, nullptr) < 0 && errno != ESRCH ? errno : 0;
}

int try_duplicate_descriptor() {
    // No descriptor has the number -1: EBADF is the kernel's own answer.
    return syscall(SYS_pidfd_getfd, -1, -1, 0) < 0 && errno != EBADF ? errno : 0;
}

int try_open_memory(pid_t pid) {
    const FileDescriptor file(open(fmt::format("/proc/{}/mem", pid).c_str(), O_RDONLY | O_CLOEXEC));
    return file.valid() ? 0 : errno;
}

int read_yama_scope() {
    int scope = 0;
    std::ifstream("/proc/sys/kernel/yama/ptrace_scope") >> scope;
    return scope;
}

std::optional<std::uint64_t> to_optional(const Result<std::uint64_t>& result) {
    return result ? std::optional(*result) : std::nullopt;
}

Obstacle yama(const AccessFacts& facts) {
    const bool can_be_lifted = facts.yama_scope < kYamaNobody;
    return {.kind = Kind::kYama,
            .severity = Severity::kAll,
            .message = fmt::format(
                "kernel.yama.ptrace_scope is {}, which lets {} look into process {}",
                facts.yama_scope,
                can_be_lifted ? "only its ancestors and holders of CAP_SYS_PTRACE" : "nobody",
                facts.pid),
            .remedy = can_be_lifted
                          ? std::string(kGrantCapability) +
                                "; or 'sysctl kernel.yama.ptrace_scope=0' where that is acceptable"
                          : "it cannot be changed before the next boot: set "
                            "kernel.yama.ptrace_scope=1 in /etc/sysctl.d and boot again"};
}

Obstacle closed_files(const AccessFacts& facts, Severity severity, std::string_view consequence) {
    return {.kind = Kind::kCapability,
            .severity = severity,
            .message = fmt::format(
                "some files of process {} below /proc are open to the user with id {} alone, we "
                "run as {}, and besides CAP_SYS_PTRACE lack CAP_DAC_OVERRIDE: {}",
                facts.pid,
                facts.target.effective_uid,
                facts.us.effective_uid,
                consequence),
            .remedy =
                "give it too where all capabilities were dropped "
                "(--cap-add=DAC_OVERRIDE, capabilities.add: [SYS_PTRACE, DAC_OVERRIDE])"};
}

// Why its memory could not be opened (kernel/ptrace.c, ptrace_may_access): the rule that the
// refusal follows is not told, so it is found by what is known.
Obstacle memory_refused(const AccessFacts& facts) {
    const bool same_namespace = facts.our_user_namespace && facts.target_user_namespace &&
                                *facts.our_user_namespace == *facts.target_user_namespace;
    if (!has_capability(facts.us)) {
        const bool other_user = facts.us.effective_uid != facts.target.effective_uid;
        return {
            .kind = Kind::kCapability,
            .severity = Severity::kAll,
            .message = other_user
                           ? fmt::format("process {} belongs to the user with id {}, we run as {}, "
                                         "and lack CAP_SYS_PTRACE",
                                         facts.pid,
                                         facts.target.effective_uid,
                                         facts.us.effective_uid)
                           : fmt::format("process {} has more privileges than we have, or has been "
                                         "protected by prctl(PR_SET_DUMPABLE), and we lack "
                                         "CAP_SYS_PTRACE",
                                         facts.pid),
            .remedy = kGrantCapability};
    }
    if (!same_namespace) {
        return {.kind = Kind::kUserNamespace,
                .severity = Severity::kAll,
                .message = fmt::format("our CAP_SYS_PTRACE does not count in the user namespace of "
                                       "process {}, which is not below ours",
                                       facts.pid),
                .remedy = "run in its user namespace or in one above it, such as the host's"};
    }
    if (!reads_files_of(facts)) {
        return closed_files(facts, Severity::kAll, "nothing can be read");
    }
    return {.kind = Kind::kMemoryUnreadable,
            .severity = Severity::kAll,
            .message = fmt::format("the memory of process {} cannot be opened, though we have "
                                   "CAP_SYS_PTRACE: a security module forbids it",
                                   facts.pid),
            .remedy =
                "look for denials of AppArmor or SELinux in the kernel's log, and allow "
                "'ptrace' for us"};
}

Obstacle gone(pid_t pid) {
    return {.kind = Kind::kGone,
            .severity = Severity::kAll,
            .message = fmt::format("there is no process {}, or it has ended", pid),
            .remedy = "'palloscope list' shows the processes that can be inspected"};
}

void add_access_obstacles(const AccessFacts& facts, std::vector<Obstacle>& obstacles) {
    if (!facts.proc_is_ours) {
        obstacles.push_back(
            {.kind = Kind::kPidNamespace,
             .severity = Severity::kAll,
             .message = "/proc belongs to another PID namespace than ours: its PIDs name other "
                        "processes, or none, to ptrace",
             .remedy = "share the PID namespace whose /proc this is (docker run --pid=host, "
                       "hostPID: true), or mount a /proc of our own"});
    }
    if (facts.open_memory == 0 || facts.read_memory == 0) {
        return;
    }
    const bool yama_forbids =
        facts.yama_scope >= kYamaNobody || (facts.yama_scope > 0 && !has_capability(facts.us));
    if (yama_forbids) {
        obstacles.push_back(yama(facts));
    }
    // Yama stands behind the kernel's own rules, which may forbid it besides.
    const bool same_user = facts.us.effective_uid == facts.target.effective_uid;
    if (!yama_forbids || (!has_capability(facts.us) && !same_user)) {
        obstacles.push_back(memory_refused(facts));
    }
}

void add_call_obstacles(const AccessFacts& facts, std::vector<Obstacle>& obstacles) {
    if (facts.target.tracer_pid != 0) {
        obstacles.push_back(
            {.kind = Kind::kTracer,
             .severity = Severity::kStopping,
             .message = fmt::format("process {} is traced by process {} ({})",
                                    facts.pid,
                                    facts.target.tracer_pid,
                                    facts.tracer_name),
             .remedy = "a process has one tracer at a time: end that one, or use --method read"});
    }
    if (facts.ptrace_self != 0) {
        obstacles.push_back(
            {.kind = Kind::kPtraceForbidden,
             .severity = Severity::kStopping,
             .message = "a seccomp filter forbids us to call ptrace",
             .remedy = "use --method read, or start us under a profile that allows ptrace "
                       "(docker run --cap-add=SYS_PTRACE, --security-opt seccomp=PROFILE)"});
    }
    if (facts.target.shadow_stack) {
        obstacles.push_back(
            {.kind = Kind::kShadowStack,
             .severity = Severity::kCalling,
             .message = fmt::format(
                 "process {} uses a shadow stack, which a call of ours would break", facts.pid),
             .remedy = "use --method read or freeze, or start the server with "
                       "GLIBC_TUNABLES=glibc.cpu.x86_shstk=off"});
    }
}

void add_detours(const AccessFacts& facts, std::vector<Obstacle>& obstacles) {
    if (facts.open_memory == EACCES && facts.read_memory == 0) {
        obstacles.push_back(
            closed_files(facts,
                         Severity::kNothing,
                         facts.us.effective_uid == 0
                             ? "--method freeze and fork are possible, read and call are not"
                             : "--method freeze is possible, the others are not"));
    }
    if (facts.read_self != 0) {
        obstacles.push_back({.kind = Kind::kReadForbidden,
                             .severity = Severity::kNothing,
                             .message = "process_vm_readv is forbidden or missing; /proc/PID/mem "
                                        "takes its place, and snapshots take longer",
                             .remedy = "allow process_vm_readv in our seccomp profile"});
    }
    if (facts.duplicate_descriptor != 0) {
        obstacles.push_back({.kind = Kind::kOldKernel,
                             .severity = Severity::kNothing,
                             .message = "pidfd_getfd is forbidden or missing (it came with kernel "
                                        "5.6); /proc/PID/fd takes its place",
                             .remedy = ""});
    }
}

}  // namespace

std::vector<Obstacle> judge_access(const AccessFacts& facts) {
    if (facts.open_memory == ENOENT || facts.open_memory == ESRCH || facts.target.state == 'Z' ||
        facts.target.state == 'X') {
        return {gone(facts.pid)};
    }
    std::vector<Obstacle> obstacles;
    add_access_obstacles(facts, obstacles);
    add_call_obstacles(facts, obstacles);
    add_detours(facts, obstacles);
    return obstacles;
}

std::vector<Obstacle> find_obstacles(pid_t pid) {
    const auto target = read_status(pid);
    // /proc/self names us by our PID in the namespace of /proc: in another one than ours by
    // another number than getpid(2), in one that is not above ours not at all.
    std::error_code error;
    const std::string self = std::filesystem::read_symlink("/proc/self", error);
    const pid_t our_pid_in_proc = std::atoi(self.c_str());
    const auto us = read_status(our_pid_in_proc);
    if (!target) {
        return {gone(pid)};
    }
    return judge_access(
        {.pid = pid,
         .us = us.value_or(ProcessStatus{.effective_uid = geteuid()}),
         .target = *target,
         .tracer_name = read_name(target->tracer_pid).value_or("of an unknown name"),
         .our_user_namespace = to_optional(read_namespace(our_pid_in_proc, "user")),
         .target_user_namespace = to_optional(read_namespace(pid, "user")),
         .yama_scope = read_yama_scope(),
         .proc_is_ours = our_pid_in_proc == getpid(),
         .open_memory = try_open_memory(pid),
         .read_memory = ProcessMemory::try_process_vm(pid),
         .ptrace_self = try_ptrace(),
         .read_self = ProcessMemory::try_process_vm(getpid()),
         .duplicate_descriptor = try_duplicate_descriptor()});
}

}  // namespace palloscope
