#include "tests/inspector/backend/synthetic_memory.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include "attach/memory_copy.hpp"

namespace palloscope::test {

namespace {

constexpr std::uint64_t kPage = 4096;
// Where no process of ours has a constant text.
constexpr RemoteAddress kBegin{0x100000000000};
constexpr std::int32_t kAllocSetTag = 400;
constexpr std::uint64_t kMethods = 0x400000;
constexpr AllocBlockLayout kAllocBlock;
constexpr Offset kListBytes = 16;
constexpr std::uint64_t kAllocSetMethod = 3;
constexpr unsigned kDistanceShift = 34;

}  // namespace

RemoteAddress SyntheticMemory::begin() const {
    return kBegin;
}

RemoteAddress SyntheticMemory::allocate(std::uint64_t size) {
    const RemoteAddress address = kBegin + end_;
    end_ += (size + 7) / 8 * 8;
    bytes_.resize((end_ + kPage - 1) / kPage * kPage);
    return address;
}

RemoteAddress SyntheticMemory::allocate_at_end(std::uint64_t size) {
    allocate(size);
    end_ = bytes_.size();
    return kBegin + (end_ - size);
}

RemoteAddress SyntheticMemory::put_text(std::string_view text) {
    const RemoteAddress address = allocate(text.size() + 1);
    put_bytes(address, std::as_bytes(std::span(text)));
    return address;
}

void SyntheticMemory::put_bytes(RemoteAddress address, std::span<const std::byte> bytes) {
    const std::uint64_t at = address - kBegin;
    if (at > bytes_.size() || bytes.size() > bytes_.size() - at) {
        throw std::out_of_range("no synthetic memory there");
    }
    std::ranges::copy(bytes, bytes_.begin() + static_cast<std::ptrdiff_t>(at));
}

Result<> SyntheticMemory::gather(std::span<const RemotePiece> pieces) const {
    for (const RemotePiece& piece : pieces) {
        if (!RemoteRange{kBegin, bytes_.size()}.holds(piece.address, piece.into.size())) {
            return failure(Error::Kind::kFault, "no synthetic memory there");
        }
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(piece.address - kBegin),
                    piece.into.size(),
                    piece.into.begin());
    }
    return {};
}

RemoteAddress SyntheticMemory::add_context(ContextType type,
                                           RemoteAddress parent,
                                           std::string_view name,
                                           std::uint64_t bytes) {
    const RemoteAddress context = allocate(bytes);
    const std::array distances{
        std::optional(0), layout_.tags.slab, layout_.tags.generation, layout_.tags.bump};
    const auto kind = static_cast<std::size_t>(type);
    put(context, kAllocSetTag + distances.at(kind).value());
    const ContextLayout& fields = layout_.context;
    put(context + fields.methods, kMethods + 128 * kind);
    put(context + fields.parent, parent);
    put(context + fields.name, put_text(name));
    if (!parent.is_null()) {
        const auto elder = get<RemoteAddress>(parent + fields.firstchild);
        put(context + fields.nextchild, elder);
        if (fields.prevchild && !elder.is_null()) {
            put(elder + *fields.prevchild, context);
        }
        put(parent + fields.firstchild, context);
    }
    return context;
}

void SyntheticMemory::set_ident(RemoteAddress context, std::string_view ident) {
    put(context + layout_.context.ident.value(), put_text(ident));
}

void SyntheticMemory::count_allocated(RemoteAddress context, std::uint64_t bytes) {
    if (layout_.context.mem_allocated) {
        put(context + *layout_.context.mem_allocated, bytes);
    }
}

std::uint64_t SyntheticMemory::chunk_header_bytes() const {
    return layout_.chunk.header_bytes + (assertions_ == Assertions::kOn ? 8 : 0);
}

// With assertions requested_size comes before what was the last field, but up to 9.6.
Offset SyntheticMemory::chunk_link() const {
    return layout_.chunk.link + (assertions_ == Assertions::kOn && layout_.chunk.link > 0 ? 8 : 0);
}

void SyntheticMemory::put_chunk(RemoteAddress chunk,
                                std::size_t list,
                                RemoteAddress context,
                                RemoteAddress block) {
    const std::uint64_t payload = std::uint64_t{8} << list;
    if (layout_.chunk.size) {
        put(chunk + *layout_.chunk.size, payload);
        put(chunk + chunk_link(), context);
        return;
    }
    const RemoteAddress word = chunk + chunk_header_bytes() - 8;
    if (assertions_ == Assertions::kOn) {
        put(chunk, payload - 1);  // requested_size
    }
    put(word,
        kAllocSetMethod | std::uint64_t{list} << (layout_.chunk.method_id_bits + 1) |
            (chunk - block) << kDistanceShift);
}

