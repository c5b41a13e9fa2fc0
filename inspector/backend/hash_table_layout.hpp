#pragma once

#include "inspector/backend/memory_layout.hpp"

namespace palloscope {

// Where the fields of PostgreSQL's hash tables lie (dynahash.c), the same in 10 to 18; local tables
// use the first of HASHHDR's freeList[NUM_FREELISTS].
struct HashTableLayout {
    // HTAB
    Offset hctl = 0;
    Offset dir = 8;
    Offset hcxt = 48;
    Offset tabname = 56;
    Offset ssize = 80;
    Offset sshift = 88;
    // sizeof(HTAB): the table's name lies behind it, in the same chunk (hash_create).
    Offset bytes = 96;
    // HASHHDR
    Offset nentries = 8;
    Offset max_bucket = 784;
    Offset keysize = 800;
    Offset header_bytes = 816;
    // HASHELEMENT: link, hashvalue; the entry's data follow.
    Offset element_bytes = 16;
};

}  // namespace palloscope
