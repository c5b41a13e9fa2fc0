#include "tests/bench/bare_read.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "attach/proc.hpp"
#include "attach/process_memory.hpp"
#include "attach/stopped_process.hpp"
#include "tests/bench/latency_probe.hpp"
#include "tests/bench/median.hpp"

namespace palloscope::test {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;

constexpr std::size_t kReads = 51;
constexpr std::chrono::milliseconds kInterval{20};

Mapping heap_of(pid_t pid) {
    for (const Mapping& mapping : read_maps(pid).value_or(std::vector<Mapping>{})) {
        if (mapping.path == "[heap]") {
            return mapping;
        }
    }
    throw std::runtime_error("the backend has no [heap]");
}

}  // namespace

microseconds bare_read(Session& session, std::uint64_t bytes) {
    const pid_t pid = session.backend_pid();
    const auto memory = ProcessMemory::open(pid);
    if (!memory) {
        throw std::runtime_error(memory.error().message);
    }
    const Mapping heap = heap_of(pid);
    std::vector<std::byte> room(std::min(bytes, heap.size()));
    const RemotePiece piece{.address = heap.start, .into = room};
    std::vector<microseconds> times;
    LatencyProbe client(session);
    for (std::size_t i = 0; i < kReads; ++i) {
        std::this_thread::sleep_for(kInterval);
        const auto stopped = StoppedProcess::seize(pid);
        const auto begin = steady_clock::now();
        const auto read = memory->gather(std::span(&piece, 1));
        times.push_back(duration_cast<microseconds>(steady_clock::now() - begin));
        if (!stopped || !read) {
            throw std::runtime_error("cannot read the backend");
        }
    }
    (void)client.stop();
    return median(std::move(times));
}

}  // namespace palloscope::test
