#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attach/error.hpp"
#include "attach/file_descriptor.hpp"
#include "attach/remote_address.hpp"

// What the kernel tells of a process below /proc (proc(5)). Each read_* reads afresh; a process
// that is not there is Error::Kind::kGone, one that we may not look at kPermission. The parse_*
// functions are pure and skip what they do not understand.
namespace palloscope {

// /proc/PID/NAME, for reading. What is open stays of this process, also where its PID is another's.
[[nodiscard]] Result<FileDescriptor> open_proc_file(pid_t pid, std::string_view name);

struct Mapping {
    RemoteAddress start;
    RemoteAddress end;
    bool readable = false;
    bool writable = false;
    bool executable = false;
    bool shared = false;
    std::uint64_t offset = 0;
    std::uint64_t inode = 0;
    std::string path;  // empty for anonymous memory, else a path or "[stack]", "[heap]", …

    [[nodiscard]] std::uint64_t size() const noexcept { return end - start; }
};

[[nodiscard]] std::vector<Mapping> parse_maps(std::string_view text);
[[nodiscard]] Result<std::vector<Mapping>> read_maps(pid_t pid);

struct ProcessStatus {
    char state = '?';  // R, S, D, T, t, Z, X
    pid_t parent_pid = 0;
    pid_t tracer_pid = 0;
    uid_t effective_uid = 0;
    int threads = 0;
    // PIDs from our namespace's to the innermost one's (NSpid).
    std::vector<pid_t> namespace_pids;
    std::int64_t rss_anon_bytes = 0;
    std::int64_t rss_file_bytes = 0;
    std::int64_t rss_shmem_bytes = 0;
    std::int64_t data_bytes =
        0;  // private writable mappings but the stack, resident or not (VmData)
    std::uint64_t mapped_bytes =
        0;  // its whole address space (VmSize); 0 where it has none any more
    std::uint64_t blocked_signals = 0;  // of the main thread
    std::uint64_t effective_capabilities = 0;
    int seccomp = 0;            // 0 none, 1 strict, 2 filter
    bool shadow_stack = false;  // x86_Thread_features: shstk
};

[[nodiscard]] ProcessStatus parse_status(std::string_view text);
[[nodiscard]] Result<ProcessStatus> read_status(pid_t pid);

// The same of one process again and again, for half the price: its file stays open. That is of the
// process that it was opened for, kGone once that has ended, also where its PID is another's by
// then.
class StatusFile {
  public:
    [[nodiscard]] static Result<StatusFile> open(pid_t pid);

    [[nodiscard]] Result<ProcessStatus> read() const;

  private:
    StatusFile(pid_t pid, FileDescriptor file) : pid_(pid), file_(std::move(file)) {}