SyntheticContext SyntheticMemory::add_allocset(RemoteAddress parent,
                                               std::string_view name,
                                               const std::vector<SyntheticAllocBlock>& blocks) {
    const AllocSetLayout& fields = layout_.allocset;
    SyntheticContext added{
        .address = add_context(ContextType::kAllocSet, parent, name, fields.context_bytes),
        .blocks = {},
        .free_chunks = {}};
    std::uint64_t allocated = fields.context_bytes;
    RemoteAddress previous;
    for (const SyntheticAllocBlock& block : blocks) {
        std::uint64_t used = kAllocBlock.header_bytes;
        for (const SyntheticChunk& chunk : block.chunks) {
            used += chunk_header_bytes() + (std::uint64_t{8} << chunk.list);
        }
        const RemoteAddress address = allocate(used + block.room_bytes);
        added.blocks.push_back(address);
        allocated += used + block.room_bytes;
        put(address + kAllocBlock.aset, added.address);
        put(address + kAllocBlock.prev, previous);
        put(address + kAllocBlock.freeptr, address + used);
        put(address + kAllocBlock.endptr, address + used + block.room_bytes);
        put(previous.is_null() ? added.address + fields.blocks : previous + kAllocBlock.next,
            address);
        previous = address;
        RemoteAddress chunk = address + kAllocBlock.header_bytes;
        for (const auto& [list, is_free] : block.chunks) {
            put_chunk(chunk, list, added.address, address);
            if (is_free) {
                const RemoteAddress head = added.address + fields.freelist + 8 * list;
                put(chunk + chunk_link(), get<RemoteAddress>(head));
                put(head, chunk);
                added.free_chunks.push_back(chunk);
            }
            chunk = chunk + chunk_header_bytes() + (std::uint64_t{8} << list);
        }
    }
    count_allocated(added.address, allocated);
    return added;
}

void SyntheticMemory::make_list(RemoteAddress head, const std::vector<RemoteAddress>& nodes) {
    RemoteAddress previous = head;
    for (const RemoteAddress node : nodes) {
        put(node, previous);
        put(previous + 8, node);
        previous = node;
    }
    put(previous + 8, head);
    put(head, previous);
}

void SyntheticMemory::put_sized(RemoteAddress context, SizedField field, std::uint32_t value) {
    if (field.bytes == sizeof(std::uint64_t)) {
        put(context + field.at, std::uint64_t{value});
    } else {
        put(context + field.at, value);
    }
}

SyntheticContext SyntheticMemory::add_slab(RemoteAddress parent,
                                           std::string_view name,
                                           const SyntheticSlab& slab) {
    const SlabLayout& fields = layout_.slab.value();
    const std::uint64_t lists = fields.list_count ? *fields.list_count : slab.chunks_per_block + 1;
    const std::uint64_t header_bytes = fields.lists + lists * kListBytes;
    SyntheticContext added{.address = add_context(ContextType::kSlab, parent, name, header_bytes),
                           .blocks = {},
                           .free_chunks = {}};
    put_sized(added.address, fields.full_chunk_size, slab.full_chunk_bytes);
    put_sized(added.address, fields.block_size, slab.block_bytes);
    put(added.address + fields.chunks_per_block, slab.chunks_per_block);
    if (fields.nblocks) {
        put(added.address + *fields.nblocks, static_cast<std::int32_t>(slab.free_in_blocks.size()));
    }
    if (fields.header_size) {
        put(added.address + *fields.header_size, header_bytes);
    }
    if (fields.empty_blocks) {
        put(added.address + *fields.empty_blocks, slab.empty_blocks);
    }
    std::vector<std::vector<RemoteAddress>> nodes(lists);
    for (const std::int32_t nfree : slab.free_in_blocks) {
        const RemoteAddress block = allocate(slab.block_bytes);
        put(block + fields.block_nfree, nfree);
        if (fields.block_slab) {
            put(block + *fields.block_slab, added.address);
        }
        added.blocks.push_back(block + fields.block_node);
        // By their free chunks: up to 15 one list a number, then one for none and two for some.
        const std::size_t list = fields.list_count
                                     ? (nfree == 0                                            ? 0
                                        : nfree < static_cast<int>(slab.chunks_per_block) / 2 ? 1
                                                                                              : 2)
                                     : static_cast<std::size_t>(nfree);
        nodes.at(list).push_back(added.blocks.back());
    }
    for (std::uint64_t list = 0; list < lists; ++list) {
        make_list(added.address + fields.lists + list * kListBytes, nodes[list]);
    }
    count_allocated(
        added.address,
        std::uint64_t{slab.block_bytes} * (slab.free_in_blocks.size() + slab.empty_blocks));
    return added;
}

