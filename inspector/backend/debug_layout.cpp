#include "inspector/backend/debug_layout.hpp"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "inspector/backend/chunk_header.hpp"

namespace palloscope {

namespace {

constexpr Offset kWord = 8;
constexpr Offset kInt = 4;
// struct dlist_head and dlist_node (lib/ilist.h).
constexpr Offset kListNode = 16;
// ALLOCSET_NUM_FREELISTS pointers (aset.c).
constexpr Offset kFreeListBytes = 11 * kWord;
// None of these structs is larger: more is hostile input.
constexpr std::uint64_t kMaxStructBytes = 4096;

// A member, where its offset goes (nowhere in a version that has none of that name), and its size,
// zero where it may have any.
struct Field {
    std::string_view member;
    Offset* at = nullptr;
    Offset bytes = kWord;
};

Offset* if_there(MaybeOffset& offset) {
    return offset ? &*offset : nullptr;
}

tl::unexpected<Error> other_layout(std::string_view what) {
    return failure(
        Error::Kind::kUnsupported,
        fmt::format("the server's debug information has another {} than PostgreSQL has", what),
        "forks of PostgreSQL that changed its memory contexts cannot be read");
}

// Takes structs from debug information until one does not fit.
class Structs {
  public:
    explicit Structs(const DwarfTypes& types) : types_(types) {}

    // Fills in the struct's size, and the offsets of those members that it has. All fields must lie
    // in it, also those that stay as they are known: who reads them looks at the struct as a whole.
    void take(std::string_view name, Offset& struct_bytes, const std::vector<Field>& fields) {
        const auto layout = types_.struct_layout(name);
        if (!layout) {
            return;
        }
        if (layout->size > kMaxStructBytes) {
            refuse(name);
            return;
        }
        struct_bytes = static_cast<Offset>(layout->size);
        for (const Field& field : fields) {
            if (field.at != nullptr && !take(*layout, field)) {
                refuse(fmt::format("{}.{}", name, field.member));
            }
        }
    }

    // The size of a member, none where it is not told.
    [[nodiscard]] std::optional<Offset> size_of(std::string_view name,
                                                std::string_view member) const {
        const auto layout = types_.struct_layout(name);
        const StructMember* const found = layout ? layout->find(member) : nullptr;
        return found != nullptr && found->size != 0 && found->size <= kMaxStructBytes
                   ? std::optional(static_cast<Offset>(found->size))
                   : std::nullopt;
    }

    void refuse(std::string_view what) {
        if (!error_) {
            error_ = other_layout(what).value();
        }
    }

    [[nodiscard]] const std::optional<Error>& error() const { return error_; }

  private:
    static bool take(const StructLayout& layout, const Field& field) {
        if (const StructMember* const found = layout.find(field.member)) {
            // A size of zero is one that is not told.
            if (found->offset > layout.size ||
                (found->size != 0 && field.bytes != 0 && found->size != field.bytes)) {
                return false;
            }
            *field.at = static_cast<Offset>(found->offset);
        }
        return *field.at + field.bytes <= layout.size;
    }

