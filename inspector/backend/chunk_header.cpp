#include "inspector/backend/chunk_header.hpp"

#include <algorithm>

namespace palloscope {

namespace {

constexpr unsigned kValueBits = 30;

std::uint64_t low_bits(std::uint64_t word, unsigned bits) {
    return word & ((std::uint64_t{1} << bits) - 1);
}

}  // namespace

std::uint64_t method_of(std::uint64_t word, const ChunkLayout& layout) {
    return low_bits(word, layout.method_id_bits + 1);
}

std::uint64_t value_of(std::uint64_t word, const ChunkLayout& layout) {
    return low_bits(word >> (layout.method_id_bits + 1), kValueBits);
}

bool is_external(std::uint64_t word, const ChunkLayout& layout) {
    return method_of(word, layout) ==
           ((std::uint64_t{1} << layout.method_id_bits) | kAllocSetMethod);
}

std::optional<OwnChunk> own_chunk(const std::byte* header,
                                  const ChunkLayout& layout,
                                  RemoteAddress context,
                                  std::uint64_t from_block) {
    if (layout.size) {
        const auto payload = value_at<std::uint64_t>(header, *layout.size);
        const std::uint64_t size = payload + layout.header_bytes;
        if (payload % sizeof(std::uint64_t) != 0 || payload == 0 || size < payload) {
            return std::nullopt;
        }
        return OwnChunk{.size = size, .is_free = pointer_at(header, layout.link) != context};
    }
    const auto word = value_at<std::uint64_t>(header, 0);
    const std::uint64_t list = value_of(word, layout);
    // The distance has 30 bits; its lowest is always zero, and in 17 the value's highest.
    constexpr unsigned kDistanceShift = 34;
    constexpr std::uint64_t kDistanceMask = 0x3ffffffe;
    if (method_of(word, layout) != kAllocSetMethod || list >= kFreeLists ||
        ((word >> kDistanceShift) & kDistanceMask) != from_block) {
        return std::nullopt;
    }
    return OwnChunk{.size = (kSmallestChunk << list) + layout.header_bytes};
}

std::uint64_t bytes_to_look_at(const ChunkLayout& layout) {
    return std::max<std::uint64_t>(layout.header_bytes, layout.link + sizeof(std::uint64_t));
}

}  // namespace palloscope
