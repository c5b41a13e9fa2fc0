#include "scripts/gdb/layout_text.hpp"

#include <pg_query/pg_query.pb-c.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "inspector/backend/backend_status_layout.hpp"
#include "inspector/backend/backend_types.hpp"
#include "inspector/backend/catalog_cache_layout.hpp"
#include "inspector/backend/hash_table_layout.hpp"
#include "inspector/backend/memory_layout.hpp"
#include "inspector/backend/plan_source_layout.hpp"
#include "inspector/backend/port_layout.hpp"
#include "inspector/statements/named_contexts.hpp"
#include "inspector/statements/token.hpp"

namespace palloscope {

namespace {

// Every version that can have a table of its own.
constexpr std::array kVersions{90400,
                               90500,
                               90600,
                               100000,
                               110000,
                               120000,
                               130000,
                               140000,
                               150000,
                               160000,
                               170000,
                               180000,
                               190000};

constexpr std::string_view kHeading =
    "# Where the fields of PostgreSQL's structures lie. Generated from the tables of "
    "inspector/backend/:\n"
    "#   cmake --build --preset release --target update-gdb-layouts\n";

template <typename T>
std::string value(const T& number) {
    return fmt::format("{}", number);
}

std::string value(bool truth) {
    return truth ? "True" : "False";
}

std::string value(const SizedField& field) {
    return fmt::format("({}, {})", field.at, field.bytes);
}

template <typename T>
std::string value(const std::optional<T>& maybe) {
    return maybe ? value(*maybe) : "None";
}

// A Python dict of one struct, whose members are named by structured bindings: one more member does
// not compile, until it is named here as well.
class Dict {
  public:
    template <typename T>
    Dict& add(std::string_view name, const T& member) {
        text_ += fmt::format(R"({}"{}": {})", text_.empty() ? "" : ", ", name, value(member));
        return *this;
    }

    Dict& add_dict(std::string_view name, const std::string& dict) {
        text_ += fmt::format("{}\n     \"{}\": {}", text_.empty() ? "" : ",", name, dict);
        return *this;
    }

    [[nodiscard]] std::string text() const { return '{' + text_ + '}'; }

