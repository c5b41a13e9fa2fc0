#include "inspector/backend/still_backend.hpp"

#include <array>

#include "inspector/backend/chunk_header.hpp"

namespace palloscope {

StillBackend::StillBackend(const Backend& backend,
                           const MemorySource& memory,
                           const MemoryCopy& pages,
                           const MemoryLayout& layout,
                           const ContextTree& tree,
                           const ContextPlaces& places)
    : backend_(&backend),
      memory_(&memory),
      pages_(&pages),
      layout_(&layout),
      tree_(&tree),
      places_(&places),
      subtree_bytes_(tree.contexts.size()),
      subtree_used_bytes_(tree.contexts.size()),
      blocks_(tree.contexts.size()) {
    for (std::size_t i = 0; i < places.contexts.size(); ++i) {
        by_address_.emplace(places.contexts[i].value, i);
    }
    // Parents come before their children.
    for (std::size_t i = tree.contexts.size(); i-- > 0;) {
        const MemoryContext& context = tree.contexts[i];
        subtree_bytes_[i] += context.figures.total_bytes;
        subtree_used_bytes_[i] += context.figures.used_bytes;
        if (context.parent) {
            subtree_bytes_[*context.parent] += subtree_bytes_[i];
            subtree_used_bytes_[*context.parent] += subtree_used_bytes_[i];
        }
    }
    for (std::size_t i = 0; i < places.blocks.size(); ++i) {
        auto& [first, behind] = blocks_[places.blocks[i].context];
        first = behind == 0 ? i : first;
        behind = i + 1;
    }
}

std::optional<std::size_t> StillBackend::context_at(RemoteAddress address) const {
    const auto found = by_address_.find(address.value);
    return found == by_address_.end() ? std::nullopt : std::optional(found->second);
}

std::span<const ContextBlock> StillBackend::blocks_of(std::size_t context) const {
    const auto& [first, behind] = blocks_.at(context);
    return std::span(places_->blocks).subspan(first, behind - first);
}

std::optional<std::uint64_t> StillBackend::chunk_bytes(std::size_t context,
                                                       RemoteAddress payload) const {
    const ChunkLayout& layout = layout_->chunk;
    for (const ContextBlock& block : blocks_of(context)) {
        const RemoteAddress first =
            block.begin + AllocBlockLayout{}.header_bytes + layout.header_bytes;
        if (payload < first || payload >= block.free) {
            continue;
        }
        const RemoteAddress header{payload.value - layout.header_bytes};
        std::array<std::byte, kMostToLookAt> bytes{};
        const RemotePiece piece{.address = header,
                                .into = std::span(bytes).first(bytes_to_look_at(layout))};
        if (!pages_->gather(std::span(&piece, 1))) {
            return std::nullopt;
        }
        // From 16 on such a chunk does not say how large it is.
        if (!layout.size && is_external(value_at<std::uint64_t>(bytes.data(), 0), layout)) {
            return payload == first ? std::optional(block.end - header) : std::nullopt;
        }
        const auto chunk =
            own_chunk(bytes.data(), layout, address_of(context), header - block.begin);
        return chunk && !chunk->is_free && chunk->size <= block.free - header
                   ? std::optional(chunk->size)
                   : std::nullopt;
    }
    return std::nullopt;
}

std::int64_t StillBackend::subtree_bytes(std::size_t context) const {
    return subtree_bytes_.at(context);
}

std::int64_t StillBackend::subtree_used_bytes(std::size_t context) const {
    return subtree_used_bytes_.at(context);
}

RemoteAddress StillBackend::ident_pointer(std::size_t context) const {
    return layout_->context.ident
               ? pages_->read<RemoteAddress>(address_of(context) + *layout_->context.ident)
                     .value_or(RemoteAddress{})
               : RemoteAddress{};
}

}  // namespace palloscope
