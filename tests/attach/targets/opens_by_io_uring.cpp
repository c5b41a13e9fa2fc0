// Lets a worker of io_uring open the FIFO that its argument names, which waits for a writer for a
// hundred ticks and can be broken off by a signal; then once more.
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "tests/attach/targets/target.hpp"

// How often it opened the file, and how often that failed.
extern "C" {
volatile std::uint64_t opens = 0;
volatile std::uint64_t failures = 0;
}

namespace {

// Both rings of io_uring_setup(2), of one entry each: no more is ever under way.
class Ring {
  public:
    Ring() {
        ring_ = static_cast<int>(syscall(SYS_io_uring_setup, 1, &layout_));
        target::require(ring_ >= 0, "io_uring_setup");
        target::require((layout_.features & IORING_FEAT_SINGLE_MMAP) != 0, "one mapping");
        rings_ = map(layout_.cq_off.cqes + layout_.cq_entries * sizeof(io_uring_cqe),
                     IORING_OFF_SQ_RING);
        entries_ = reinterpret_cast<io_uring_sqe*>(map(sizeof(io_uring_sqe), IORING_OFF_SQES));
    }

    // IOSQE_ASYNC: by a worker in any case.
    void start_to_open(const char* path) {
        *entries_ = {};
        entries_->opcode = IORING_OP_OPENAT;
        entries_->flags = IOSQE_ASYNC;
        entries_->fd = AT_FDCWD;
        entries_->addr = reinterpret_cast<std::uint64_t>(path);
        entries_->open_flags = O_RDONLY | O_CLOEXEC;
        at(layout_.sq_off.array) = 0;
        std::atomic_ref(at(layout_.sq_off.tail)).fetch_add(1);
        target::require(syscall(SYS_io_uring_enter, ring_, 1, 0, 0, nullptr, 0) == 1,
                        "io_uring_enter");
    }

    // Its descriptor, once it is open; else a number below zero.
    bool has_result(int& result) {
        const std::uint32_t head = at(layout_.cq_off.head);
        if (std::atomic_ref(at(layout_.cq_off.tail)).load() == head) {
            return false;
        }
        const std::uint32_t index = head & at(layout_.cq_off.ring_mask);
        result = reinterpret_cast<io_uring_cqe*>(rings_ + layout_.cq_off.cqes)[index].res;
        std::atomic_ref(at(layout_.cq_off.head)).store(head + 1);
        return true;
    }

  private:
    std::byte* map(std::size_t bytes, off_t what) const {
        void* const mapped =
            mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring_, what);
        target::require(mapped != MAP_FAILED, "mmap");
        return static_cast<std::byte*>(mapped);
    }

    std::uint32_t& at(std::uint32_t offset) const {
        return *reinterpret_cast<std::uint32_t*>(rings_ + offset);
    }

    io_uring_params layout_{};
    int ring_ = -1;
    std::byte* rings_ = nullptr;
    io_uring_sqe* entries_ = nullptr;
};

}  // namespace

int main(int count, char** arguments) {
    constexpr int kTicks = 100;
    target::require(count == 2, "the path of a FIFO");
    const char* const path = arguments[1];
    target::require(mkfifo(path, S_IRUSR | S_IWUSR) == 0, "mkfifo");
    Ring ring;
    ring.start_to_open(path);
    target::ready();
    for (int tick = 1;; ++tick) {
        usleep(100);
        counter = counter + 1;
        const int writer = tick % kTicks == 0 ? open(path, O_WRONLY | O_NONBLOCK) : -1;
        int file = -1;
        if (ring.has_result(file)) {
            volatile std::uint64_t& ended_so = file >= 0 ? opens : failures;
            ended_so = ended_so + 1;
            close(file);
            ring.start_to_open(path);
        }
        if (writer >= 0) {
            close(writer);
        }
    }
}