  private:
    std::string text_;
};

// NOLINTBEGIN(cppcoreguidelines-macro-usage): the name of a variable as text
#define PALLOSCOPE_ADD(member) .add(#member, member)

// NOLINTEND(cppcoreguidelines-macro-usage)

std::string dict_of(const ContextTags& tags) {
    const auto& [slab, generation, bump] = tags;
    return Dict() PALLOSCOPE_ADD(slab) PALLOSCOPE_ADD(generation) PALLOSCOPE_ADD(bump).text();
}

std::string dict_of(const ContextLayout& layout) {
    const auto& [mem_allocated,
                 methods,
                 parent,
                 firstchild,
                 prevchild,
                 nextchild,
                 name,
                 ident,
                 bytes] = layout;
    return Dict() PALLOSCOPE_ADD(mem_allocated) PALLOSCOPE_ADD(methods) PALLOSCOPE_ADD(parent)
        PALLOSCOPE_ADD(firstchild) PALLOSCOPE_ADD(prevchild) PALLOSCOPE_ADD(nextchild)
            PALLOSCOPE_ADD(name) PALLOSCOPE_ADD(ident) PALLOSCOPE_ADD(bytes)
                .text();
}

std::string dict_of(const ChunkLayout& layout) {
    const auto& [header_bytes, link, size, method_id_bits] = layout;
    return Dict() PALLOSCOPE_ADD(header_bytes) PALLOSCOPE_ADD(link) PALLOSCOPE_ADD(size)
        PALLOSCOPE_ADD(method_id_bits)
            .text();
}

std::string dict_of(const AllocSetLayout& layout) {
    const auto& [blocks, freelist, context_bytes] = layout;
    return Dict() PALLOSCOPE_ADD(blocks) PALLOSCOPE_ADD(freelist) PALLOSCOPE_ADD(context_bytes)
        .text();
}

std::string dict_of(const AllocBlockLayout& layout) {
    const auto& [aset, prev, next, freeptr, endptr, header_bytes] = layout;
    return Dict() PALLOSCOPE_ADD(aset) PALLOSCOPE_ADD(prev) PALLOSCOPE_ADD(next)
        PALLOSCOPE_ADD(freeptr) PALLOSCOPE_ADD(endptr) PALLOSCOPE_ADD(header_bytes)
            .text();
}

std::string dict_of(const SlabLayout& layout) {
    const auto& [full_chunk_size,
                 block_size,
                 chunks_per_block,
                 nblocks,
                 header_size,
                 empty_blocks,
                 lists,
                 list_count,
                 context_bytes,
                 block_node,
                 block_nfree,
                 block_slab,
                 block_bytes] = layout;
    return Dict() PALLOSCOPE_ADD(full_chunk_size) PALLOSCOPE_ADD(block_size)
        PALLOSCOPE_ADD(chunks_per_block) PALLOSCOPE_ADD(nblocks) PALLOSCOPE_ADD(header_size)
            PALLOSCOPE_ADD(empty_blocks) PALLOSCOPE_ADD(lists) PALLOSCOPE_ADD(list_count)
                PALLOSCOPE_ADD(context_bytes) PALLOSCOPE_ADD(block_node) PALLOSCOPE_ADD(block_nfree)
                    PALLOSCOPE_ADD(block_slab) PALLOSCOPE_ADD(block_bytes)
                        .text();
}

std::string dict_of(const GenerationLayout& layout) {
    const auto& [blocks,
                 context_bytes,
                 block_blksize,
                 block_nchunks,
                 block_nfree,
                 block_freeptr,
                 block_endptr,
                 block_context,
                 block_bytes] = layout;
    return Dict() PALLOSCOPE_ADD(blocks) PALLOSCOPE_ADD(context_bytes) PALLOSCOPE_ADD(block_blksize)
        PALLOSCOPE_ADD(block_nchunks) PALLOSCOPE_ADD(block_nfree) PALLOSCOPE_ADD(block_freeptr)
            PALLOSCOPE_ADD(block_endptr) PALLOSCOPE_ADD(block_context) PALLOSCOPE_ADD(block_bytes)
                .text();
}

std::string dict_of(const BumpLayout& layout) {
    const auto& [blocks, context_bytes, block_freeptr, block_endptr, block_bytes] = layout;
    return Dict() PALLOSCOPE_ADD(blocks) PALLOSCOPE_ADD(context_bytes) PALLOSCOPE_ADD(block_freeptr)
        PALLOSCOPE_ADD(block_endptr) PALLOSCOPE_ADD(block_bytes)
            .text();
}

template <typename Layout>
std::string dict_of(const std::optional<Layout>& layout) {
    return layout ? dict_of(*layout) : "None";
}

std::string dict_of(const MemoryLayout& layout) {
    const auto& [since_version_num,
                 tags,
                 context,
                 chunk,
                 allocset,
                 slab,
                 generation,
                 bump,
                 header_in_total] = layout;
    return Dict() PALLOSCOPE_ADD(since_version_num) PALLOSCOPE_ADD(header_in_total)
        .add_dict("tags", dict_of(tags))
        .add_dict("context", dict_of(context))
        .add_dict("chunk", dict_of(chunk))
        .add_dict("allocset", dict_of(allocset))
        .add_dict("slab", dict_of(slab))
        .add_dict("generation", dict_of(generation))
        .add_dict("bump", dict_of(bump))
        .text();
}

std::string dict_of(const CatalogCacheLayout& layout) {
    const auto& [since_version_num,
                 ntup,
                 nkeys,
                 keyno,
                 relname,
                 reloid,
                 tupdesc,
                 bucket,
                 list_buckets,
                 next,
                 entry_magic,
                 entry_cache,
                 entry_dead,
                 entry_negative,
                 entry_keys,
                 entry_row,
                 row_apart,
                 entry_bytes,
                 list_magic,
                 list_cache,
                 list_keys,
                 list_tuple,
                 list_bytes,
                 columns,
                 columns_by_pointer,
                 compact_column_bytes] = layout;
    return Dict() PALLOSCOPE_ADD(since_version_num) PALLOSCOPE_ADD(ntup) PALLOSCOPE_ADD(nkeys)
        PALLOSCOPE_ADD(keyno) PALLOSCOPE_ADD(relname) PALLOSCOPE_ADD(reloid) PALLOSCOPE_ADD(tupdesc)
            PALLOSCOPE_ADD(bucket) PALLOSCOPE_ADD(list_buckets) PALLOSCOPE_ADD(next)
                PALLOSCOPE_ADD(entry_magic) PALLOSCOPE_ADD(entry_cache) PALLOSCOPE_ADD(entry_dead)
                    PALLOSCOPE_ADD(entry_negative) PALLOSCOPE_ADD(entry_keys)
                        PALLOSCOPE_ADD(entry_row) PALLOSCOPE_ADD(row_apart)
                            PALLOSCOPE_ADD(entry_bytes) PALLOSCOPE_ADD(list_magic)
                                PALLOSCOPE_ADD(list_cache) PALLOSCOPE_ADD(list_keys)
                                    PALLOSCOPE_ADD(list_tuple) PALLOSCOPE_ADD(list_bytes)
                                        PALLOSCOPE_ADD(columns) PALLOSCOPE_ADD(columns_by_pointer)
                                            PALLOSCOPE_ADD(compact_column_bytes)
                                                .text();
}

std::string dict_of(const HashTableLayout& layout) {
    const auto& [since_version_num,
                 hctl,
                 dir,
                 hcxt,
                 tabname,
                 ssize,
                 sshift,
                 bytes,
                 nentries,
                 max_bucket,
                 keysize,
                 header_bytes,
                 element_bytes] = layout;
    return Dict() PALLOSCOPE_ADD(since_version_num) PALLOSCOPE_ADD(hctl) PALLOSCOPE_ADD(dir)
        PALLOSCOPE_ADD(hcxt) PALLOSCOPE_ADD(tabname) PALLOSCOPE_ADD(ssize) PALLOSCOPE_ADD(sshift)
            PALLOSCOPE_ADD(bytes) PALLOSCOPE_ADD(nentries) PALLOSCOPE_ADD(max_bucket)
                PALLOSCOPE_ADD(keysize) PALLOSCOPE_ADD(header_bytes) PALLOSCOPE_ADD(element_bytes)
                    .text();
}

std::string dict_of(const PlanSourceLayout& layout) {
    const auto& [since_version_num, query_string, parser_setup, context, gplan] = layout;
    return Dict() PALLOSCOPE_ADD(since_version_num) PALLOSCOPE_ADD(query_string)
        PALLOSCOPE_ADD(parser_setup) PALLOSCOPE_ADD(context) PALLOSCOPE_ADD(gplan)
            .text();
}

std::string dict_of(const PortLayout& layout) {
    const auto& [since_version_num, database_name, user_name] = layout;
    return Dict() PALLOSCOPE_ADD(since_version_num) PALLOSCOPE_ADD(database_name)
        PALLOSCOPE_ADD(user_name)
            .text();
}

std::string dict_of(const StatusLayout& layout) {
    const auto& [since_version_num,
                 process_start,
                 transaction_start,
                 statement_start,
                 state_start,
                 state,
                 query] = layout;
    return Dict() PALLOSCOPE_ADD(since_version_num) PALLOSCOPE_ADD(state) PALLOSCOPE_ADD(query)
        .text();
}

#undef PALLOSCOPE_ADD

template <typename Layouts>
std::string list_of(std::string_view name, const Layouts& layouts) {
    std::string text = fmt::format("\n{} = [\n", name);
    for (const auto& layout : layouts) {
        text += fmt::format("    {},\n", dict_of(layout));
    }
    return text + "]\n";
}

std::string constant(std::string_view name, std::uint64_t number) {
    return fmt::format("{} = {:#x}\n", name, number);
}

std::string quoted(std::string_view text) {
    return fmt::format("\"{}\"", text);  // none of ours holds a quote
}

// The scanner names its tokens ABORT_P, WITH_LA and so on.
std::set<std::string> keywords() {
    std::set<std::string> words;
    const auto& tokens = pg_query__token__descriptor;
    for (const auto& token : std::span(tokens.values, tokens.n_values)) {
        std::string word(token.name);
        for (const std::string_view suffix : {"_P", "_LA"}) {
            if (word.ends_with(suffix) && !is_keyword(word)) {
                word.resize(word.size() - suffix.size());
            }
        }
        std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::tolower(c); });
        if (is_keyword(word)) {
            words.insert(std::move(word));
        }
    }
    return words;
}

