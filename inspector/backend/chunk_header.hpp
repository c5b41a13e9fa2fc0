#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "attach/remote_address.hpp"
#include "inspector/backend/memory_layout.hpp"

namespace palloscope {

// Fields of copied memory, at a distance from its beginning.
template <typename T>
[[nodiscard]] T value_at(const std::byte* bytes, Offset at) {
    T value{};
    std::memcpy(&value, bytes + at, sizeof value);
    return value;
}

[[nodiscard]] inline RemoteAddress pointer_at(const std::byte* bytes, Offset at) {
    return {value_at<std::uint64_t>(bytes, at)};
}

// ALLOCSET_NUM_FREELISTS and ALLOC_MINBITS (aset.c): lists of chunks of 8, 16, … 8192 bytes.
constexpr std::size_t kFreeLists = 11;
constexpr std::uint64_t kSmallestChunk = 8;

// MemoryChunk's word (memutils_memorychunk.h, 16 and later): the allocator's number, "external", a
// value of 30 bits, and the distance from its block, of which 17 and later share a bit with the
// value.
constexpr std::uint64_t kAllocSetMethod = 3;

// With "external" as its highest bit: such a chunk has a block of its own, and is in no list.
[[nodiscard]] std::uint64_t method_of(std::uint64_t word, const ChunkLayout& layout);
[[nodiscard]] std::uint64_t value_of(std::uint64_t word, const ChunkLayout& layout);
[[nodiscard]] bool is_external(std::uint64_t word, const ChunkLayout& layout);

// A chunk of an AllocSet. Its header does not say whether it is in use from 16 on: free ones are
// known by the lists alone.
struct OwnChunk {
    std::uint64_t size = 0;  // with its header
    bool is_free = false;    // known up to 15
};

// What `header` says of the chunk of the AllocSet `context` that lies `from_block` bytes behind the
// beginning of its block; none where it is not that. A chunk with a block of its own must end where
// that does.
[[nodiscard]] std::optional<OwnChunk> own_chunk(const std::byte* header,
                                                const ChunkLayout& layout,
                                                RemoteAddress context,
                                                std::uint64_t from_block);

// Bytes to look at of a chunk: its header, and what a free one holds behind it; at most
// kMostToLookAt.
constexpr std::uint64_t kMostToLookAt = 64;
[[nodiscard]] std::uint64_t bytes_to_look_at(const ChunkLayout& layout);

}  // namespace palloscope
