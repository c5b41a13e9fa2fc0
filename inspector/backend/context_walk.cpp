#include "inspector/backend/context_walk.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "inspector/backend/chunk_header.hpp"
#include "inspector/backend/stats_text.hpp"

namespace palloscope {

namespace {

constexpr std::string_view kRootName = "TopMemoryContext";
// 100,000 savepoints nest as many contexts; the server's own stack would not do for more.
constexpr std::size_t kMaxLevels = 1'000'000;
constexpr std::size_t kMaxNameBytes = 1024;
// A backend that has done little has 100 of them.
constexpr std::size_t kUsualContexts = 256;
// How many steps lie between looks at the clock.
constexpr std::uint64_t kStepsBetweenLooks = 4096;
// The smallest thing that a walk steps over: a free chunk of 8 bytes with its header.
constexpr std::uint64_t kSmallestStep = 16;
// No process has more memory (x86-64 with five-level page tables); sums of so much never overflow.
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 57;
constexpr AllocBlockLayout kAllocBlock;
// In a block of 8 MB, the largest of TopMemoryContext's (memutils.h, ALLOCSET_DEFAULT_MAXSIZE).
constexpr std::size_t kMaxRootChunks = (std::size_t{8} << 20) / kSmallestStep;
constexpr std::size_t kMaxRootBlocks = 64;
// struct dlist_head and dlist_node (lib/ilist.h): prev, next.
constexpr Offset kListPrev = 0;
constexpr Offset kListNext = 8;
constexpr Offset kListBytes = 16;

std::uint64_t sized_at(const std::byte* bytes, SizedField field) {
    return field.bytes == sizeof(std::uint64_t) ? value_at<std::uint64_t>(bytes, field.at)
                                                : value_at<std::uint32_t>(bytes, field.at);
}

std::int64_t figure(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

// A block of an AllocSet, as far as free chunks must lie in it.
struct BlockRange {
    RemoteAddress begin;
    RemoteAddress end;
};

class Walk {
  public:
    Walk(const MemoryCopy& memory,
         const MemoryLayout& layout,
         RemoteAddress root,
         ConstantTexts& names,
         const WalkBounds& bounds,
         WalkPurpose purpose,
         ContextPlaces* places)
        : memory_(memory),
          layout_(layout),
          root_(root),
          names_(names),
          bounds_(bounds),
          purpose_(purpose),
          places_(places),
          bytes_left_(std::min(bounds.bytes, kMaxBytes)),
          max_steps_(bytes_left_ / kSmallestStep) {}

    Result<ContextTree> run() {
        tree_.contexts.reserve(kUsualContexts);
        if (!walk()) {
            return tl::unexpected(std::move(error_));
        }
        return std::move(tree_);
    }

  private:
    // A context whose children are being visited.
    struct Ancestor {
        RemoteAddress address;
        std::size_t index;
        RemoteAddress nextchild;
    };

    // Where we come from: what the next context must point back to.
    struct Expected {
        RemoteAddress parent;
        RemoteAddress prevchild;
    };

    // --- what did not fit -----------------------------------------------------------------------

    bool torn(RemoteAddress context, std::string_view what) {
        error_ = {.kind = Error::Kind::kFailed,
                  .message = fmt::format("the memory context at {:#x} {}", context.value, what),
                  .hint = {}};
        return false;
    }

    const std::byte* look(RemoteAddress address, std::uint64_t size) {
        const std::byte* const bytes = memory_.find(address, size);
        if (bytes == nullptr) {
            error_ = {.kind = Error::Kind::kFault,
                      .message = fmt::format("there is no memory at {:#x}", address.value),
                      .hint = {}};
        }
        return bytes;
    }

    // To be asked at each step of each list.
    bool may_go_on(RemoteAddress context) {
        if (steps_ == max_steps_) {
            return torn(context, "leads on for longer than its process has memory");
        }
        if (steps_ % kStepsBetweenLooks == 0 && bounds_.deadline &&
            std::chrono::steady_clock::now() >= *bounds_.deadline) {
            torn(context, "was reached when the time for a walk was over");
            error_.kind = Error::Kind::kTimeout;
            return false;
        }
        ++steps_;
        return true;
    }

    // To be asked of whatever adds to a total: so all totals together stay below kMaxBytes.
    bool may_have(RemoteAddress context, std::uint64_t bytes) {
        if (bytes > bytes_left_) {
            return torn(context, "has more memory than its process");
        }
        bytes_left_ -= bytes;
        return true;
    }

    // --- the tree -------------------------------------------------------------------------------

    bool walk() {
        RemoteAddress current = root_;
        Expected expected{};
        for (;;) {
            if (!may_go_on(current)) {
                return false;
            }
            if (!visit(current, expected)) {
                if (purpose_ == WalkPurpose::kTree || tree_.contexts.empty()) {
                    return false;
                }
                // Where it leads to is not to be trusted: as if it were its parent's last child.
                firstchild_ = nextchild_ = {};
            }
            if (!firstchild_.is_null()) {
                if (ancestors_.size() >= kMaxLevels) {
                    return torn(current, "is nested too deeply");
                }
                ancestors_.push_back({current, tree_.contexts.size() - 1, nextchild_});
                expected = {.parent = current, .prevchild = {}};
                current = firstchild_;
                continue;
            }
            expected.prevchild = current;
            RemoteAddress next = nextchild_;
            while (next.is_null() && !ancestors_.empty()) {
                next = ancestors_.back().nextchild;
                expected.prevchild = ancestors_.back().address;
                ancestors_.pop_back();
            }
            if (next.is_null()) {
                return true;
            }
            if (ancestors_.empty()) {
                return torn(root_, "is the root, and has a sibling");
            }
            expected.parent = ancestors_.back().address;
            current = next;
        }
    }

    // Adds one context to the tree; sets firstchild_ and nextchild_.
    bool visit(RemoteAddress context, const Expected& expected) {
        if (context.is_null() || context.value % sizeof(std::uint64_t) != 0) {
            return torn(context, "cannot lie there");
        }
        const std::byte* const bytes = look(context, layout_.context.bytes);
        if (bytes == nullptr) {
            return false;
        }
        if (pointer_at(bytes, layout_.context.parent) != expected.parent) {
            return torn(context, "names another parent");
        }
        if (layout_.context.prevchild &&
            pointer_at(bytes, *layout_.context.prevchild) != expected.prevchild) {
            return torn(context, "names another elder sibling");
        }
        // Up to 9.5 nothing points back to the elder sibling, so that siblings can lead in a
        // circle.
        if (!layout_.context.prevchild && !visited_.insert(context.value).second) {
            return torn(context, "is its own sibling");
        }
        const auto type = type_of(context, bytes);
        if (!type) {
            return false;
        }
        MemoryContext added{
            .type = *type,
            .parent = ancestors_.empty() ? std::nullopt : std::optional(ancestors_.back().index),
            .level = static_cast<int>(ancestors_.size()) + 1};
        const bool whole = name(context, bytes, added) && count(context, added);
        if (!whole && purpose_ == WalkPurpose::kTree) {
            return false;
        }
        firstchild_ = pointer_at(bytes, layout_.context.firstchild);
        nextchild_ = pointer_at(bytes, layout_.context.nextchild);
        added.figures.used_bytes = added.figures.total_bytes - added.figures.free_bytes;
        if (added.figures.used_bytes < 0 && purpose_ == WalkPurpose::kTree) {
            return torn(context, "has more free bytes than bytes");
        }
        tree_.contexts.push_back(std::move(added));
        if (places_ != nullptr) {
            places_->contexts.push_back(context);
        }
        return true;
    }

    // Of the context that is being counted.
    void note_block(RemoteAddress begin, RemoteAddress free, RemoteAddress end) {
        if (places_ != nullptr) {
            places_->blocks.push_back({tree_.contexts.size(), begin, free, end});
        }
    }

    std::optional<ContextType> type_of(RemoteAddress context, const std::byte* bytes) {
        const int tag = value_at<std::int32_t>(bytes, 0);
        if (tree_.contexts.empty()) {
            allocset_tag_ = tag;
        }
        const std::int64_t distance = std::int64_t{tag} - allocset_tag_;
        std::optional<ContextType> type;
        if (distance == 0) {
            type = ContextType::kAllocSet;
        } else if (distance == layout_.tags.slab) {
            type = ContextType::kSlab;
        } else if (distance == layout_.tags.generation) {
            type = ContextType::kGeneration;
        } else if (distance == layout_.tags.bump) {
            type = ContextType::kBump;
        }
        if (!type) {
            torn(context, "is of no known kind");
            return type;
        }
        // All contexts of a kind have the same functions (MemoryContextMethods).
        const RemoteAddress methods = pointer_at(bytes, layout_.context.methods);
        RemoteAddress& known = methods_.at(static_cast<std::size_t>(*type));
        if (known.is_null()) {
            known = methods;
        }
        if (methods.is_null() || methods != known) {
            torn(context, "has not the functions of its kind");
            return std::nullopt;
        }
        return type;
    }

    bool name(RemoteAddress context, const std::byte* bytes, MemoryContext& added) {
        const RemoteAddress name = pointer_at(bytes, layout_.context.name);
        const std::string* const constant =
            layout_.context.ident && !name.is_null() ? names_.find(name) : nullptr;
        if (constant != nullptr) {
            added.name = *constant;
        } else if (!text_at(name, kMaxNameBytes, added.name)) {
            return false;
        }
        if (tree_.contexts.empty() && added.name != kRootName) {
            return torn(context, fmt::format("is not named {}", kRootName));
        }
        const RemoteAddress ident =
            layout_.context.ident ? pointer_at(bytes, *layout_.context.ident) : RemoteAddress{};
        if (ident.is_null()) {
            return true;
        }
        std::string text;
        // A hash table's context goes by the table's name alone (mcxt.c, MemoryContextStatsPrint).
        if (added.name == "dynahash") {
            if (!text_at(ident, kMaxNameBytes, text)) {
                return false;
            }
            added.name = std::move(text);
            return true;
        }
        if (!text_at(ident, kMaxShownIdentBytes + 1, text)) {
            return false;
        }
        added.ident = shown_ident(std::move(text));
        return true;
    }

    // A text that ends with a NUL, or is cut behind `max_bytes`.
    bool text_at(RemoteAddress address, std::size_t max_bytes, std::string& text) {
        // Mostly short: looked at in small steps, so that little is copied in vain, and none of
        // them crosses a page's end, behind which there may be nothing.
        constexpr std::uint64_t kStepBytes = 32;
        while (text.size() < max_bytes) {
            const RemoteAddress from = address + text.size();
            const std::uint64_t size = std::min(kStepBytes - from.value % kStepBytes,
                                                std::uint64_t{max_bytes - text.size()});
            const std::byte* const bytes = look(from, size);
            if (bytes == nullptr) {
                return false;
            }
            const std::string_view piece(reinterpret_cast<const char*>(bytes), size);  // NOLINT
            const std::size_t end = std::min(piece.find('\0'), piece.size());
            text.append(piece.substr(0, end));
            if (end != piece.size()) {
                break;
            }
        }
        return true;
    }

    // --- figures --------------------------------------------------------------------------------

    bool count(RemoteAddress context, MemoryContext& added) {
        switch (added.type) {
            case ContextType::kAllocSet:
                return count_allocset(context, added.figures);
            case ContextType::kSlab:
                return count_slab(context, *layout_.slab, added);
            case ContextType::kGeneration:
                return count_generation(context, *layout_.generation, added);
            case ContextType::kBump:
                return count_bump(context, *layout_.bump, added.figures);
        }
        return false;
    }

    // From 13 on the context itself counts what its blocks take.
    bool agrees_with_allocated(RemoteAddress context, const std::byte* bytes, std::int64_t sum) {
        if (layout_.context.mem_allocated &&
            value_at<std::int64_t>(bytes, *layout_.context.mem_allocated) != sum) {
            return torn(context, "has blocks of another size than it counts (mem_allocated)");
        }
        return true;
    }

    bool count_allocset(RemoteAddress context, ContextFigures& figures) {
        const AllocSetLayout& layout = layout_.allocset;
        const std::byte* const bytes = look(context, layout.context_bytes);
        if (bytes == nullptr) {
            return false;
        }
        figures.total_bytes = layout_.header_in_total ? layout.context_bytes : 0;
        blocks_.clear();
        RemoteAddress previous;
        for (RemoteAddress block = pointer_at(bytes, layout.blocks); !block.is_null();) {
            const std::byte* const header =
                may_go_on(context) ? look(block, kAllocBlock.header_bytes) : nullptr;
            if (header == nullptr) {
                return false;
            }
            const RemoteAddress freeptr = pointer_at(header, kAllocBlock.freeptr);
            const RemoteAddress endptr = pointer_at(header, kAllocBlock.endptr);
            if (pointer_at(header, kAllocBlock.aset) != context ||
                pointer_at(header, kAllocBlock.prev) != previous) {
                return torn(context, "has a block that is not its own");
            }
            if (freeptr < block + kAllocBlock.header_bytes || endptr < freeptr) {
                return torn(context, "has a block whose pointers are not in order");
            }
            if (!may_have(context, endptr - block)) {
                return false;
            }
            ++figures.total_nblocks;
            figures.total_bytes += figure(endptr - block);
            figures.free_bytes += figure(endptr - freeptr);
            note_block(block, freeptr, endptr);
            blocks_.push_back({block, endptr});
            previous = block;
            block = pointer_at(header, kAllocBlock.next);
        }
        if (!agrees_with_allocated(context, bytes, figures.total_bytes)) {
            return false;
        }
        sort_blocks();
        for (std::size_t list = 0; list < kFreeLists; ++list) {
            const auto at = static_cast<Offset>(layout.freelist + list * sizeof(std::uint64_t));
            if (!count_free_chunks(context, pointer_at(bytes, at), list, figures)) {
                return false;
            }
        }
        return true;
    }

    void sort_blocks() {
        if (blocks_.size() > 1) {
            std::ranges::sort(blocks_, {}, &BlockRange::begin);
        }
    }

    [[nodiscard]] bool in_a_block(RemoteAddress chunk, std::uint64_t size) const {
        const auto after =
            std::ranges::upper_bound(blocks_, chunk, std::ranges::less{}, &BlockRange::begin);
        if (after == blocks_.begin()) {
            return false;
        }
        const BlockRange& block = *(after - 1);
        return chunk >= block.begin + kAllocBlock.header_bytes && chunk < block.end &&
               size <= block.end - chunk;
    }

    bool count_free_chunks(RemoteAddress context,
                           RemoteAddress chunk,
                           std::size_t list,
                           ContextFigures& figures) {
        const ChunkLayout& layout = layout_.chunk;
        const std::uint64_t payload = kSmallestChunk << list;
        const std::uint64_t whole = payload + layout.header_bytes;
        while (!chunk.is_null()) {
            if (!may_go_on(context)) {
                return false;
            }
            if (!in_a_block(chunk, whole)) {
                return torn(context, "has a free chunk outside of its blocks");
            }
            const std::byte* const header = look(chunk, bytes_to_look_at(layout));
            if (header == nullptr) {
                return false;
            }
            const bool fits = layout.size
                                  ? value_at<std::uint64_t>(header, *layout.size) == payload
                                  : is_chunk_of_list(value_at<std::uint64_t>(header, 0), list);
            if (!fits) {
                return torn(context, "has a free chunk of another size than its list");
            }
            ++figures.free_chunks;
            figures.free_bytes += figure(whole);
            if (figures.free_bytes > figures.total_bytes) {
                return torn(context, "has more free bytes than bytes");
            }
            chunk = pointer_at(header, layout.link);
        }
        return true;
    }

    [[nodiscard]] bool is_chunk_of_list(std::uint64_t word, std::size_t list) const {
        return method_of(word, layout_.chunk) == kAllocSetMethod &&
               value_of(word, layout_.chunk) == list;
    }

    // Calls `visit` with the address of each node of a doubly linked list (lib/ilist.h).
    template <typename Visit>
    bool for_each_node(RemoteAddress context,
                       RemoteAddress head,
                       const std::byte* head_bytes,
                       Visit visit) {
        RemoteAddress previous = head;
        RemoteAddress node = pointer_at(head_bytes, kListNext);
        if (node.is_null()) {
            return true;  // never used
        }
        while (node != head) {
            const std::byte* const bytes = may_go_on(context) ? look(node, kListBytes) : nullptr;
            if (bytes == nullptr) {
                return false;
            }
            if (pointer_at(bytes, kListPrev) != previous) {
                return torn(context, "has a list of blocks that does not hold together");
            }
            previous = node;
            const RemoteAddress next = pointer_at(bytes, kListNext);
            if (!visit(node)) {
                return false;
            }
            node = next;
        }
        return pointer_at(head_bytes, kListPrev) == previous ||
               torn(context, "has a list of blocks that does not hold together");
    }

    bool count_slab(RemoteAddress context, const SlabLayout& layout, MemoryContext& added) {
        const std::byte* const bytes = look(context, layout.context_bytes);
        if (bytes == nullptr) {
            return false;
        }
        ContextFigures& figures = added.figures;
        const std::uint64_t full_chunk_size = sized_at(bytes, layout.full_chunk_size);
        const std::uint64_t block_size = sized_at(bytes, layout.block_size);
        const auto chunks_per_block = value_at<std::int32_t>(bytes, layout.chunks_per_block);
        if (chunks_per_block <= 0 || full_chunk_size == 0 || block_size > kMaxBytes ||
            static_cast<std::uint64_t>(chunks_per_block) > block_size / full_chunk_size) {
            return torn(context, "has chunks that its blocks cannot hold");
        }
        const auto nblocks = layout.nblocks
                                 ? std::optional(value_at<std::int32_t>(bytes, *layout.nblocks))
                                 : std::nullopt;
        const std::uint64_t header_bytes = layout.header_size
                                               ? value_at<std::uint64_t>(bytes, *layout.header_size)
                                           : layout_.header_in_total ? layout.context_bytes
                                                                     : 0;
        const std::uint64_t empty_blocks =
            layout.empty_blocks ? value_at<std::uint32_t>(bytes, *layout.empty_blocks) : 0;
        if (empty_blocks > bytes_left_ / block_size) {
            return torn(context, "counts more empty blocks than there is memory");
        }
        if (!may_have(context, header_bytes) || !may_have(context, empty_blocks * block_size)) {
            return false;
        }
        added.slab_empty_blocks = figure(empty_blocks);
        figures.total_bytes = figure(header_bytes + empty_blocks * block_size);
        const auto lists = layout.list_count ? std::uint64_t{*layout.list_count}
                                             : static_cast<std::uint64_t>(chunks_per_block) + 1;
        const RemoteAddress heads = context + layout.lists;
        for (std::uint64_t list = 0; list < lists; ++list) {
            const RemoteAddress head = heads + list * kListBytes;
            const std::byte* const head_bytes =
                may_go_on(context) ? look(head, kListBytes) : nullptr;
            if (head_bytes == nullptr ||
                !for_each_node(context, head, head_bytes, [&](RemoteAddress node) {
                    return count_slab_block(context,
                                            node - layout.block_node,
                                            layout,
                                            {.chunks_per_block = chunks_per_block,
                                             .full_chunk_size = figure(full_chunk_size),
                                             .block_size = figure(block_size)},
                                            figures);
                })) {
                return false;
            }
        }
        if (nblocks && *nblocks != figures.total_nblocks) {
            return torn(context, "has another number of blocks than it counts");
        }
        return agrees_with_allocated(context, bytes, figures.total_bytes - figure(header_bytes));
    }

    struct SlabSizes {
        std::int64_t chunks_per_block;
        std::int64_t full_chunk_size;
        std::int64_t block_size;
    };

    bool count_slab_block(RemoteAddress context,
                          RemoteAddress block,
                          const SlabLayout& layout,
                          const SlabSizes& sizes,
                          ContextFigures& figures) {
        const std::byte* const bytes = look(block, layout.block_bytes);
        if (bytes == nullptr) {
            return false;
        }
        const std::int64_t nfree = value_at<std::int32_t>(bytes, layout.block_nfree);
        if (nfree < 0 || nfree > sizes.chunks_per_block ||
            (layout.block_slab && pointer_at(bytes, *layout.block_slab) != context)) {
            return torn(context, "has a block that is not its own");
        }
        if (!may_have(context, static_cast<std::uint64_t>(sizes.block_size))) {
            return false;
        }
        const RemoteAddress end = block + static_cast<std::uint64_t>(sizes.block_size);
        note_block(block, end, end);
        ++figures.total_nblocks;
        figures.total_bytes += sizes.block_size;
        figures.free_bytes += nfree * sizes.full_chunk_size;
        figures.free_chunks += nfree;
        return true;
    }

    bool count_generation(RemoteAddress context,
                          const GenerationLayout& layout,
                          MemoryContext& added) {
        const std::byte* const bytes = look(context, layout.context_bytes);
        if (bytes == nullptr) {
            return false;
        }
        ContextFigures& figures = added.figures;
        std::int64_t blocks_bytes = 0;
        const bool counted = for_each_node(
            context, context + layout.blocks, bytes + layout.blocks, [&](RemoteAddress block) {
                const std::byte* const header = look(block, layout.block_bytes);
                if (header == nullptr) {
                    return false;
                }
                const auto size = value_at<std::uint64_t>(header, layout.block_blksize);
                const auto nchunks = value_at<std::int32_t>(header, layout.block_nchunks);
                const auto nfree = value_at<std::int32_t>(header, layout.block_nfree);
                const RemoteAddress freeptr = pointer_at(header, layout.block_freeptr);
                const RemoteAddress endptr = pointer_at(header, layout.block_endptr);
                if (nfree < 0 || nfree > nchunks || freeptr < block || endptr < freeptr ||
                    endptr - block != size ||
                    (layout.block_context &&
                     pointer_at(header, *layout.block_context) != context)) {
                    return torn(context, "has a block that is not its own");
                }
                if (!may_have(context, size)) {
                    return false;
                }
                note_block(block, freeptr, endptr);
                ++figures.total_nblocks;
                blocks_bytes += figure(size);
                added.generation_chunks += nchunks;
                figures.free_chunks += nfree;
                figures.free_bytes += figure(endptr - freeptr);
                return true;
            });
        figures.total_bytes = layout.context_bytes + blocks_bytes;
        return counted && agrees_with_allocated(context, bytes, blocks_bytes);
    }

    bool count_bump(RemoteAddress context, const BumpLayout& layout, ContextFigures& figures) {
        const std::byte* const bytes = look(context, layout.context_bytes);
        if (bytes == nullptr) {
            return false;
        }
        const bool counted = for_each_node(
            context, context + layout.blocks, bytes + layout.blocks, [&](RemoteAddress block) {
                const std::byte* const header = look(block, layout.block_bytes);
                if (header == nullptr) {
                    return false;
                }
                const RemoteAddress freeptr = pointer_at(header, layout.block_freeptr);
                const RemoteAddress endptr = pointer_at(header, layout.block_endptr);
                if (freeptr < block || endptr < freeptr) {
                    return torn(context, "has a block whose pointers are not in order");
                }
                if (!may_have(context, endptr - block)) {
                    return false;
                }
                note_block(block, freeptr, endptr);
                ++figures.total_nblocks;
                figures.total_bytes += figure(endptr - block);
                figures.free_bytes += figure(endptr - freeptr);
                return true;
            });
        // BumpStats leaves the context's header out (bump.c).
        return counted &&
               agrees_with_allocated(context, bytes, figures.total_bytes + layout.context_bytes);
    }

    const MemoryCopy& memory_;
    const MemoryLayout& layout_;
    RemoteAddress root_;
    ConstantTexts& names_;
    const WalkBounds& bounds_;
    WalkPurpose purpose_;
    ContextPlaces* places_;
    std::uint64_t bytes_left_;
    std::uint64_t max_steps_;
    std::uint64_t steps_ = 0;
    ContextTree tree_;
    std::vector<Ancestor> ancestors_;
    std::unordered_set<std::uint64_t> visited_;
    std::vector<BlockRange> blocks_;
    std::array<RemoteAddress, 4> methods_{};  // by ContextType
    int allocset_tag_ = 0;
    // Of the context visited last.
    RemoteAddress firstchild_;
    RemoteAddress nextchild_;
    Error error_;
};

// Goes through the chunks of one block of the root, up to its free space, and counts those in use.
Result<std::size_t> count_proved_chunks(const MemoryCopy& memory,
                                        const MemoryLayout& layout,
                                        RemoteAddress root,
                                        RemoteAddress block,
                                        RemoteAddress freeptr) {
    std::size_t chunks = 0;
    std::size_t allocated = 0;
    RemoteAddress chunk = block + kAllocBlock.header_bytes;
    while (chunk < freeptr) {
        const std::byte* const bytes = memory.find(chunk, bytes_to_look_at(layout.chunk));
        if (bytes == nullptr) {
            return failure(Error::Kind::kFault, "a chunk of TopMemoryContext is missing");
        }
        const auto own = own_chunk(bytes, layout.chunk, root, chunk - block);
        if (!own || own->size > freeptr - chunk || ++chunks > kMaxRootChunks) {
            return failure(Error::Kind::kFailed,
                           "chunks in TopMemoryContext have another header than this version's");
        }
        allocated += own->is_free ? 0U : 1U;
        chunk = chunk + own->size;
    }
    if (chunk != freeptr) {
        return failure(Error::Kind::kFailed,
                       "chunks in TopMemoryContext do not follow one upon the other");
    }
    return allocated;
}

}  // namespace

Result<ContextTree> walk_contexts(const MemoryCopy& memory,
                                  const MemoryLayout& layout,
                                  RemoteAddress root,
                                  ConstantTexts& names,
                                  const WalkBounds& bounds,
                                  WalkPurpose purpose,
                                  ContextPlaces* places) {
    return Walk(memory, layout, root, names, bounds, purpose, places).run();
}

Result<> prove_chunks(const MemoryCopy& memory, const MemoryLayout& layout, RemoteAddress root) {
    const std::byte* const context = memory.find(root, layout.allocset.context_bytes);
    if (context == nullptr) {
        return failure(Error::Kind::kFault, "TopMemoryContext is missing");
    }
    RemoteAddress block = pointer_at(context, layout.allocset.blocks);
    // All chunks of the newest block may be free, and then name nobody.
    for (std::size_t blocks = 0; blocks < kMaxRootBlocks && !block.is_null(); ++blocks) {
        const std::byte* const header = memory.find(block, kAllocBlock.header_bytes);
        if (header == nullptr) {
            return failure(Error::Kind::kFault, "a block of TopMemoryContext is missing");
        }
        const auto allocated = count_proved_chunks(
            memory, layout, root, block, pointer_at(header, kAllocBlock.freeptr));
        if (!allocated || *allocated > 0) {
            return allocated.map([](std::size_t) {});
        }
        block = pointer_at(header, kAllocBlock.next);
    }
    return failure(Error::Kind::kFailed, "no chunk of TopMemoryContext is in use");
}

}  // namespace palloscope
