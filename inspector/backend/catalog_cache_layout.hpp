#pragma once

#include <array>
#include <cstdint>

#include "inspector/backend/memory_layout.hpp"

// Where the fields of catalog caches lie, as memory_layout.hpp has them for contexts: 10 to 19 seen
// on live servers.
namespace palloscope {

constexpr std::uint32_t kCatalogEntryMagic = 0x57261502;  // CT_MAGIC
constexpr std::uint32_t kCatalogListMagic = 0x52765103;   // CL_MAGIC

// src/include/utils/catcache.h and access/tupdesc.h, by the first version that has them so.
struct CatalogCacheLayout {
    int since_version_num;
    // CatCache
    Offset ntup;
    Offset nkeys;
    Offset keyno;
    Offset relname;
    Offset reloid;
    Offset tupdesc;
    Offset bucket;
    MaybeOffset list_buckets;
    Offset next;
    // CatCTup
    Offset entry_magic = 0;
    Offset entry_cache;
    Offset entry_dead;
    Offset entry_negative;
    MaybeOffset entry_keys;  // 11
    Offset entry_row;        // where its row lies (HeapTupleData.t_data)
    bool row_apart;          // up to 10: a chunk of its own
    Offset entry_bytes;      // sizeof(CatCTup)
    // CatCList
    Offset list_magic = 0;
    Offset list_cache;
    MaybeOffset list_keys;   // 11
    MaybeOffset list_tuple;  // up to 10
    Offset list_bytes;
    // struct tupleDesc: pointers to the columns (up to 10), or the columns themselves, behind 16
    // bytes for each (18)
    Offset columns;
    bool columns_by_pointer;
    Offset compact_column_bytes;
};

constexpr CatalogCacheLayout kCatalogCaches10{.since_version_num = 100000,
                                              .ntup = 48,
                                              .nkeys = 56,
                                              .keyno = 60,
                                              .relname = 16,
                                              .reloid = 24,
                                              .tupdesc = 40,
                                              .bucket = 424,
                                              .list_buckets = {},
                                              .next = 8,
                                              .entry_cache = 8,
                                              .entry_dead = 44,
                                              .entry_negative = 45,
                                              .entry_keys = {},
                                              .entry_row = 72,
                                              .row_apart = true,
                                              .entry_bytes = 80,
                                              .list_cache = 8,
                                              .list_keys = {},
                                              .list_tuple = 64,
                                              .list_bytes = 80,
                                              .columns = 8,
                                              .columns_by_pointer = true,
                                              .compact_column_bytes = 0};

constexpr CatalogCacheLayout kCatalogCaches11{.since_version_num = 110000,
                                              .ntup = 120,
                                              .nkeys = 124,
                                              .keyno = 88,
                                              .relname = 128,
                                              .reloid = 136,
                                              .tupdesc = 8,
                                              .bucket = 16,
                                              .list_buckets = {},
                                              .next = 152,
                                              .entry_cache = 96,
                                              .entry_dead = 60,
                                              .entry_negative = 61,
                                              .entry_keys = 8,
                                              .entry_row = 80,
                                              .row_apart = false,
                                              .entry_bytes = 104,
                                              .list_cache = 72,
                                              .list_keys = 24,
                                              .list_tuple = {},
                                              .list_bytes = 80,
                                              .columns = 32,
                                              .columns_by_pointer = false,
                                              .compact_column_bytes = 0};

// Tuple descriptors have no tdhasoid any more.
constexpr CatalogCacheLayout catalog_caches_12() {
    CatalogCacheLayout layout = kCatalogCaches11;
    layout.since_version_num = 120000;
    layout.columns = 24;
    return layout;
}

// Lists have buckets too, which 16.3 and later have at the end of a longer struct.
constexpr CatalogCacheLayout catalog_caches_17() {
    CatalogCacheLayout layout = catalog_caches_12();
    layout.since_version_num = 170000;
    layout.ntup = 108;
    layout.nkeys = 104;
    layout.list_buckets = 120;
    return layout;
}

// struct CompactAttribute, one for each column, before the columns.
constexpr CatalogCacheLayout catalog_caches_18() {
    CatalogCacheLayout layout = catalog_caches_17();
    layout.since_version_num = 180000;
    layout.compact_column_bytes = 16;
    return layout;
}

// Entries and lists begin with their place in a chain (cache_elem); a tuple descriptor has longer
// heads, and shorter ones of its columns.
constexpr CatalogCacheLayout catalog_caches_19() {
    CatalogCacheLayout layout = catalog_caches_18();
    layout.since_version_num = 190000;
    layout.entry_magic = 16;
    layout.entry_keys = 24;
    layout.list_magic = 16;
    layout.columns = 32;
    layout.compact_column_bytes = 8;
    return layout;
}

constexpr std::array<CatalogCacheLayout, 6> kCatalogCacheLayouts{kCatalogCaches10,
                                                                 kCatalogCaches11,
                                                                 catalog_caches_12(),
                                                                 catalog_caches_17(),
                                                                 catalog_caches_18(),
                                                                 catalog_caches_19()};

}  // namespace palloscope
