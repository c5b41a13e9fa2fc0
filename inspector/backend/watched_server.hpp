#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "attach/process_memory.hpp"
#include "inspector/backend/watched_backend.hpp"

namespace palloscope {

// The watched backends of one server. All of them map the same shared memory in the same place, so
// that a look at them all is one system call, to whichever of them.
class WatchedServer {
  public:
    // Of a backend that was just opened.
    explicit WatchedServer(WatchedBackend first) { backends_.push_back(std::move(first)); }

    // Takes over a backend that was just opened, where it is of this server.
    [[nodiscard]] bool adopt(WatchedBackend& backend);

    // At all that have not gone. Whether one of them reported something since the last look.
    bool look();

    // Ascending by the addresses of their statuses.
    [[nodiscard]] std::vector<WatchedBackend>& backends() { return backends_; }

  private:
    using Due = std::vector<WatchedBackend*>;

    // One whose memory is read, for all; null where none is left.
    [[nodiscard]] WatchedBackend* source();
    // Copies the statuses of those that are due. False where nobody's memory can be read any more.
    [[nodiscard]] bool copy(const Due& due);
    void plan(const Due& due);
    [[nodiscard]] BackendStatusBytes status_of(std::size_t due) const;

    std::vector<WatchedBackend> backends_;
    std::optional<ProcessMemory> memory_;
    int memory_of_ = 0;  // PID
    // What is copied: runs of statuses, each into its place in `bytes_`, then what is guessed.
    std::vector<RemotePiece> pieces_;
    std::size_t runs_ = 0;
    std::vector<std::byte> bytes_;
    std::vector<std::size_t> places_;  // in these, of each status that is due
};

}  // namespace palloscope