    pid_t pid_;
    FileDescriptor file_;
};

// Its PID in its own, innermost PID namespace.
[[nodiscard]] Result<pid_t> read_innermost_pid(pid_t pid);

// Sums over all mappings, bytes (/proc/PID/smaps_rollup); walks the page tables, so it costs more
// than ProcessStatus.
struct MemoryRollup {
    std::int64_t rss_bytes = 0;
    std::int64_t pss_bytes = 0;
    std::int64_t private_clean_bytes = 0;
    std::int64_t private_dirty_bytes = 0;
    std::int64_t anonymous_bytes = 0;
    std::int64_t swap_bytes = 0;
};

[[nodiscard]] MemoryRollup parse_smaps_rollup(std::string_view text);
[[nodiscard]] Result<MemoryRollup> read_smaps_rollup(pid_t pid);

// The system call in which the main thread sleeps; none while it runs, or sleeps in none
// (/proc/PID/syscall).
[[nodiscard]] std::optional<long> parse_syscall(std::string_view text);
[[nodiscard]] Result<std::optional<long>> read_syscall(pid_t pid);

// The state letter alone, as ProcessStatus::state, at a lower price (/proc/PID/stat, field 3).
[[nodiscard]] Result<char> read_state(pid_t pid);

// What a process is to its parent (/proc/PID/stat, fields 3, 4 and 38).
struct ChildStatus {
    char state = '?';  // as ProcessStatus::state
    pid_t parent_pid = 0;
    int exit_signal = -1;  // the one that its parent gets when it ends; 0 is none
};

[[nodiscard]] ChildStatus parse_child_status(std::string_view text);
[[nodiscard]] Result<ChildStatus> read_child_status(pid_t pid);

// The name of the program, cut to 15 bytes (/proc/PID/comm); not the process title.
[[nodiscard]] Result<std::string> read_name(pid_t pid);

// Where the stack of the main thread begins, its highest address but arguments and environment
// (/proc/PID/stat, field 28).
[[nodiscard]] Result<RemoteAddress> read_stack_start(pid_t pid);

// In clock ticks since boot (/proc/PID/stat, field 22): tells a process from a later one of its
// PID.
[[nodiscard]] Result<std::uint64_t> read_start_time(pid_t pid);

// How a zombie ended, as wait(2) tells its parent; zero without the right to trace it, and while it
// runs (/proc/PID/stat, field 52).
[[nodiscard]] Result<int> read_end_status(pid_t pid);

// Arguments joined by spaces, trailing NULs and spaces cut: for a server, its process title.
[[nodiscard]] Result<std::string> read_command_line(pid_t pid);

// The control groups that it is in (/proc/PID/cgroup, cgroups(7)), as their paths from ours.
[[nodiscard]] Result<std::string> read_control_groups(pid_t pid);

// The mounts that it sees (/proc/PID/mountinfo).
[[nodiscard]] Result<std::string> read_mounts(pid_t pid);

// Where /proc/PID/NAME points to, such as "exe", "root", "ns/pid", "fd/2".
[[nodiscard]] Result<std::string> read_link(pid_t pid, std::string_view name);

// A namespace of the process, by its inode number: "pid", "mnt", "user", … Two processes are in the
// same one where the numbers are equal.
[[nodiscard]] std::optional<std::uint64_t> parse_namespace(std::string_view link);
[[nodiscard]] Result<std::uint64_t> read_namespace(pid_t pid, std::string_view name);

// The executable file itself, also across mount namespaces and when it was replaced on disk.
[[nodiscard]] Result<FileDescriptor> open_executable(pid_t pid);

// The numbers of its open descriptors, ascending.
[[nodiscard]] Result<std::vector<int>> list_descriptors(pid_t pid);

// The open(2) flags of a descriptor, O_CLOEXEC included (/proc/PID/fdinfo/FD).
[[nodiscard]] Result<int> read_descriptor_flags(pid_t pid, int fd);

// Soft limits (/proc/PID/limits); UINT64_MAX is "unlimited".
struct SoftLimits {
    std::uint64_t open_files = UINT64_MAX;
    std::uint64_t stack_bytes = UINT64_MAX;
    std::uint64_t file_bytes = UINT64_MAX;
};

[[nodiscard]] SoftLimits parse_limits(std::string_view text);
[[nodiscard]] Result<SoftLimits> read_limits(pid_t pid);

// A value of the auxiliary vector (getauxval(3)), such as AT_ENTRY.
[[nodiscard]] Result<std::uint64_t> read_auxiliary_value(pid_t pid, std::uint64_t type);

[[nodiscard]] std::vector<pid_t> list_processes();
[[nodiscard]] Result<std::vector<pid_t>> list_threads(pid_t pid);

// Whether a thread is a worker of io_uring, which is listed among the threads of the process that
// it works for, and runs none of its code (since Linux 5.12; /proc/TID/stat, field 9, PF_IO_WORKER
// of include/linux/sched.h). False where it has ended. Before 5.12 the same flag was that of a
// thread in the midst of a virtual machine's code.
[[nodiscard]] bool parse_io_worker(std::string_view text);
[[nodiscard]] bool is_io_worker(pid_t thread);

// How many there are, at a lower price: the links of /proc/PID/task (fs/proc/base.c,
// proc_task_getattr). 0 where the process is gone.
[[nodiscard]] std::size_t count_threads(pid_t pid);

// The children of all its threads, zombies included; complete where they are stopped only
// (proc(5)). None where the kernel was built without CONFIG_PROC_CHILDREN.
[[nodiscard]] Result<std::vector<pid_t>> list_children(pid_t pid);

}  // namespace palloscope