    const DwarfTypes& types_;
    std::optional<Error> error_;
};

void take_context(Structs& structs, ContextLayout& context) {
    structs.take("MemoryContextData",
                 context.bytes,
                 {{"mem_allocated", if_there(context.mem_allocated)},
                  {"methods", &context.methods},
                  {"parent", &context.parent},
                  {"firstchild", &context.firstchild},
                  {"prevchild", if_there(context.prevchild)},
                  {"nextchild", &context.nextchild},
                  {"name", &context.name},
                  {"ident", if_there(context.ident)}});
}

void take_allocset(Structs& structs, AllocSetLayout& allocset, ChunkLayout& chunk) {
    structs.take("AllocSetContext",
                 allocset.context_bytes,
                 {{"blocks", &allocset.blocks}, {"freelist", &allocset.freelist, kFreeListBytes}});
    AllocBlockLayout block;
    structs.take("AllocBlockData",
                 block.header_bytes,
                 {{"aset", &block.aset},
                  {"prev", &block.prev},
                  {"next", &block.next},
                  {"freeptr", &block.freeptr},
                  {"endptr", &block.endptr}});
    if (block != AllocBlockLayout{}) {
        structs.refuse("AllocBlockData");
    }
    // From 16 on chunks have one word for all (MemoryChunk), of which nothing can move.
    if (chunk.size) {
        structs.take("AllocChunkData",
                     chunk.header_bytes,
                     {{"aset", &chunk.link}, {"size", if_there(chunk.size)}});
        if (bytes_to_look_at(chunk) > kMostToLookAt ||
            *chunk.size + sizeof(std::uint64_t) > chunk.header_bytes) {
            structs.refuse("AllocChunkData");
        }
    }
}

void take_slab(Structs& structs, SlabLayout& slab) {
    // "Size" up to 16, then "uint32".
    for (const auto& [member, field] : {std::pair{"fullChunkSize", &slab.full_chunk_size},
                                        std::pair{"blockSize", &slab.block_size}}) {
        field->bytes = structs.size_of("SlabContext", member).value_or(field->bytes);
        if (field->bytes != kInt && field->bytes != kWord) {
            structs.refuse(fmt::format("SlabContext.{}", member));
        }
    }
    const char* const lists = slab.list_count ? "blocklist" : "freelist";
    if (slab.list_count) {
        slab.list_count =
            structs.size_of("SlabContext", lists).value_or(*slab.list_count * kListNode) /
            kListNode;
    }
    // dclist_head: a dlist_head and its count.
    Offset count = kListNode;
    Offset dclist_bytes = 0;
    if (slab.empty_blocks) {
        structs.take("dclist_head", dclist_bytes, {{"count", &count, kInt}});
        *slab.empty_blocks -= kListNode;
    }
    const Offset dclist = structs.size_of("SlabContext", "emptyblocks").value_or(count + kInt);
    structs.take("SlabContext",
                 slab.context_bytes,
                 {{"fullChunkSize", &slab.full_chunk_size.at, slab.full_chunk_size.bytes},
                  {"blockSize", &slab.block_size.at, slab.block_size.bytes},
                  {"chunksPerBlock", &slab.chunks_per_block, kInt},
                  {"nblocks", if_there(slab.nblocks), kInt},
                  {"headerSize", if_there(slab.header_size)},
                  {"emptyblocks", if_there(slab.empty_blocks), dclist},
                  {lists, &slab.lists, slab.list_count.value_or(0) * kListNode}});
    if (slab.empty_blocks) {
        *slab.empty_blocks += count;
        if (*slab.empty_blocks + kInt > slab.context_bytes) {
            structs.refuse("SlabContext.emptyblocks");
        }
    }
    structs.take("SlabBlock",
                 slab.block_bytes,
                 {{"node", &slab.block_node, kListNode},
                  {"nfree", &slab.block_nfree, kInt},
                  {"slab", if_there(slab.block_slab)}});
}

void take_generation(Structs& structs, GenerationLayout& generation) {
    structs.take(
        "GenerationContext", generation.context_bytes, {{"blocks", &generation.blocks, kListNode}});
    Offset node = 0;
    structs.take("GenerationBlock",
                 generation.block_bytes,
                 {{"node", &node, kListNode},
                  {"blksize", &generation.block_blksize},
                  {"nchunks", &generation.block_nchunks, kInt},
                  {"nfree", &generation.block_nfree, kInt},
                  {"freeptr", &generation.block_freeptr},
                  {"endptr", &generation.block_endptr},
                  {"context", if_there(generation.block_context)}});
    if (node != 0) {
        structs.refuse("GenerationBlock.node");
    }
}

void take_bump(Structs& structs, BumpLayout& bump) {
    structs.take("BumpContext", bump.context_bytes, {{"blocks", &bump.blocks, kListNode}});
    Offset node = 0;
    structs.take("BumpBlock",
                 bump.block_bytes,
                 {{"node", &node, kListNode},
                  {"freeptr", &bump.block_freeptr},
                  {"endptr", &bump.block_endptr}});
    if (node != 0) {
        structs.refuse("BumpBlock.node");
    }
}

}  // namespace

Result<MemoryLayout> layout_from_debug_information(const DwarfTypes& types,
                                                   const MemoryLayout& known) {
    MemoryLayout layout = known;
    Structs structs(types);
    take_context(structs, layout.context);
    take_allocset(structs, layout.allocset, layout.chunk);
    if (layout.slab) {
        take_slab(structs, *layout.slab);
    }
    if (layout.generation) {
        take_generation(structs, *layout.generation);
    }
    if (layout.bump) {
        take_bump(structs, *layout.bump);
    }
    if (structs.error()) {
        return tl::unexpected(*structs.error());
    }
    return layout;
}

Result<MemoryLayout> layout_of_build(int server_version_num, const Result<DwarfTypes>& types) {
    const auto known = memory_layout(server_version_num);
    if (!known) {
        return failure(
            Error::Kind::kUnsupported,
            fmt::format("the memory of PostgreSQL {} is not known", server_version_num / 10000),
            "9.4 to 19 can be read");
    }
    return types ? layout_from_debug_information(*types, *known) : *known;
}

}  // namespace palloscope
