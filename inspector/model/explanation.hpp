#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspector/model/snapshot.hpp"

namespace palloscope {

// What the bytes of one backend are, at one moment (contract.md, "Explanation, as JSON"). Texts are
// bytes in the server's encoding; queries are forms (literals as $n) unless literals were asked
// for. Bytes are those of chunks with their headers, where they lie in a context with others, and
// the total_bytes of whole contexts otherwise.

// The keys of one entry of a catalog cache, as text.
struct SampleKeys {
    bool negative = false;
    std::vector<std::string> keys;

    bool operator==(const SampleKeys&) const = default;
};

// A cache of one catalog's rows by one key (src/backend/utils/cache/catcache.c). Each is looked up
// under these keys; a negative entry remembers that there is no such row; a dead one is out of date
// and still in use.
struct CatalogCache {
    std::string catalog;
    std::vector<std::string> keys;  // names of columns; empty where they are not known
    std::int64_t entries = 0;       // positive ones that are alive
    std::int64_t negative_entries = 0;
    std::int64_t dead_entries = 0;
    std::int64_t lists = 0;
    std::int64_t bytes = 0;  // of its entries, lists and own structures
    // Of a few negative entries and a few others, where they were asked for. Not in recordings.
    std::vector<SampleKeys> samples;

    bool operator==(const CatalogCache&) const = default;
};

// An entry of the relation cache (relcache.c), with all that hangs on it alone.
struct CachedRelation {
    std::uint32_t oid = 0;
    std::string name;
    std::optional<std::string> schema;
    char kind = ' ';     // pg_class.relkind
    bool valid = false;  // false where it was invalidated, and is kept because it is in use
    bool temporary = false;
    bool dropped = false;  // by this transaction, which made it or gave it a new file too (13)
    std::int64_t bytes = 0;

    bool operator==(const CachedRelation&) const = default;
};

struct PreparedStatement {
    std::string name;
    std::string query;
    bool from_sql = false;            // by PREPARE, not by the protocol's Parse message
    std::int64_t prepared_at_ns = 0;  // Unix time
    bool generic = false;             // it keeps a generic plan
    std::int64_t bytes = 0;           // of its contexts, in total
    std::int64_t used_bytes = 0;      // of these; 0 in recordings of before this was told

    bool operator==(const PreparedStatement&) const = default;
};

// A plan that a function or SPI keeps (plancache.c), and that is no prepared statement's.
struct KeptPlan {
    std::string query;
    std::string owner;  // the library that made it: "plpgsql"; "sql" and "spi" for the server's own
    bool generic = false;
    std::int64_t bytes = 0;

    bool operator==(const KeptPlan&) const = default;
};

struct OpenPortal {
    std::string name;
    bool held = false;  // its rows are kept beyond its transaction
    std::int64_t bytes = 0;

    bool operator==(const OpenPortal&) const = default;
};

struct CompiledFunction {
    std::string signature;
    std::int64_t bytes = 0;

    bool operator==(const CompiledFunction&) const = default;
};

// A variable of guc.c that the session has set, or that no library has defined.
struct SessionSetting {
    std::string name;
    bool placeholder = false;  // for a variable that a library may define later
    std::int64_t bytes = 0;    // of its texts and its structure, without what the allocator adds

    bool operator==(const SessionSetting&) const = default;
};

// A channel that LISTEN named (async.c).
struct ListenedChannel {
    std::string name;
    std::int64_t bytes = 0;

    bool operator==(const ListenedChannel&) const = default;
};

// Messages of one kind (sinval.h) that tell all backends what a transaction changed of the
// catalogs: kept until it ends (inval.c).
struct PendingInvalidations {
    std::string kind;  // "catcache", "catalog", "relcache", "snapshot", "relsync"
    std::int64_t messages = 0;
    std::int64_t bytes = 0;  // of the messages, without the room for more

    bool operator==(const PendingInvalidations&) const = default;
};

// Of sorts, hashes and held cursors that did not fit into work_mem (fd.c).
struct TemporaryFiles {
    std::int64_t files = 0;
    std::int64_t bytes = 0;  // on disk

    bool operator==(const TemporaryFiles&) const = default;
};

// The hash table of the locks that a backend holds or waits for (lock.c).
inline constexpr std::string_view kLocalLockTable = "LOCALLOCK hash";

// A hash table of the backend's own (dynahash.c), by its name.
struct HashTable {
    std::string name;
    std::int64_t entries = 0;
    std::int64_t bytes = 0;

    bool operator==(const HashTable&) const = default;
};

// Chunks of one size, with their headers.
struct ChunkSize {
    std::int64_t size = 0;
    std::int64_t chunks = 0;

    bool operator==(const ChunkSize&) const = default;
};

struct ChunkSizes {
    std::size_t context = 0;       // index in the tree
    std::vector<ChunkSize> sizes;  // in use, the most bytes first
};

// What makes up RssAnon. The ids are the contract's; the sum of all and `unexplained_bytes` is
// `rss_anon_bytes`.
struct AccountItem {
    std::string id;
    std::int64_t bytes = 0;

    bool operator==(const AccountItem&) const = default;
};

struct Accounting {
    std::int64_t rss_anon_bytes = 0;
    std::vector<AccountItem> items;
    std::int64_t unexplained_bytes = 0;
    std::int64_t swap_bytes = 0;  // anonymous memory beside it, swapped out

    bool operator==(const Accounting&) const = default;
};

// A part that this build does not let us see, and why.
struct UnavailablePart {
    std::string part;
    std::string reason;

    bool operator==(const UnavailablePart&) const = default;
};

struct Explanation {
    Snapshot snapshot;  // with the tree that the figures belong to
    std::vector<CatalogCache> catalog_caches;
    std::vector<CachedRelation> relations;
    std::vector<PreparedStatement> prepared_statements;
    std::vector<KeptPlan> kept_plans;
    std::vector<OpenPortal> portals;
    std::vector<CompiledFunction> functions;
    std::vector<SessionSetting> settings;
    std::vector<ListenedChannel> channels;
    std::vector<PendingInvalidations> pending_invalidations;
    TemporaryFiles temporary_files;
    std::optional<HashTable> locks;
    std::vector<HashTable> hash_tables;
    std::int64_t cache_memory_used_bytes = 0;
    std::int64_t cache_memory_attributed_bytes = 0;
    std::optional<Accounting> accounting;
    std::optional<std::int64_t> trim_would_return_bytes;
    std::vector<ChunkSizes> chunks;  // of the contexts asked for
    std::vector<UnavailablePart> unavailable;
};

}  // namespace palloscope
