#include "attach/rest_watch.hpp"

#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <utility>

#include "attach/cpu_state.hpp"
#include "attach/proc.hpp"

namespace palloscope {

namespace {

// These files are made anew by each read from their beginning, and fit into one.
class ProcText {
  public:
    explicit ProcText(const FileDescriptor& file) {
        const ssize_t got = pread(file.get(), bytes_.data(), bytes_.size(), 0);
        text_ = {bytes_.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
    }

    [[nodiscard]] std::string_view text() const { return text_; }

  private:
    std::array<char, 256> bytes_{};
    std::string_view text_;
};

// The third number: "run time, waiting time, timeslices" (Documentation/scheduler/sched-stats.rst).
std::optional<std::uint64_t> parse_runs(std::string_view text) {
    const std::size_t last_blank = text.find_last_of(' ');
    if (last_blank == std::string_view::npos) {
        return std::nullopt;
    }
    text.remove_prefix(last_blank + 1);
    std::uint64_t runs = 0;
    const auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), runs);
    // Zero where the kernel does not count (CONFIG_SCHED_INFO): each process has run once.
    return err == std::errc{} && runs > 0 ? std::optional(runs) : std::nullopt;
}

// epoll_wait(2) is never restarted (signal(7)).
bool was_broken_off(std::uint64_t rax) {
    return is_restarted(rax) || std::bit_cast<std::int64_t>(rax) == -EINTR;
}

}  // namespace

Result<RestWatch> RestWatch::open(pid_t pid) {
    auto syscall = open_proc_file(pid, "syscall");
    if (!syscall) {
        return tl::unexpected(std::move(syscall.error()));
    }
    auto runs = open_proc_file(pid, "schedstat");
    if (!runs) {
        return tl::unexpected(std::move(runs.error()));
    }
    return RestWatch(std::move(*syscall), std::move(*runs));
}

std::optional<RestWatch::Rest> RestWatch::begin() const {
    // First the count, then the sleep: what ran in between would be seen running, or counted.
    const auto runs = parse_runs(ProcText(runs_).text());
    const auto syscall = parse_syscall(ProcText(syscall_).text());
    if (!runs || !syscall) {
        return std::nullopt;
    }
    return Rest{.syscall = *syscall, .runs = *runs};
}

bool RestWatch::rested_since(const Rest& rest) const {
    const auto runs = parse_runs(ProcText(runs_).text());
    return runs && *runs == rest.runs;
}

bool RestWatch::only_stopped_since(const Rest& rest, const user_regs_struct& registers) const {
    const auto runs = parse_runs(ProcText(runs_).text());
    return runs && *runs == rest.runs + 1 && rest.syscall >= 0 &&
           std::bit_cast<std::int64_t>(std::uint64_t{registers.orig_rax}) == rest.syscall &&
           was_broken_off(registers.rax);
}

}  // namespace palloscope
