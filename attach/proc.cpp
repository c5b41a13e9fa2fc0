#include "attach/proc.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>

#include <fmt/core.h>

#include "attach/proc_text.hpp"

namespace palloscope {

namespace {

// No file that we read whole below /proc is larger in a sane process; maps of 65,530 mappings
// (vm.max_map_count) stay below.
constexpr std::size_t kMaxProcFileBytes = std::size_t{64} << 20;

tl::unexpected<Error> proc_error(int err, pid_t pid, std::string_view name) {
    if (err == ENOENT || err == ESRCH) {
        return failure(Error::Kind::kGone, fmt::format("process {} is gone", pid));
    }
    return os_error(err, fmt::format("cannot read /proc/{}/{}", pid, name));
}

// All of a file of /proc/PID, from its beginning.
Result<std::string> read_whole(const FileDescriptor& file, pid_t pid, std::string_view name) {
    std::string text;
    std::array<char, 16384> buffer;  // NOLINT(*-init): filled as far as it is used
    while (text.size() < kMaxProcFileBytes) {
        const ssize_t got =
            pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return proc_error(errno, pid, name);
        }
        if (got == 0) {
            break;
        }
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
}

Result<std::string> read_proc_file(pid_t pid, std::string_view name) {
    return open_proc_file(pid, name).and_then(
        [&](const FileDescriptor& file) { return read_whole(file, pid, name); });
}

// A field of /proc/PID/stat, numbered as in proc(5), from the third one on; empty where it is
// missing.
std::string_view stat_field(std::string_view text, int number) {
    // The name, in parentheses, may hold spaces and parentheses itself; field 3 follows the last
    // one.
    constexpr int kFirstAfterName = 3;
    text.remove_prefix(std::min(text.rfind(')') + 1, text.size()));
    for (int skipped = kFirstAfterName; skipped < number; ++skipped) {
        next_word(text);
    }
    return next_word(text, " \n");
}

// The same of a process; never empty.
Result<std::string> read_stat_field(pid_t pid, int number) {
    return read_proc_file(pid, "stat")
        .and_then([&](const std::string& text) -> Result<std::string> {
            const std::string_view field = stat_field(text, number);
            if (field.empty()) {
                return failure(Error::Kind::kFailed,
                               fmt::format("/proc/{}/stat has no field {}", pid, number));
            }
            return std::string(field);
        });
}

Result<std::uint64_t> read_stat_number(pid_t pid, int number) {
    return read_stat_field(pid, number)
        .and_then([&](const std::string& text) -> Result<std::uint64_t> {
            if (const auto value = parse_number<std::uint64_t>(text)) {
                return *value;
            }
            return failure(Error::Kind::kFailed,
                           fmt::format("field {} of /proc/{}/stat is no number", number, pid));
        });
}

using Directory = std::unique_ptr<DIR, decltype([](DIR* dir) { closedir(dir); })>;

// The entries of a folder whose names are numbers, ascending.
std::vector<int> list_numbers(DIR* folder) {
    std::vector<int> numbers;
    while (const dirent* entry = readdir(folder)) {
        if (const auto number = parse_number<int>(&entry->d_name[0])) {
            numbers.push_back(*number);
        }
    }
    std::ranges::sort(numbers);
    return numbers;
}

Result<std::vector<int>> list_numbers(pid_t pid, std::string_view name) {
    const Directory folder(opendir(fmt::format("/proc/{}/{}", pid, name).c_str()));
    if (!folder) {
        return proc_error(errno, pid, name);
    }
    return list_numbers(folder.get());
}

}  // namespace

std::vector<Mapping> parse_maps(std::string_view text) {
    std::vector<Mapping> mappings;
    for_each_line(text, [&](std::string_view line) {
        std::string_view range = next_word(line);
        const auto start = parse_number<std::uint64_t>(next_word(range, "-"), 16);
        const auto end = parse_number<std::uint64_t>(next_word(range, "-"), 16);
        const std::string_view flags = next_word(line);
        const auto offset = parse_number<std::uint64_t>(next_word(line), 16);
        next_word(line);  // device: differs from stat(2)'s on overlayfs, so nobody may rely on it
        const auto inode = parse_number<std::uint64_t>(next_word(line));
        if (!start || !end || *end < *start || flags.size() < 4 || !offset || !inode) {
            return;
        }
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
        mappings.push_back({.start = {*start},
                            .end = {*end},
                            .readable = flags[0] == 'r',
                            .writable = flags[1] == 'w',
                            .executable = flags[2] == 'x',
                            .shared = flags[3] == 's',
                            .offset = *offset,
                            .inode = *inode,
                            .path = std::string(line)});
    });
    return mappings;
}

Result<FileDescriptor> open_proc_file(pid_t pid, std::string_view name) {
    FileDescriptor file(open(fmt::format("/proc/{}/{}", pid, name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) {
        return proc_error(errno, pid, name);
    }
    return file;
}

Result<std::vector<Mapping>> read_maps(pid_t pid) {
    return read_proc_file(pid, "maps").map([](const std::string& text) {
        return parse_maps(text);
    });
}

ProcessStatus parse_status(std::string_view text) {
    ProcessStatus status;
    for_each_field(text, [&](std::string_view key, std::string_view value) {
        if (key == "State") {
            status.state = value.empty() ? '?' : value.front();
        } else if (key == "PPid") {
            status.parent_pid = parse_number<pid_t>(value).value_or(0);
        } else if (key == "TracerPid") {
            status.tracer_pid = parse_number<pid_t>(value).value_or(0);
        } else if (key == "Uid") {
            next_word(value);  // the real one
            status.effective_uid = parse_number<uid_t>(next_word(value)).value_or(0);
        } else if (key == "Threads") {
            status.threads = parse_number<int>(value).value_or(0);
        } else if (key == "NSpid") {
            while (const auto pid = parse_number<pid_t>(next_word(value))) {
                status.namespace_pids.push_back(*pid);
            }
        } else if (key == "RssAnon") {
            status.rss_anon_bytes = kilobytes(value);
        } else if (key == "RssFile") {
            status.rss_file_bytes = kilobytes(value);
        } else if (key == "RssShmem") {
            status.rss_shmem_bytes = kilobytes(value);
        } else if (key == "VmData") {
            status.data_bytes = kilobytes(value);
        } else if (key == "VmSize") {
            status.mapped_bytes = static_cast<std::uint64_t>(kilobytes(value));
        } else if (key == "SigBlk") {
            status.blocked_signals = parse_number<std::uint64_t>(value, 16).value_or(0);
        } else if (key == "CapEff") {
            status.effective_capabilities = parse_number<std::uint64_t>(value, 16).value_or(0);
        } else if (key == "Seccomp") {
            status.seccomp = parse_number<int>(value).value_or(0);
        } else if (key == "x86_Thread_features") {
            status.shadow_stack = value.find("shstk") != std::string_view::npos;
        }
    });
    return status;
}

Result<ProcessStatus> read_status(pid_t pid) {
    return read_proc_file(pid, "status").map([](const std::string& text) {
        return parse_status(text);
    });
}

Result<StatusFile> StatusFile::open(pid_t pid) {
    return open_proc_file(pid, "status").map([&](FileDescriptor&& file) {
        return StatusFile(pid, std::move(file));
    });
}

Result<ProcessStatus> StatusFile::read() const {
    return read_whole(file_, pid_, "status").map([](const std::string& text) {
        return parse_status(text);
    });
}

Result<pid_t> read_innermost_pid(pid_t pid) {
    return read_status(pid).map([&](const ProcessStatus& status) {
        return status.namespace_pids.empty() ? pid : status.namespace_pids.back();
    });
}

MemoryRollup parse_smaps_rollup(std::string_view text) {
    MemoryRollup rollup;
    const std::array<std::pair<std::string_view, std::int64_t*>, 6> fields{{
        {"Rss", &rollup.rss_bytes},
        {"Pss", &rollup.pss_bytes},
        {"Private_Clean", &rollup.private_clean_bytes},
        {"Private_Dirty", &rollup.private_dirty_bytes},
        {"Anonymous", &rollup.anonymous_bytes},
        {"Swap", &rollup.swap_bytes},
    }};
    for_each_field(text, [&](std::string_view key, std::string_view value) {
        for (const auto& [name, bytes] : fields) {
            if (key == name) {
                *bytes = kilobytes(value);
            }
        }
    });
    return rollup;
}

Result<MemoryRollup> read_smaps_rollup(pid_t pid) {
    return read_proc_file(pid, "smaps_rollup").map([](const std::string& text) {
        return parse_smaps_rollup(text);
    });
}

std::optional<long> parse_syscall(std::string_view text) {
    const auto number = parse_number<long>(text);
    return number && *number >= 0 ? number : std::nullopt;
}

Result<std::optional<long>> read_syscall(pid_t pid) {
    return read_proc_file(pid, "syscall").map([](const std::string& text) {
        return parse_syscall(text);
    });
}

ChildStatus parse_child_status(std::string_view text) {
    constexpr int kState = 3;
    constexpr int kParent = 4;
    constexpr int kExitSignal = 38;
    const std::string_view state = stat_field(text, kState);
    return {.state = state.empty() ? '?' : state.front(),
            .parent_pid = parse_number<pid_t>(stat_field(text, kParent)).value_or(0),
            .exit_signal = parse_number<int>(stat_field(text, kExitSignal)).value_or(-1)};
}

Result<ChildStatus> read_child_status(pid_t pid) {
    return read_proc_file(pid, "stat").map([](const std::string& text) {
        return parse_child_status(text);
    });
}

Result<char> read_state(pid_t pid) {
    constexpr int kState = 3;
    return read_stat_field(pid, kState).map([](const std::string& text) { return text.front(); });
}

Result<std::string> read_name(pid_t pid) {
    return read_proc_file(pid, "comm").map([](std::string text) {
        text.erase(text.find_last_not_of('\n') + 1);
        return text;
    });
}

Result<RemoteAddress> read_stack_start(pid_t pid) {
    constexpr int kStartStack = 28;
    return read_stat_number(pid, kStartStack).map([](std::uint64_t address) {
        return RemoteAddress{address};
    });
}

Result<std::uint64_t> read_start_time(pid_t pid) {
    constexpr int kStartTime = 22;
    return read_stat_number(pid, kStartTime);
}

Result<int> read_end_status(pid_t pid) {
    constexpr int kExitCode = 52;
    return read_stat_number(pid, kExitCode).map([](std::uint64_t status) {
        return static_cast<int>(status);
    });
}

Result<std::string> read_command_line(pid_t pid) {
    return read_proc_file(pid, "cmdline").map([](std::string text) {
        std::ranges::replace(text, '\0', ' ');
        text.erase(text.find_last_not_of(' ') + 1);
        return text;
    });
}

Result<std::string> read_control_groups(pid_t pid) {
    return read_proc_file(pid, "cgroup");
}

Result<std::string> read_mounts(pid_t pid) {
    return read_proc_file(pid, "mountinfo");
}

Result<std::string> read_link(pid_t pid, std::string_view name) {
    std::array<char, PATH_MAX> target{};
    const ssize_t length =
        readlink(fmt::format("/proc/{}/{}", pid, name).c_str(), target.data(), target.size());
    if (length < 0) {
        return proc_error(errno, pid, name);
    }
    return std::string(target.data(), static_cast<std::size_t>(length));
}

std::optional<std::uint64_t> parse_namespace(std::string_view link) {
    const std::size_t bracket = link.find('[');
    if (bracket == std::string_view::npos || !link.ends_with(']')) {
        return std::nullopt;
    }
    return parse_number<std::uint64_t>(link.substr(bracket + 1));
}

Result<std::uint64_t> read_namespace(pid_t pid, std::string_view name) {
    return read_link(pid, fmt::format("ns/{}", name))
        .and_then([&](const std::string& link) -> Result<std::uint64_t> {
            if (const auto number = parse_namespace(link)) {
                return *number;
            }
            return failure(Error::Kind::kFailed,
                           fmt::format("/proc/{}/ns/{} is no namespace: {}", pid, name, link));
        });
}

Result<FileDescriptor> open_executable(pid_t pid) {
    return open_proc_file(pid, "exe");
}

Result<std::vector<int>> list_descriptors(pid_t pid) {
    return list_numbers(pid, "fd");
}

Result<int> read_descriptor_flags(pid_t pid, int fd) {
    return read_proc_file(pid, fmt::format("fdinfo/{}", fd))
        .and_then([&](const std::string& text) -> Result<int> {
            std::optional<int> flags;
            for_each_field(text, [&](std::string_view key, std::string_view value) {
                if (key == "flags") {
                    flags = parse_number<int>(value, 8);
                }
            });
            if (!flags) {
                return failure(Error::Kind::kFailed,
                               fmt::format("/proc/{}/fdinfo/{} has no flags", pid, fd));
            }
            return *flags;
        });
}

SoftLimits parse_limits(std::string_view text) {
    SoftLimits limits;
    const std::array<std::pair<std::string_view, std::uint64_t*>, 3> fields{{
        {"Max open files", &limits.open_files},
        {"Max stack size", &limits.stack_bytes},
        {"Max file size", &limits.file_bytes},
    }};
    for_each_line(text, [&](std::string_view line) {
        for (const auto& [label, limit] : fields) {
            if (line.starts_with(label)) {
                line.remove_prefix(label.size());
                *limit = parse_number<std::uint64_t>(next_word(line)).value_or(UINT64_MAX);
            }
        }
    });
    return limits;
}

Result<SoftLimits> read_limits(pid_t pid) {
    return read_proc_file(pid, "limits").map([](const std::string& text) {
        return parse_limits(text);
    });
}

Result<std::uint64_t> read_auxiliary_value(pid_t pid, std::uint64_t type) {
    return read_proc_file(pid, "auxv")
        .and_then([&](const std::string& bytes) -> Result<std::uint64_t> {
            std::array<std::uint64_t, 2> entry{};
            for (std::size_t at = 0; at + sizeof entry <= bytes.size(); at += sizeof entry) {
                std::memcpy(entry.data(), bytes.data() + at, sizeof entry);
                if (entry[0] == type) {
                    return entry[1];
                }
            }
            // Empty for a kernel thread and for a zombie, which have no memory.
            return failure(Error::Kind::kGone,
                           fmt::format("process {} has no memory any more", pid));
        });
}

std::vector<pid_t> list_processes() {
    const Directory folder(opendir("/proc"));
    return folder ? list_numbers(folder.get()) : std::vector<pid_t>{};
}

std::size_t count_threads(pid_t pid) {
    constexpr nlink_t kOwnLinks = 2;

    struct stat status {};

    const std::string path = fmt::format("/proc/{}/task", pid);
    if (stat(path.c_str(), &status) != 0 || status.st_nlink < kOwnLinks) {
        return 0;
    }
    return status.st_nlink - kOwnLinks;
}

Result<std::vector<pid_t>> list_threads(pid_t pid) {
    return list_numbers(pid, "task");
}

bool parse_io_worker(std::string_view text) {
    constexpr int kFlags = 9;
    constexpr std::uint64_t kIoWorker = 0x10;
    return (parse_number<std::uint64_t>(stat_field(text, kFlags)).value_or(0) & kIoWorker) != 0;
}

bool is_io_worker(pid_t thread) {
    return read_proc_file(thread, "stat").map(parse_io_worker).value_or(false);
}

Result<std::vector<pid_t>> list_children(pid_t pid) {
    const auto threads = list_threads(pid);
    if (!threads) {
        return tl::unexpected(threads.error());
    }
    std::vector<pid_t> children;
    for (const pid_t thread : *threads) {
        // A thread may have ended since, and the kernel may not know the file.
        const std::string text =
            read_proc_file(pid, fmt::format("task/{}/children", thread)).value_or(std::string());
        std::string_view rest = text;
        while (const auto child = parse_number<pid_t>(next_word(rest))) {
            children.push_back(*child);
        }
    }
    return children;
}

}  // namespace palloscope