SyntheticContext SyntheticMemory::add_generation(
    RemoteAddress parent,
    std::string_view name,
    const std::vector<SyntheticGenerationBlock>& blocks) {
    const GenerationLayout& fields = layout_.generation.value();
    SyntheticContext added{
        .address = add_context(ContextType::kGeneration, parent, name, fields.context_bytes),
        .blocks = {},
        .free_chunks = {}};
    std::uint64_t allocated = 0;
    for (const SyntheticGenerationBlock& block : blocks) {
        const RemoteAddress address = allocate(block.bytes);
        added.blocks.push_back(address);
        allocated += block.bytes;
        put(address + fields.block_blksize, block.bytes);
        put(address + fields.block_nchunks, block.chunks);
        put(address + fields.block_nfree, block.free_chunks);
        put(address + fields.block_freeptr, address + block.bytes - block.room_bytes);
        put(address + fields.block_endptr, address + block.bytes);
        if (fields.block_context) {
            put(address + *fields.block_context, added.address);
        }
    }
    make_list(added.address + fields.blocks, added.blocks);
    count_allocated(added.address, allocated);
    return added;
}

SyntheticContext SyntheticMemory::add_bump(RemoteAddress parent,
                                           std::string_view name,
                                           const std::vector<SyntheticBumpBlock>& blocks) {
    const BumpLayout& fields = layout_.bump.value();
    SyntheticContext added{
        .address = add_context(ContextType::kBump, parent, name, fields.context_bytes),
        .blocks = {},
        .free_chunks = {}};
    std::uint64_t allocated = fields.context_bytes;
    for (const SyntheticBumpBlock& block : blocks) {
        const RemoteAddress address = allocate(block.bytes);
        added.blocks.push_back(address);
        allocated += block.bytes;
        put(address + fields.block_freeptr, address + block.bytes - block.room_bytes);
        put(address + fields.block_endptr, address + block.bytes);
    }
    make_list(added.address + fields.blocks, added.blocks);
    count_allocated(added.address, allocated);
    return added;
}

SyntheticContext add_all_kinds(SyntheticMemory& memory) {
    const auto top = memory.add_allocset(
        {},
        "TopMemoryContext",
        {{.chunks = {{.list = 1}, {.list = 2, .is_free = true}, {.list = 2}}, .room_bytes = 32},
         {.chunks = {{.list = 2, .is_free = true}}, .room_bytes = 0}});
    for (int i = 0; i < 2; ++i) {
        const auto child = memory.add_allocset(
            top.address,
            "child",
            {{.chunks = {{.list = 0, .is_free = true}, {.list = 0, .is_free = true}}}});
        if (memory.layout().context.ident) {
            memory.set_ident(child.address, "SELECT 'an ident'");
        }
        memory.add_allocset(child.address, "grandchild", {{.room_bytes = 16}});
        if (memory.layout().slab) {
            memory.add_slab(child.address,
                            "TXN",
                            {.chunks_per_block = 2,
                             .full_chunk_bytes = 32,
                             .block_bytes = 128,
                             .free_in_blocks = {0, 1, 1, 2},
                             .empty_blocks = 0});
        }
        if (memory.layout().generation) {
            memory.add_generation(child.address,
                                  "Tuples",
                                  {{.bytes = 128, .chunks = 3, .free_chunks = 1, .room_bytes = 16},
                                   {.bytes = 128, .chunks = 1, .free_chunks = 0, .room_bytes = 0}});
        }
        if (memory.layout().bump) {
            memory.add_bump(top.address,
                            "Caller tuples",
                            {{.bytes = 128, .room_bytes = 32}, {.bytes = 64, .room_bytes = 0}});
        }
    }
    return top;
}

}  // namespace palloscope::test
