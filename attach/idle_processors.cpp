#include "attach/idle_processors.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "attach/file_descriptor.hpp"
#include "attach/proc_text.hpp"

namespace palloscope {

namespace {

std::optional<std::uint64_t> read_idle_ticks() {
    const FileDescriptor file(open("/proc/stat", O_RDONLY | O_CLOEXEC));
    std::array<char, 256> beginning{};
    const ssize_t got = read(file.get(), beginning.data(), beginning.size());
    return got > 0 ? parse_idle_ticks({beginning.data(), static_cast<std::size_t>(got)})
                   : std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_idle_ticks(std::string_view text) {
    if (next_word(text) != "cpu") {
        return std::nullopt;
    }
    for (int skipped = 0; skipped < 3; ++skipped) {
        next_word(text);  // user, nice, system
    }
    const auto idle = parse_number<std::uint64_t>(next_word(text));
    const auto waiting = parse_number<std::uint64_t>(next_word(text));
    return idle && waiting ? std::optional(*idle + *waiting) : std::nullopt;
}

double IdleProcessors::count() {
    const Clock::time_point now = Clock::now();
    const std::chrono::duration<double> since = now - std::exchange(asked_at_, now);
    const auto ticks = read_idle_ticks();
    const auto before = std::exchange(ticks_, ticks);
    // The sum may step back a little (proc(5)).
    if (!ticks || !before || *ticks <= *before || since.count() <= 0) {
        return 0;
    }
    return static_cast<double>(*ticks - *before) / static_cast<double>(sysconf(_SC_CLK_TCK)) /
           since.count();
}

}  // namespace palloscope
