#include "attach/memory_headroom.hpp"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>

#include <fmt/core.h>

#include "attach/proc.hpp"
#include "attach/proc_text.hpp"

namespace palloscope {

namespace {

// Deeper than any tree of groups.
constexpr int kMaxLevels = 64;
// vm.overcommit_memory: promise no more than there is.
constexpr int kStrictOvercommit = 2;

// Empty where it cannot be read.
std::string read_text(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Whether a comma-separated list holds `wanted`.
bool lists(std::string_view list, std::string_view wanted) {
    while (!list.empty()) {
        if (next_word(list, ",") == wanted) {
            return true;
        }
    }
    return false;
}

// The names of a group's files differ between the versions.
struct GroupFiles {
    const char* limit;
    const char* usage;
    std::string_view inactive_file;  // in memory.stat, groups below included
};

GroupFiles group_files(CgroupVersion version) {
    if (version == CgroupVersion::kV1) {
        return {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
    }
    return {"memory.max", "memory.current", "inactive_file"};
}

std::optional<MemoryLimit> read_memory_limit(const std::filesystem::path& group,
                                             CgroupVersion version) {
    const GroupFiles files = group_files(version);
    const auto limit = parse_cgroup_bytes(read_text(group / files.limit));
    const auto usage = parse_cgroup_bytes(read_text(group / files.usage));

    struct stat folder {};

    if (!limit || !usage || stat(group.c_str(), &folder) != 0) {
        return std::nullopt;
    }
    return MemoryLimit{
        .limit_bytes = *limit,
        .usage_bytes = *usage,
        .reclaimable_bytes = parse_reclaimable(read_text(group / "memory.stat"), version),
        .group_id = folder.st_ino};
}

// In the folders of a process that is not ours anything may be mounted over the groups: a pipe,
// say.
bool is_cgroup_mount(const std::string& mount_point, CgroupVersion version) {
    struct statfs found {};

    return statfs(mount_point.c_str(), &found) == 0 &&
           found.f_type ==
               (version == CgroupVersion::kV1 ? CGROUP_SUPER_MAGIC : CGROUP2_SUPER_MAGIC);
}

// The groups of a process that the mounts of one process show; `root` is where its root folder is.
void add_groups_seen_by(std::string_view mountinfo,
                        const std::string& root,
                        const std::vector<CgroupPath>& groups,
                        std::vector<MemoryGroup>& found) {
    const std::vector<CgroupMount> mounts = parse_cgroup_mounts(mountinfo);
    for (const CgroupPath& group : groups) {
        for (const CgroupMount& mount : mounts) {
            const auto path = path_in_mount(group, mount);
            const std::string mount_point = root + mount.mount_point;
            if (path && is_cgroup_mount(mount_point, mount.version)) {
                found.push_back({mount.version, mount_point, *path});
                break;  // it may be mounted more than once
            }
        }
    }
}

std::optional<MemoryLimit> tightest_limit(const std::vector<MemoryGroup>& groups) {
    std::vector<MemoryLimit> limits;
    for (const MemoryGroup& group : groups) {
        const auto found =
            read_memory_limits(group.mount_point, group.path_in_mount, group.version);
        limits.insert(limits.end(), found.begin(), found.end());
    }
    const auto least = std::ranges::min_element(limits, {}, &MemoryLimit::left_bytes);
    return least == limits.end() ? std::nullopt : std::optional(*least);
}

}  // namespace

std::int64_t MemoryHeadroom::left_bytes() const noexcept {
    constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();
    return std::min(available_bytes.value_or(kUnlimited), limit ? limit->left_bytes() : kUnlimited);
}

MachineMemory parse_meminfo(std::string_view text) {
    MachineMemory memory;
    for_each_field(text, [&](std::string_view key, std::string_view value) {
        if (key == "MemAvailable") {
            memory.available_bytes = kilobytes(value);
        } else if (key == "CommitLimit") {
            memory.commit_limit_bytes = kilobytes(value);
        } else if (key == "Committed_AS") {
            memory.committed_bytes = kilobytes(value);
        }
    });
    return memory;
}

std::vector<CgroupPath> parse_cgroup_paths(std::string_view text) {
    std::vector<CgroupPath> paths;
    for_each_line(text, [&](std::string_view line) {
        // hierarchy:controllers:path; the path may hold colons.
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string_view::npos || second == std::string_view::npos) {
            return;
        }
        const std::string_view hierarchy = line.substr(0, first);
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        const std::string path(line.substr(second + 1));
        if (hierarchy == "0" && controllers.empty()) {
            paths.push_back({CgroupVersion::kV2, path});
        } else if (lists(controllers, "memory")) {
            paths.push_back({CgroupVersion::kV1, path});
        }
    });
    return paths;
}

std::vector<CgroupMount> parse_cgroup_mounts(std::string_view mountinfo) {
    std::vector<CgroupMount> mounts;
    for_each_line(mountinfo, [&](std::string_view line) {
        // id parent device root mount_point options [optional …] - type source super_options
        constexpr std::string_view kSeparator = " - ";
        const std::size_t separator = line.find(kSeparator);
        if (separator == std::string_view::npos) {
            return;
        }
        std::string_view left = line.substr(0, separator);
        std::string_view right = line.substr(separator + kSeparator.size());
        constexpr int kBeforeRoot = 3;
        for (int skipped = 0; skipped < kBeforeRoot; ++skipped) {
            next_word(left);
        }
        const std::string root(next_word(left));
        const std::string mount_point(next_word(left));
        const std::string_view type = next_word(right);
        next_word(right);  // source
        if (type == "cgroup2") {
            mounts.push_back({CgroupVersion::kV2, root, mount_point});
        } else if (type == "cgroup" && lists(next_word(right), "memory")) {
            mounts.push_back({CgroupVersion::kV1, root, mount_point});
        }
    });
    return mounts;
}

std::optional<std::string> path_in_mount(const CgroupPath& group, const CgroupMount& mount) {
    if (group.version != mount.version) {
        return std::nullopt;
    }
    const std::string root = mount.root == "/" ? "" : mount.root;
    const std::string path = group.path == "/" ? "" : group.path;
    if (!path.starts_with(root) || (path.size() > root.size() && path[root.size()] != '/')) {
        return std::nullopt;
    }
    // "/.." leads out of our cgroup namespace (cgroup_namespaces(7)), where only a mount reaches
    // that lies out there too.
    std::string below = path.substr(root.size());
    return below.find("/..") == std::string::npos ? std::optional(std::move(below)) : std::nullopt;
}

std::optional<std::int64_t> parse_cgroup_bytes(std::string_view text) {
    // v1 writes "no limit" as the largest number of whole pages.
    constexpr std::int64_t kNoLimit = std::int64_t{1} << 62;
    const auto bytes = parse_number<std::int64_t>(text);
    return bytes && *bytes < kNoLimit ? bytes : std::nullopt;
}

std::int64_t parse_reclaimable(std::string_view memory_stat, CgroupVersion version) {
    const std::string_view wanted = group_files(version).inactive_file;
    std::int64_t bytes = 0;
    for_each_line(memory_stat, [&](std::string_view line) {
        if (next_word(line) == wanted) {
            bytes = parse_number<std::int64_t>(next_word(line)).value_or(0);
        }
    });
    return bytes;
}

std::vector<MemoryLimit> read_memory_limits(const std::filesystem::path& mount_point,
                                            const std::string& path_in_mount,
                                            CgroupVersion version) {
    std::vector<MemoryLimit> limits;
    std::string path = path_in_mount;
    for (int level = 0; level < kMaxLevels; ++level) {
        if (const auto limit = read_memory_limit(mount_point.string() + path, version)) {
            limits.push_back(*limit);
        }
        if (path.empty()) {
            break;
        }
        path.erase(std::min(path.rfind('/'), path.size()));
    }
    return limits;
}

Result<std::vector<MemoryGroup>> find_memory_groups(pid_t pid) {
    const auto text = read_control_groups(pid);
    if (!text) {
        return tl::unexpected(text.error());
    }
    const std::vector<CgroupPath> groups = parse_cgroup_paths(*text);
    std::vector<MemoryGroup> found;
    add_groups_seen_by(read_text("/proc/self/mountinfo"), "", groups, found);
    add_groups_seen_by(
        read_mounts(pid).value_or(""), fmt::format("/proc/{}/root", pid), groups, found);
    return found;
}

Result<MemoryHeadroom> read_memory_headroom(pid_t pid) {
    const auto groups = find_memory_groups(pid);
    if (!groups) {
        return tl::unexpected(groups.error());
    }
    const MachineMemory machine = parse_meminfo(read_text("/proc/meminfo"));
    MemoryHeadroom headroom{.available_bytes = machine.available_bytes,
                            .limit = tightest_limit(*groups)};
    const auto overcommit = parse_number<int>(read_text("/proc/sys/vm/overcommit_memory"));
    if (overcommit == kStrictOvercommit) {
        headroom.commit_left_bytes = machine.commit_limit_bytes - machine.committed_bytes;
    }
    return headroom;
}

}  // namespace palloscope
