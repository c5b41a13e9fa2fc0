#include "inspector/backend/accounting.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "attach/proc.hpp"
#include "inspector/backend/chunk_header.hpp"

namespace palloscope {

namespace {

constexpr AllocBlockLayout kBlock;

std::int64_t signed_of(std::uint64_t bytes) {
    return static_cast<std::int64_t>(bytes);
}

// `before` is null for the first mapping.
bool is_anonymous_behind(const Mapping* before, const Mapping& mapping) {
    return mapping.path.empty() && before != nullptr && before->end == mapping.start;
}

// Bytes of a context's own header and of those of its blocks.
std::int64_t overhead_of(const MemoryLayout& layout, ContextType type, std::size_t blocks) {
    Offset header = 0;
    Offset block = 0;
    switch (type) {
        case ContextType::kAllocSet:
            header = layout.header_in_total ? layout.allocset.context_bytes : 0;
            block = kBlock.header_bytes;
            break;
        case ContextType::kSlab:
            header = layout.header_in_total ? layout.slab->context_bytes : 0;
            block = layout.slab->block_bytes;
            break;
        case ContextType::kGeneration:
            header = layout.generation->context_bytes;
            block = layout.generation->block_bytes;
            break;
        case ContextType::kBump:
            header = layout.bump->context_bytes;
            block = layout.bump->block_bytes;
            break;
    }
    return header + signed_of(blocks) * block;
}

struct ContextBytes {
    std::int64_t used = 0;
    std::int64_t free = 0;
    std::int64_t overhead = 0;
};

// As far as it is resident.
ContextBytes bytes_of_contexts(const StillBackend& backend, const ResidentMemory& resident) {
    ContextBytes bytes;
    for (std::size_t i = 0; i < backend.tree().contexts.size(); ++i) {
        const MemoryContext& context = backend.tree().contexts[i];
        const std::span<const ContextBlock> blocks = backend.blocks_of(i);
        const std::int64_t overhead = overhead_of(backend.layout(), context.type, blocks.size());
        std::int64_t given_out = 0;
        std::int64_t never_given_out = 0;
        std::int64_t never_given_out_resident = 0;
        for (const ContextBlock& block : blocks) {
            given_out += signed_of(resident.bytes_in(block.begin, block.free));
            never_given_out += signed_of(block.end - block.free);
            never_given_out_resident += signed_of(resident.bytes_in(block.free, block.end));
        }
        // What came back lies in lists: it was written to when it was put there.
        const std::int64_t came_back =
            std::clamp<std::int64_t>(context.figures.free_bytes - never_given_out, 0, given_out);
        const std::int64_t headers_in_blocks =
            overhead - overhead_of(backend.layout(), context.type, /*blocks=*/0);
        bytes.used += std::max<std::int64_t>(given_out - came_back - headers_in_blocks, 0);
        bytes.free += came_back + never_given_out_resident;
        bytes.overhead += overhead;
    }
    return bytes;
}

// What is known of memory that malloc gave to PostgreSQL's contexts: it may lie in any mapping,
// since the kernel makes one of neighbours that are alike.
class ContextRanges {
  public:
    ContextRanges(const StillBackend& backend, const ResidentMemory& resident) {
        const MemoryLayout& layout = backend.layout();
        for (std::size_t i = 0; i < backend.tree().contexts.size(); ++i) {
            // Before the first block, in the same piece of malloc's.
            ranges_.push_back({backend.address_of(i),
                               overhead_of(layout, backend.tree().contexts[i].type, /*blocks=*/0)});
        }
        for (const ContextBlock& block : backend.places().blocks) {
            ranges_.push_back({block.begin, signed_of(resident.bytes_in(block.begin, block.end))});
        }
        std::ranges::sort(ranges_, {}, &Range::begin);
    }

    // How much of a mapping is theirs.
    [[nodiscard]] std::int64_t bytes_in(const Mapping& mapping) const {
        std::int64_t bytes = 0;
        for (auto range = std::ranges::lower_bound(ranges_, mapping.start, {}, &Range::begin);
             range != ranges_.end() && range->begin < mapping.end;
             ++range) {
            bytes += range->bytes;
        }
        return bytes;
    }