// At most 100 columns.
std::string wrapped(const std::set<std::string>& words) {
    constexpr std::size_t kColumns = 95;
    std::string text;
    std::string line;
    for (const std::string& word : words) {
        if (line.size() + word.size() > kColumns) {
            text += "    " + std::exchange(line, "") + '\n';
        }
        line += (line.empty() ? "" : " ") + word;
    }
    return text + "    " + line + '\n';
}

}  // namespace

std::string layout_text() {
    std::string text(kHeading);
    std::vector<MemoryLayout> memory;
    for (const int version : kVersions) {
        const auto layout = memory_layout(version);
        if (layout &&
            (memory.empty() || memory.back().since_version_num != layout->since_version_num)) {
            memory.push_back(*layout);
        }
    }
    text += list_of("MEMORY", memory);
    text += fmt::format("\nALLOC_BLOCK = {}\n", dict_of(AllocBlockLayout{}));
    text += list_of("CATALOG_CACHE", kCatalogCacheLayouts);
    text += constant("CATALOG_ENTRY_MAGIC", kCatalogEntryMagic);
    text += constant("CATALOG_LIST_MAGIC", kCatalogListMagic);
    text += list_of("HASH_TABLE", kHashTableLayouts);
    text += constant("SEGMENT_SHIFT", kSegmentShift);
    text += list_of("PLAN_SOURCE", kPlanSourceLayouts);
    text += constant("PLAN_SOURCE_MAGIC", kSourceMagic);
    text += constant("PLAN_MAGIC", kPlanMagic);
    text += constant("PLAN_CONTEXT", kPlanContext);
    text += constant("PREPARED_SOURCE", kPreparedSource);
    text += list_of("PORT", kPortLayouts);
    text += list_of("BACKEND_STATUS", kStatusLayouts);
    text += constant("FIRST_VERSION_WITH_STARTING", kFirstVersionWithStarting);
    text += "\nBACKEND_STATES = [\n";
    for (const std::string_view state : kBackendStates) {
        text += fmt::format("    {},\n", quoted(state));
    }
    text +=
        "]\n\n# How a process title begins, and what pg_stat_activity calls that process.\n"
        "BACKEND_TYPES = [\n";
    for (const auto& [title, type] : kBackendTypes) {
        text += fmt::format("    ({}, {}),\n", quoted(title), quoted(type));
    }
    text += "]\n\n# Contexts whose ident is a name, and none of SQL.\nNAMED_CONTEXTS = [\n";
    for (const std::string_view name : kNamedContexts) {
        text += fmt::format("    {},\n", quoted(name));
    }
    text += fmt::format("]\nREGEXP_CONTEXT = {}\n", quoted(kRegexpContext));
    text += "\n# PostgreSQL's keywords.\nKEYWORDS = frozenset(\"\"\"\n" + wrapped(keywords()) +
            "\"\"\".split())\n";
    return text;
}

}  // namespace palloscope
