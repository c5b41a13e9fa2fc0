#pragma once

#include <array>

#include "inspector/backend/memory_layout.hpp"

namespace palloscope {

// Where the fields of PostgreSQL's hash tables lie (dynahash.c), by the first version that has them
// so; local tables use the first of HASHHDR's freeList[NUM_FREELISTS].
struct HashTableLayout {
    int since_version_num;
    // HTAB
    Offset hctl = 0;
    Offset dir = 8;
    Offset hcxt;
    Offset tabname;
    // Buckets a segment, and its logarithm; from 19 on they are the same in all tables
    // (HASH_SEGSIZE, HASH_SEGSIZE_SHIFT).
    MaybeOffset ssize;
    MaybeOffset sshift;
    // sizeof(HTAB): the table's name lies behind it, in the same chunk (hash_create).
    Offset bytes;
    // HASHHDR
    Offset nentries = 8;
    Offset max_bucket = 784;
    Offset keysize = 800;
    Offset header_bytes = 816;
    // HASHELEMENT: link, hashvalue; the entry's data follow.
    Offset element_bytes = 16;
};

constexpr std::array<HashTableLayout, 2> kHashTableLayouts{{
    {.since_version_num = 100000,
     .hcxt = 48,
     .tabname = 56,
     .ssize = 80,
     .sshift = 88,
     .bytes = 96},
    {.since_version_num = 190000,
     .hcxt = 56,
     .tabname = 64,
     .ssize = {},
     .sshift = {},
     .bytes = 88},
}};
constexpr std::uint32_t kSegmentShift = 8;  // HASH_SEGSIZE_SHIFT, 19

}  // namespace palloscope