  private:
    struct Range {
        RemoteAddress begin;
        std::int64_t bytes;
    };

    std::vector<Range> ranges_;
};

// Resident memory that is no context's.
struct MappedBytes {
    std::int64_t malloc = 0;  // heap and anonymous memory, where malloc gets its own
    std::int64_t stack = 0;
    std::int64_t library_data = 0;
    std::int64_t jit = 0;
    std::int64_t other = 0;
};

MappedBytes bytes_of_mappings(const StillBackend& backend, const ResidentMemory& resident) {
    const ContextRanges contexts(backend, resident);
    MappedBytes bytes;
    const Mapping* before = nullptr;
    for (const Mapping& mapping : resident.mappings()) {
        const std::int64_t here =
            signed_of(resident.bytes_in(mapping.start, mapping.end)) - contexts.bytes_in(mapping);
        const bool is_file = mapping.path.starts_with('/');
        // The variables without a value in the file (.bss) lie right behind those with one.
        const bool is_bss = is_anonymous_behind(before, mapping) && before->writable &&
                            before->path.starts_with('/');
        if (mapping.path == "[stack]") {
            bytes.stack += here;
        } else if (is_file || is_bss) {
            bytes.library_data += here;
        } else if (mapping.path.empty() && mapping.executable) {
            bytes.jit += here;
        } else if (mapping.path.empty() || mapping.path == "[heap]") {
            bytes.malloc += here;
        } else {
            bytes.other += here;
        }
        before = &mapping;
    }
    return bytes;
}

std::optional<std::int64_t> number_behind(std::string_view text, std::string_view label) {
    const std::size_t at = text.find(label);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    text.remove_prefix(at + label.size());
    text.remove_prefix(std::min(text.find_first_not_of(" ="), text.size()));
    std::int64_t number = 0;
    const auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), number);
    return err == std::errc{} ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<MallocTotals> parse_malloc_stats(std::string_view text) {
    // "Arena 0:", a paragraph each; "Total (incl. mmap):" comes last.
    MallocTotals totals;
    bool found = false;
    for (std::size_t at = text.find("Arena "); at != std::string_view::npos;
         at = text.find("Arena ", at + 1)) {
        const std::string_view arena = text.substr(at, text.find("max mmap", at) - at);
        const auto system = number_behind(arena, "system bytes");
        const auto in_use = number_behind(arena, "in use bytes");
        if (!system || !in_use || *in_use > *system) {
            return std::nullopt;
        }
        totals.system_bytes += *system;
        totals.in_use_bytes += *in_use;
        found = true;
    }
    return found ? std::optional(totals) : std::nullopt;
}

Accounting account_for(const StillBackend& backend,
                       const ResidentMemory& resident,
                       std::int64_t rss_anon_bytes,
                       std::int64_t kept_context_bytes,
                       const std::optional<MallocTotals>& malloc_totals) {
    const ContextBytes contexts = bytes_of_contexts(backend, resident);
    const MappedBytes mapped = bytes_of_mappings(backend, resident);
    const std::int64_t mallocs_own = std::max<std::int64_t>(mapped.malloc - kept_context_bytes, 0);
    const std::int64_t malloc_free =
        malloc_totals
            ? std::min(mallocs_own, malloc_totals->system_bytes - malloc_totals->in_use_bytes)
            : 0;
    Accounting accounting{.rss_anon_bytes = rss_anon_bytes,
                          .items = {{"contexts-used", contexts.used},
                                    {"contexts-free", contexts.free},
                                    {"contexts-overhead", contexts.overhead},
                                    {"contexts-kept", kept_context_bytes},
                                    {"malloc-used", mallocs_own - malloc_free},
                                    {"malloc-free", malloc_free},
                                    {"stack", mapped.stack},
                                    {"library-data", mapped.library_data},
                                    {"jit", mapped.jit},
                                    {"other-mappings", mapped.other}}};
    if (!malloc_totals) {
        std::erase_if(accounting.items,
                      [](const AccountItem& item) { return item.id == "malloc-free"; });
    }
    accounting.unexplained_bytes = rss_anon_bytes;
    for (const AccountItem& item : accounting.items) {
        accounting.unexplained_bytes -= item.bytes;
    }
    return accounting;
}

}  // namespace palloscope
