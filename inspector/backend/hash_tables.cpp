#include "inspector/backend/hash_tables.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "inspector/backend/chunk_header.hpp"
#include "inspector/backend/hash_table_layout.hpp"
#include "inspector/backend/layout_of_version.hpp"

namespace palloscope {

namespace {

// The longest of all versions.
constexpr std::size_t kTableBytes =
    std::ranges::max(kHashTableLayouts, {}, &HashTableLayout::bytes).bytes;
constexpr std::size_t kHeaderBytes =
    std::ranges::max(kHashTableLayouts, {}, &HashTableLayout::header_bytes).header_bytes;
constexpr std::size_t kMaxNameBytes = 256;

HashTableLayout layout_of(const StillBackend& backend) {
    return layout_of_version(kHashTableLayouts, backend.version())
        .value_or(kHashTableLayouts.front());
}

// The bytes of one struct.
template <std::size_t kBytes>
Result<std::array<std::byte, kBytes>> read_struct(const StillBackend& backend,
                                                  RemoteAddress address) {
    return backend.pages().read<std::array<std::byte, kBytes>>(address);
}

// Whether the struct at `htab` points to its own end as its name, and to its context. Either alone
// is not enough: a CachedPlanSource of 10 has a pointer to itself there too.
bool is_table(const StillBackend& backend,
              const HashTableLayout& layout,
              std::size_t context,
              RemoteAddress htab) {
    const auto bytes = read_struct<kTableBytes>(backend, htab);
    return bytes && pointer_at(bytes->data(), layout.tabname) == htab + layout.bytes &&
           pointer_at(bytes->data(), layout.hcxt) == backend.address_of(context);
}

// Where the HTAB of a context lies, if it belongs to a hash table: up to 10 that is the first chunk
// of one of its blocks.
std::optional<RemoteAddress> find_htab(const StillBackend& backend, std::size_t context) {
    const HashTableLayout layout = layout_of(backend);
    if (backend.layout().context.ident) {
        const RemoteAddress ident = backend.ident_pointer(context);
        if (ident.value < layout.bytes) {
            return std::nullopt;
        }
        const RemoteAddress htab{ident.value - layout.bytes};
        return is_table(backend, layout, context, htab) ? std::optional(htab) : std::nullopt;
    }
    for (const ContextBlock& block : backend.blocks_of(context)) {
        const RemoteAddress htab =
            block.begin + AllocBlockLayout{}.header_bytes + backend.layout().chunk.header_bytes;
        if (htab + layout.bytes < block.free && is_table(backend, layout, context, htab)) {
            return htab;
        }
    }
    return std::nullopt;
}

Result<DynamicHash> read_table(const StillBackend& backend,
                               std::size_t context,
                               RemoteAddress htab) {
    const HashTableLayout layout = layout_of(backend);
    const auto table = read_struct<kTableBytes>(backend, htab);
    const auto header = table.and_then([&](const auto& bytes) {
        return read_struct<kHeaderBytes>(backend, pointer_at(bytes.data(), layout.hctl));
    });
    if (!header) {
        return tl::unexpected(header.error());
    }
    auto name = backend.pages().read_string(htab + layout.bytes, kMaxNameBytes);
    if (!name) {
        return tl::unexpected(std::move(name.error()));
    }
    const auto entries = value_at<std::int64_t>(header->data(), layout.nentries);
    const auto sshift =
        layout.sshift ? value_at<std::uint32_t>(table->data(), *layout.sshift) : kSegmentShift;
    const auto ssize = layout.ssize ? value_at<std::uint64_t>(table->data(), *layout.ssize)
                                    : std::uint64_t{1} << kSegmentShift;
    const auto max_bucket = value_at<std::uint32_t>(header->data(), layout.max_bucket);
    const auto capacity =
        static_cast<std::uint64_t>(backend.tree().contexts[context].figures.total_bytes);
    if (entries < 0 || static_cast<std::uint64_t>(entries) > capacity / layout.element_bytes ||
        max_bucket > capacity / sizeof(std::uint64_t) || !std::has_single_bit(ssize) ||
        sshift >= 32 || ssize != std::uint64_t{1} << sshift) {
        return failure(Error::Kind::kFailed, "its head is not this version's");
    }
    return DynamicHash{.name = std::move(*name),
                       .context = context,
                       .entries = entries,
                       .max_bucket = max_bucket,
                       .key_bytes = value_at<std::uint64_t>(header->data(), layout.keysize),
                       .directory = pointer_at(table->data(), layout.dir),
                       .segment_buckets = ssize,
                       .segment_shift = sshift};
}

}  // namespace

std::vector<DynamicHash> find_hash_tables(const StillBackend& backend,
                                          std::vector<UnavailablePart>& unreadable) {
    std::vector<DynamicHash> tables;
    for (std::size_t i = 0; i < backend.tree().contexts.size(); ++i) {
        const auto htab = find_htab(backend, i);
        if (!htab) {
            continue;
        }
        if (auto table = read_table(backend, i, *htab)) {
            tables.push_back(std::move(*table));
        } else {
            unreadable.push_back({.part = "hash table " + backend.tree().contexts[i].name,
                                  .reason = table.error().message});
        }
    }
    return tables;
}

Result<> for_each_entry(const StillBackend& backend,
                        const DynamicHash& table,
                        const std::function<void(RemoteAddress entry)>& visit) {
    const Offset element_bytes = layout_of(backend).element_bytes;
    std::int64_t found = 0;
    RemoteAddress segment;
    for (std::uint64_t bucket = 0; bucket <= table.max_bucket; ++bucket) {
        const std::uint64_t at = bucket & (table.segment_buckets - 1);
        if (at == 0) {
            const auto read = backend.pages().read<RemoteAddress>(
                table.directory + (bucket >> table.segment_shift) * sizeof(std::uint64_t));
            if (!read) {
                return tl::unexpected(read.error());
            }
            segment = *read;
        }
        auto element = backend.pages().read<RemoteAddress>(segment + at * sizeof(std::uint64_t));
        // One that was met before comes again in a circle (Brent's algorithm).
        RemoteAddress met;
        for (std::uint64_t length = 1; element && !element->is_null(); ++length) {
            if (found == table.entries) {
                return failure(Error::Kind::kFailed, "it has more entries than it counts");
            }
            if (*element == met) {
                return failure(Error::Kind::kFailed, "its entries go in a circle");
            }
            if (std::has_single_bit(length)) {
                met = *element;
            }
            ++found;
            visit(*element + element_bytes);
            element = backend.pages().read<RemoteAddress>(*element);
        }
        if (!element) {
            return tl::unexpected(element.error());
        }
    }
    return found == table.entries
               ? Result<>()
               : failure(Error::Kind::kFailed, "it has fewer entries than it counts");
}

void for_each_entry_of(const StillBackend& backend,
                       std::span<const DynamicHash> tables,
                       std::string_view name,
                       std::string_view part,
                       const std::function<void(RemoteAddress entry)>& visit,
                       std::vector<UnavailablePart>& unavailable) {
    const auto table = std::ranges::find(tables, name, &DynamicHash::name);
    if (table == tables.end()) {
        return;
    }
    if (const auto walked = for_each_entry(backend, *table, visit); !walked) {
        unavailable.push_back({.part = std::string(part), .reason = walked.error().message});
    }
}

}  // namespace palloscope
