#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "attach/error.hpp"
#include "attach/remote_address.hpp"

namespace palloscope {

// Bytes of another process to be copied to `into`.
struct RemotePiece {
    RemoteAddress address;
    std::span<std::byte> into;
};

// Where decoders read from: a live process, a core file, or a vector of bytes in a test. What comes
// back is hostile input: check every pointer and length before it is followed.
class MemorySource {
  public:
    MemorySource() = default;
    MemorySource(const MemorySource&) = delete;
    MemorySource& operator=(const MemorySource&) = delete;
    MemorySource(MemorySource&&) = default;
    MemorySource& operator=(MemorySource&&) = default;
    virtual ~MemorySource() = default;

    // Copies all pieces. kFault where one cannot be read whole (the message names its address);
    // what was copied before it is undefined then.
    [[nodiscard]] virtual Result<> gather(std::span<const RemotePiece> pieces) const = 0;

    // Copies the pieces that can be read whole, and marks the others in `unread`, which has a place
    // for each.
    virtual void gather_available(std::span<const RemotePiece> pieces,
                                  std::vector<bool>& unread) const;

    // One plain value.
    template <typename T>
    requires std::is_trivially_copyable_v<T>

    [[nodiscard]] Result<T> read(RemoteAddress address) const {
        T value{};
        const RemotePiece piece{.address = address,
                                .into = std::as_writable_bytes(std::span(&value, 1))};
        if (auto done = gather(std::span(&piece, 1)); !done) {
            return tl::unexpected(std::move(done.error()));
        }
        return value;
    }

    // A NUL-terminated string of at most `max_length` bytes; a longer one is cut there. Reads no
    // byte beyond the page that holds the NUL.
    [[nodiscard]] Result<std::string> read_string(RemoteAddress address,
                                                  std::size_t max_length) const;
};

}  // namespace palloscope
