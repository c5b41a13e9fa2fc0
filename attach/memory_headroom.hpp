#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attach/error.hpp"

// How much memory a process may still get. The parse_* functions are pure and skip what they do not
// understand.
namespace palloscope {

// A limit on the memory of a group of processes, a container's for instance.
struct MemoryLimit {
    std::int64_t limit_bytes = 0;
    std::int64_t usage_bytes = 0;
    // Within the usage: file pages that nobody has used lately, and that the kernel drops first. A
    // server's page cache fills its container up to the limit; that is no lack of memory.
    std::int64_t reclaimable_bytes = 0;
    // The kernel's number of the group, which is its folder's inode (cgroups are a file system):
    // the same wherever it is mounted.
    std::uint64_t group_id = 0;

    [[nodiscard]] std::int64_t left_bytes() const noexcept {
        return limit_bytes - usage_bytes + reclaimable_bytes;
    }

    bool operator==(const MemoryLimit&) const = default;
};

struct MemoryHeadroom {
    // Of the whole machine (MemAvailable); none where the kernel does not tell.
    std::optional<std::int64_t> available_bytes;
    // The one that has least left, of its control groups; none where none is limited, or where
    // neither our mount namespace shows it nor its own.
    std::optional<MemoryLimit> limit;
    // What may still be promised where the kernel promises no more memory than there is
    // (vm.overcommit_memory = 2); none elsewhere.
    std::optional<std::int64_t> commit_left_bytes;

    // The least of the first two; INT64_MAX where neither is known.
    [[nodiscard]] std::int64_t left_bytes() const noexcept;

    bool operator==(const MemoryHeadroom&) const = default;
};

// Reads afresh. What cannot be found is no limit; kGone where there is no such process.
[[nodiscard]] Result<MemoryHeadroom> read_memory_headroom(pid_t pid);

// /proc/meminfo.
struct MachineMemory {
    std::optional<std::int64_t> available_bytes;
    std::int64_t commit_limit_bytes = 0;
    std::int64_t committed_bytes = 0;

    bool operator==(const MachineMemory&) const = default;
};

[[nodiscard]] MachineMemory parse_meminfo(std::string_view text);

// Both versions may be mounted at once ("hybrid"); the memory controller then belongs to one of
// them, and the other one shows no limit.
enum class CgroupVersion { kV1, kV2 };

// The control group that a process is in, as far as memory is concerned (/proc/PID/cgroup,
// cgroups(7)).
struct CgroupPath {
    CgroupVersion version = CgroupVersion::kV2;
    std::string path;

    bool operator==(const CgroupPath&) const = default;
};

[[nodiscard]] std::vector<CgroupPath> parse_cgroup_paths(std::string_view text);

// Where a hierarchy that may limit memory is mounted, and which of its groups is seen there
// (/proc/self/mountinfo, proc(5)). In a container that is often its own group.
struct CgroupMount {
    CgroupVersion version = CgroupVersion::kV2;
    std::string root;
    std::string mount_point;

    bool operator==(const CgroupMount&) const = default;
};

[[nodiscard]] std::vector<CgroupMount> parse_cgroup_mounts(std::string_view mountinfo);

// The group's folder below the mount's own one, as "/a/b", or "" for that itself; none where the
// mount does not show it.
[[nodiscard]] std::optional<std::string> path_in_mount(const CgroupPath& group,
                                                       const CgroupMount& mount);

// A group that a process is in, where its files can be read.
struct MemoryGroup {
    CgroupVersion version = CgroupVersion::kV2;
    std::string mount_point;
    std::string path_in_mount;
};

// As our mounts show them, and as the process's own do: in a container beside its own, ours do not
// show its groups. kGone where there is no such process.
[[nodiscard]] Result<std::vector<MemoryGroup>> find_memory_groups(pid_t pid);

// A number of bytes in a file of a group; none for "max" and for v1's largest number.
[[nodiscard]] std::optional<std::int64_t> parse_cgroup_bytes(std::string_view text);

// The memory of a memory.stat that is reclaimable.
[[nodiscard]] std::int64_t parse_reclaimable(std::string_view memory_stat, CgroupVersion version);

// The limits of a group and of those above it, up to the mount, from their files.
[[nodiscard]] std::vector<MemoryLimit> read_memory_limits(const std::filesystem::path& mount_point,
                                                          const std::string& path_in_mount,
                                                          CgroupVersion version);

}  // namespace palloscope
