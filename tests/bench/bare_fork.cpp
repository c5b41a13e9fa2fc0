#include "tests/bench/bare_fork.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include "attach/proc.hpp"
#include "tests/bench/median.hpp"

namespace palloscope::test {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;

constexpr std::size_t kForks = 51;

// Anonymous memory that is there, in small pages, as a backend's is.
class TouchedMemory {
  public:
    explicit TouchedMemory(std::size_t bytes)
        : bytes_(bytes),
          memory_(
              mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
        if (memory_ == MAP_FAILED) {
            throw std::runtime_error("no memory to fork with");
        }
        (void)madvise(memory_, bytes_, MADV_NOHUGEPAGE);
        touch();
    }

    TouchedMemory(const TouchedMemory&) = delete;
    TouchedMemory(TouchedMemory&&) = delete;
    TouchedMemory& operator=(const TouchedMemory&) = delete;
    TouchedMemory& operator=(TouchedMemory&&) = delete;

    ~TouchedMemory() { munmap(memory_, bytes_); }

    // Also makes its pages writable again, which each fork takes from them.
    void touch() { std::memset(memory_, 1, bytes_); }

  private:
    std::size_t bytes_;
    void* memory_;
};

}  // namespace

microseconds bare_fork(pid_t pid) {
    const auto status = read_status(pid);
    if (!status) {
        throw std::runtime_error(status.error().message);
    }
    TouchedMemory memory(static_cast<std::size_t>(status->rss_anon_bytes));
    std::vector<microseconds> times;
    for (std::size_t i = 0; i < kForks; ++i) {
        memory.touch();
        const auto begin = steady_clock::now();
        const pid_t child = fork();
        if (child == 0) {
            _exit(0);
        }
        times.push_back(duration_cast<microseconds>(steady_clock::now() - begin));
        if (child < 0 || waitpid(child, nullptr, 0) != child) {
            throw std::runtime_error("cannot fork");
        }
    }
    return median(std::move(times));
}

}  // namespace palloscope::test
