#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "attach/memory_copy.hpp"
#include "attach/memory_source.hpp"
#include "attach/remote_address.hpp"
#include "inspector/backend/backend.hpp"
#include "inspector/backend/context_places.hpp"
#include "inspector/backend/memory_layout.hpp"
#include "inspector/model/context_tree.hpp"

namespace palloscope {

// A backend at one moment, for those who explain its memory: its contexts with their places, and
// memory that does not change any more. All that it is given must outlive it.
class StillBackend {
  public:
    // `memory` has the backend's addresses: that of a copy-on-write child, or the backend's own
    // while it is held. `pages` fetches from it.
    StillBackend(const Backend& backend,
                 const MemorySource& memory,
                 const MemoryCopy& pages,
                 const MemoryLayout& layout,
                 const ContextTree& tree,
                 const ContextPlaces& places);

    [[nodiscard]] const Backend& backend() const noexcept { return *backend_; }

    [[nodiscard]] int version() const noexcept { return backend_->server_version_num(); }

    // For what is large and looked at once.
    [[nodiscard]] const MemorySource& memory() const noexcept { return *memory_; }

    // For what is small and scattered: pages that were looked at are kept.
    [[nodiscard]] const MemorySource& pages() const noexcept { return *pages_; }

    [[nodiscard]] const MemoryLayout& layout() const noexcept { return *layout_; }

    [[nodiscard]] const ContextTree& tree() const noexcept { return *tree_; }

    [[nodiscard]] const ContextPlaces& places() const noexcept { return *places_; }

    [[nodiscard]] RemoteAddress address_of(std::size_t context) const {
        return places_->contexts.at(context);
    }

    // The context whose header lies at that address.
    [[nodiscard]] std::optional<std::size_t> context_at(RemoteAddress address) const;

    [[nodiscard]] std::span<const ContextBlock> blocks_of(std::size_t context) const;

    // Of the chunk of an AllocSet that palloc returned as `payload`, with its header; none where no
    // chunk of that context that is in use can begin there. Of 16 and later, freed ones pass too.
    [[nodiscard]] std::optional<std::uint64_t> chunk_bytes(std::size_t context,
                                                           RemoteAddress payload) const;

    // total_bytes of a context and all below it; used_bytes of these.
    [[nodiscard]] std::int64_t subtree_bytes(std::size_t context) const;
    [[nodiscard]] std::int64_t subtree_used_bytes(std::size_t context) const;

    // Where the text of its ident lies (11 and later); null where it has none.
    [[nodiscard]] RemoteAddress ident_pointer(std::size_t context) const;

  private:
    const Backend* backend_;
    const MemorySource* memory_;
    const MemoryCopy* pages_;
    const MemoryLayout* layout_;
    const ContextTree* tree_;
    const ContextPlaces* places_;
    std::unordered_map<std::uint64_t, std::size_t> by_address_;
    std::vector<std::int64_t> subtree_bytes_;
    std::vector<std::int64_t> subtree_used_bytes_;
    std::vector<std::pair<std::size_t, std::size_t>> blocks_;  // by context: first, behind the last
};

}  // namespace palloscope
