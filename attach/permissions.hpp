#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attach/proc.hpp"

namespace palloscope {

// Something that stands between us and a process.
struct Obstacle {
    enum class Kind {
        kGone,              // there is no such process, or it has ended
        kCapability,        // another user's or a protected process, and we lack a capability
        kYama,              // kernel.yama.ptrace_scope
        kTracer,            // somebody else traces it
        kPidNamespace,      // /proc is of another PID namespace: its PIDs are others' to ptrace(2)
        kUserNamespace,     // our capabilities do not count in its user namespace
        kPtraceForbidden,   // a seccomp filter on us forbids ptrace(2)
        kReadForbidden,     // the same for process_vm_readv(2); /proc/PID/mem takes its place
        kOldKernel,         // no pidfd_getfd(2), or forbidden; /proc/PID/fd takes its place
        kShadowStack,       // it uses a shadow stack: no call can be made in it
        kMemoryUnreadable,  // none of the above explains it, and yet its memory cannot be opened
    };

    // What it keeps us from.
    enum class Severity {
        kAll,       // reading its memory, and so everything
        kStopping,  // stopping it; it can be read while it runs
        kCalling,   // making a call in it; it can be read and stopped
        kNothing,   // we go about it in another way
    };

    Kind kind = Kind::kGone;
    Severity severity = Severity::kAll;
    std::string message;  // a sentence
    std::string remedy;   // what the user can do about it; empty where there is nothing to do

    bool operator==(const Obstacle&) const = default;
};

// What find_obstacles knows when it judges; apart from it, so that every case can be tested.
struct AccessFacts {
    pid_t pid = 0;
    ProcessStatus us;
    ProcessStatus target;
    std::string tracer_name;  // of target.tracer_pid
    // Inode numbers of the user namespaces; none where we may not look.
    std::optional<std::uint64_t> our_user_namespace;
    std::optional<std::uint64_t> target_user_namespace;
    int yama_scope = 0;  // kernel.yama.ptrace_scope; 0 also where there is no Yama
    bool proc_is_ours = true;
    // errno of each harmless trial, 0 where it worked.
    int open_memory = 0;
    int read_memory = 0;  // by process_vm_readv(2), which no mode of a file forbids
    int ptrace_self = 0;
    int read_self = 0;
    int duplicate_descriptor = 0;
};

[[nodiscard]] std::vector<Obstacle> judge_access(const AccessFacts& facts);

// All that stands between us and reading, stopping and calling into process `pid`; nothing where we
// can do it all. Only looks, and tries what is harmless: it does not stop the process.
[[nodiscard]] std::vector<Obstacle> find_obstacles(pid_t pid);

}  // namespace palloscope
