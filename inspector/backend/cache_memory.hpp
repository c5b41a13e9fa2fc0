#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "attach/error.hpp"
#include "attach/remote_address.hpp"
#include "inspector/backend/context_chunks.hpp"
#include "inspector/backend/still_backend.hpp"

namespace palloscope {

// The chunks of CacheMemoryContext, each of which is counted for one owner only: whoever claims it
// first.
class CacheMemory {
  public:
    // `backend` must outlive it. kGone where it has no CacheMemoryContext (yet).
    [[nodiscard]] static Result<CacheMemory> read(const StillBackend& backend);

    [[nodiscard]] const ContextChunks& chunks() const noexcept { return chunks_; }

    [[nodiscard]] bool is_claimed(std::size_t chunk) const { return claimed_.at(chunk); }

    // Each gives the bytes that came to the claimant: 0 where somebody has them, or there is
    // nothing.
    std::int64_t claim(std::size_t chunk);
    std::int64_t claim_at(RemoteAddress payload);
    std::int64_t claim_holding(RemoteAddress address);

    // What can be reached from there by pointers to the beginnings of chunks, as far as nobody has
    // claimed it, and the contexts below CacheMemoryContext that are pointed to. `chunk` itself may
    // be claimed already.
    std::int64_t claim_reachable(std::size_t chunk);

    [[nodiscard]] std::int64_t used_bytes() const noexcept { return used_bytes_; }

    // Of these: what was claimed, and the headers of the context and its blocks.
    [[nodiscard]] std::int64_t attributed_bytes() const noexcept {
        return claimed_bytes_ + chunks_.overhead_bytes();
    }

  private:
    CacheMemory(const StillBackend& backend, std::size_t context, ContextChunks chunks);

    std::int64_t claim_context(RemoteAddress address);

    const StillBackend* backend_;
    std::size_t context_;
    ContextChunks chunks_;
    std::vector<bool> claimed_;
    std::vector<bool> claimed_contexts_;  // by index in the tree
    std::int64_t claimed_bytes_ = 0;
    std::int64_t used_bytes_;
};

}  // namespace palloscope
