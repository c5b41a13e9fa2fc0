#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace palloscope {

// PostgreSQL's kinds of memory context, named as pg_backend_memory_contexts.type names them (18).
enum class ContextType { kAllocSet, kSlab, kGeneration, kBump };

[[nodiscard]] std::string_view to_string(ContextType type);
[[nodiscard]] std::optional<ContextType> context_type_from(std::string_view text);

// The five figures that MemoryContextStats prints for a context (mcxt.c, MemoryContextStatsPrint),
// bytes and counts. used_bytes is always total_bytes − free_bytes.
struct ContextFigures {
    std::int64_t total_bytes = 0;
    std::int64_t total_nblocks = 0;
    std::int64_t free_bytes = 0;
    std::int64_t free_chunks = 0;
    std::int64_t used_bytes = 0;

    bool operator==(const ContextFigures&) const = default;
    ContextFigures& operator+=(const ContextFigures& other);
    ContextFigures& operator-=(const ContextFigures& other);
};

// One memory context. Name and ident are bytes in the server's encoding, as the server prints them.
struct MemoryContext {
    std::string name;
    std::optional<std::string> ident;
    ContextType type = ContextType::kAllocSet;
    // Index of the parent in ContextTree::contexts; none for TopMemoryContext.
    std::optional<std::size_t> parent;
    // 1 for TopMemoryContext, as in PostgreSQL 18's view.
    int level = 1;
    ContextFigures figures;
    // Counts that MemoryContextStats prints for one type only: the chunks of a Generation context
    // (11 and later) and the empty blocks of a Slab context (16 and later). They are known in a
    // snapshot just taken; files do not keep them.
    std::int64_t generation_chunks = 0;
    std::int64_t slab_empty_blocks = 0;

    bool operator==(const MemoryContext&) const = default;
};

// All contexts of a backend, depth first: parents before children, children in the server's own
// order (most recently created first). The id that users see is index + 1.
struct ContextTree {
    std::vector<MemoryContext> contexts;

    bool operator==(const ContextTree&) const = default;

    [[nodiscard]] ContextFigures grand_total() const;
    // The same for a tree whose figures come from outside and were not checked yet: none if the sum
    // overflows.
    [[nodiscard]] std::optional<ContextFigures> checked_grand_total() const;
    // Ids from the root down to the context itself: the view's `path`.
    [[nodiscard]] std::vector<std::size_t> id_path(std::size_t index) const;
    // Names from the root down, joined by '/': "TopMemoryContext/CacheMemoryContext/index info".
    [[nodiscard]] std::string name_path(std::size_t index) const;
    // name_path of every context, in one pass.
    [[nodiscard]] std::vector<std::string> name_paths() const;
};

}  // namespace palloscope
