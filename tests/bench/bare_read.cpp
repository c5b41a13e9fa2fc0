#include "tests/bench/bare_read.hpp"

#include <algorithm>
#include <cstddef>
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

// What the postmaster had of a heap is a mapping of its own.
std::vector<Mapping> heap_of(pid_t pid) {
    std::vector<Mapping> heap = read_maps(pid).value_or(std::vector<Mapping>{});
    std::erase_if(heap, [](const Mapping& mapping) { return mapping.path != "[heap]"; });
    return heap;
}

}  // namespace

BareRead bare_read(Session& session) {
    const pid_t pid = session.backend_pid();
    const auto memory = ProcessMemory::open(pid);
    if (!memory) {
        throw std::runtime_error(memory.error().message);
    }
    std::vector<std::vector<std::byte>> rooms;
    std::vector<RemotePiece> pieces;
    BareRead read_heap;
    for (const Mapping& mapping : heap_of(pid)) {
        rooms.emplace_back(mapping.size());
        pieces.push_back({.address = mapping.start, .into = rooms.back()});
        read_heap.bytes += mapping.size();
    }
    std::vector<microseconds> times;
    LatencyProbe client(session);
    for (std::size_t i = 0; i < kReads; ++i) {
        std::this_thread::sleep_for(kInterval);
        const auto stopped = StoppedProcess::seize(pid);
        const auto begin = steady_clock::now();
        const auto read = memory->gather(pieces);
        times.push_back(duration_cast<microseconds>(steady_clock::now() - begin));
        if (!stopped || !read || pieces.empty()) {
            throw std::runtime_error("cannot read the backend");
        }
    }
    (void)client.stop();
    read_heap.time = median(std::move(times));
    return read_heap;
}

}  // namespace palloscope::test
