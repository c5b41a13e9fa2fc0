#include "inspector/backend/context_chunks.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <fmt/core.h>

#include "inspector/backend/chunk_header.hpp"

namespace palloscope {

namespace {

constexpr AllocBlockLayout kBlock;

tl::unexpected<Error> does_not_fit(RemoteAddress context, RemoteAddress at) {
    return failure(Error::Kind::kFailed,
                   fmt::format("the chunk at {:#x} of the memory context at {:#x} has another "
                               "header than this version's",
                               at.value,
                               context.value));
}

// The copy of a context may have a gigabyte: page by page, its page faults take longer than the
// copying. A hint only.
void prefer_huge_pages(std::byte* bytes, std::uint64_t size) {
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto begin = (reinterpret_cast<std::uintptr_t>(bytes) + page - 1) / page * page;
    const auto end = (reinterpret_cast<std::uintptr_t>(bytes) + size) / page * page;
    if (begin < end) {
        madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // NOLINT
    }
}

}  // namespace

Result<ContextChunks> ContextChunks::read(const MemorySource& memory,
                                          const MemoryLayout& layout,
                                          RemoteAddress context,
                                          std::span<const ContextBlock> blocks) {
    ContextChunks result(layout);
    result.overhead_bytes_ = static_cast<std::int64_t>(blocks.size() * kBlock.header_bytes) +
                             (layout.header_in_total ? layout.allocset.context_bytes : 0);
    if (auto read = result.read_blocks(memory, context, blocks); !read) {
        return tl::unexpected(std::move(read.error()));
    }
    if (auto read = result.read_free_lists(memory, context); !read) {
        return tl::unexpected(std::move(read.error()));
    }
    for (const Block& block : result.blocks_) {
        if (auto added = result.add_chunks(block, context); !added) {
            return tl::unexpected(std::move(added.error()));
        }
    }
    return result;
}

Result<> ContextChunks::read_blocks(const MemorySource& memory,
                                    RemoteAddress context,
                                    std::span<const ContextBlock> blocks) {
    std::uint64_t total = 0;
    blocks_.reserve(blocks.size());
    for (const ContextBlock& block : blocks) {
        blocks_.push_back({.begin = block.begin, .end = block.free});
        total += block.free - block.begin;
    }
    std::ranges::sort(blocks_, {}, &Block::begin);
    for (std::size_t i = 1; i < blocks_.size(); ++i) {
        if (blocks_[i].begin < blocks_[i - 1].end) {
            return failure(
                Error::Kind::kFailed,
                fmt::format("two blocks of the memory context at {:#x} overlap, at {:#x}",
                            context.value,
                            blocks_[i].begin.value));
        }
    }
    bytes_ = std::make_unique_for_overwrite<std::byte[]>(total);  // NOLINT(*-avoid-c-arrays)
    prefer_huge_pages(bytes_.get(), total);
    std::vector<RemotePiece> pieces;
    pieces.reserve(blocks_.size());
    std::span<std::byte> rest(bytes_.get(), total);
    for (Block& block : blocks_) {
        block.bytes = rest.data();
        pieces.push_back({.address = block.begin, .into = rest.first(block.end - block.begin)});
        rest = rest.subspan(block.end - block.begin);
    }
    return memory.gather(pieces);
}

Result<> ContextChunks::read_free_lists(const MemorySource& memory, RemoteAddress context) {
    std::array<std::uint64_t, kFreeLists> heads{};
    const RemotePiece piece{.address = context + layout_.allocset.freelist,
                            .into = std::as_writable_bytes(std::span(heads))};
    if (auto read = memory.gather(std::span(&piece, 1)); !read) {
        return read;
    }
    std::uint64_t bytes_left = 0;
    for (const Block& block : blocks_) {
        bytes_left += block.end - block.begin;
    }
    for (const std::uint64_t head : heads) {
        for (RemoteAddress chunk{head}; !chunk.is_null();) {
            const std::uint64_t step = bytes_to_look_at(layout_.chunk);
            const std::byte* const bytes = find(chunk, step);
            if (bytes == nullptr || bytes_left < step) {
                return does_not_fit(context, chunk);
            }
            bytes_left -= step;
            free_.push_back(chunk.value);
            chunk = pointer_at(bytes, layout_.chunk.link);
        }
    }
    std::ranges::sort(free_);
    return {};
}

Result<> ContextChunks::add_chunks(const Block& block, RemoteAddress context) {
    RemoteAddress chunk = block.begin + kBlock.header_bytes;
    auto next_free = std::ranges::lower_bound(free_, chunk.value);
    while (chunk < block.end) {
        const std::uint64_t left = block.end - chunk;
        if (left < layout_.chunk.header_bytes) {
            return does_not_fit(context, chunk);
        }
        const std::byte* const header = block.bytes + (chunk - block.begin);
        auto own = own_chunk(header, layout_.chunk, context, chunk - block.begin);
        if (!layout_.chunk.size && is_external(value_at<std::uint64_t>(header, 0), layout_.chunk) &&
            chunk == block.begin + kBlock.header_bytes) {
            own = OwnChunk{.size = left};  // it has the block for itself
        }
        if (!own || own->size > left) {
            return does_not_fit(context, chunk);
        }
        while (next_free != free_.end() && *next_free < chunk.value) {
            ++next_free;
        }
        if (next_free == free_.end() || *next_free != chunk.value) {
            if (own->is_free) {
                return does_not_fit(context, chunk);
            }
            chunks_.push_back({.payload = chunk + layout_.chunk.header_bytes, .size = own->size});
        }
        chunk = chunk + own->size;
    }
    return {};
}

const ContextChunks::Block* ContextChunks::block_of(RemoteAddress address) const {
    const auto after =
        std::ranges::upper_bound(blocks_, address, std::ranges::less{}, &Block::begin);
    if (after == blocks_.begin() || address >= (after - 1)->end) {
        return nullptr;
    }
    return &*(after - 1);
}

const std::byte* ContextChunks::find(RemoteAddress address, std::uint64_t size) const {
    const Block* const block = block_of(address);
    if (block == nullptr || size > block->end - address) {
        return nullptr;
    }
    return block->bytes + (address - block->begin);
}

std::optional<std::size_t> ContextChunks::holding(RemoteAddress address) const {
    const auto after =
        std::ranges::upper_bound(chunks_, address, std::ranges::less{}, &Chunk::payload);
    if (after == chunks_.begin()) {
        return std::nullopt;
    }
    const Chunk& chunk = *(after - 1);
    if (address - chunk.payload >= chunk.size - layout_.chunk.header_bytes) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(after - chunks_.begin()) - 1;
}

std::optional<std::size_t> ContextChunks::starting_at(RemoteAddress payload) const {
    const auto index = holding(payload);
    return index && chunks_[*index].payload == payload ? index : std::nullopt;
}

std::span<const std::byte> ContextChunks::bytes_of(std::size_t index) const {
    const Chunk& chunk = chunks_.at(index);
    const std::uint64_t size = chunk.size - layout_.chunk.header_bytes;
    return {find(chunk.payload, size), size};
}

std::vector<ChunkSize> ContextChunks::sizes() const {
    std::map<std::uint64_t, std::int64_t> counts;
    for (const Chunk& chunk : chunks_) {
        ++counts[chunk.size];
    }
    std::vector<ChunkSize> sizes;
    sizes.reserve(counts.size());
    for (const auto& [size, chunks] : counts) {
        sizes.push_back({.size = static_cast<std::int64_t>(size), .chunks = chunks});
    }
    std::ranges::stable_sort(sizes, std::ranges::greater{}, [](const ChunkSize& size) {
        return size.size * size.chunks;
    });
    return sizes;
}

}  // namespace palloscope
