#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "attach/error.hpp"
#include "attach/memory_source.hpp"
#include "attach/remote_address.hpp"
#include "inspector/backend/context_places.hpp"
#include "inspector/backend/memory_layout.hpp"
#include "inspector/model/explanation.hpp"

namespace palloscope {

// A piece of memory that palloc gave out and that was not given back.
struct Chunk {
    RemoteAddress payload;   // what palloc returned
    std::uint64_t size = 0;  // with its header

    bool operator==(const Chunk&) const = default;
};

// All chunks in use of one AllocSet, with their bytes: a copy as large as the context.
class ContextChunks {
  public:
    // `blocks` are those of the context at `context`, as walk_contexts() gives them. Believes
    // nothing: chunks must follow one upon the other through each block, as its header says
    // (kFailed), and free ones must be found by its lists.
    [[nodiscard]] static Result<ContextChunks> read(const MemorySource& memory,
                                                    const MemoryLayout& layout,
                                                    RemoteAddress context,
                                                    std::span<const ContextBlock> blocks);

    // In the order of addresses.
    [[nodiscard]] const std::vector<Chunk>& chunks() const noexcept { return chunks_; }

    // The index of the chunk that palloc returned as `payload`, or that `address` lies in.
    [[nodiscard]] std::optional<std::size_t> starting_at(RemoteAddress payload) const;
    [[nodiscard]] std::optional<std::size_t> holding(RemoteAddress address) const;

    // What is in it, without its header.
    [[nodiscard]] std::span<const std::byte> bytes_of(std::size_t index) const;

    // Headers of the context and of its blocks: in use, and in no chunk.
    [[nodiscard]] std::int64_t overhead_bytes() const noexcept { return overhead_bytes_; }

    // How many there are of each size, the most bytes first.
    [[nodiscard]] std::vector<ChunkSize> sizes() const;

  private:
    struct Block {
        RemoteAddress begin;
        RemoteAddress end;                 // of the copy
        const std::byte* bytes = nullptr;  // in bytes_
    };

    explicit ContextChunks(const MemoryLayout& layout) : layout_(layout) {}

    [[nodiscard]] const Block* block_of(RemoteAddress address) const;
    [[nodiscard]] const std::byte* find(RemoteAddress address, std::uint64_t size) const;
    [[nodiscard]] Result<> read_blocks(const MemorySource& memory,
                                       RemoteAddress context,
                                       std::span<const ContextBlock> blocks);
    [[nodiscard]] Result<> read_free_lists(const MemorySource& memory, RemoteAddress context);
    [[nodiscard]] Result<> add_chunks(const Block& block, RemoteAddress context);

    MemoryLayout layout_;
    std::unique_ptr<std::byte[]> bytes_;  // NOLINT(*-avoid-c-arrays): a vector would be zeroed
    std::vector<Block> blocks_;           // in the order of addresses
    std::vector<std::uint64_t> free_;     // where free chunks' headers lie, in order
    std::vector<Chunk> chunks_;
    std::int64_t overhead_bytes_ = 0;
};

}  // namespace palloscope
