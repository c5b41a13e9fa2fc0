// Holds the structs of PostgreSQL's memory contexts for readers of debug information: those of the
// version PG_VERSION_NUM, and with MOVED the same with other members in between.
//
// As in src/include/nodes/memnodes.h, src/include/lib/ilist.h and src/backend/utils/mmgr/aset.c,
// slab.c, generation.c and bump.c, without what a build without assertions has not.
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "tests/attach/targets/target.hpp"

#pragma GCC diagnostic ignored "-Wpedantic"  // flexible arrays are C, and GCC's C++

#ifdef MOVED
#define ANOTHER(name) std::uint64_t another_##name;
#else
#define ANOTHER(name)
#endif

// Size became uint32 in 17.
#if PG_VERSION_NUM >= 170000
typedef std::uint32_t BlockSize;  // NOLINT(modernize-use-using): as C does it
#else
typedef std::size_t BlockSize;  // NOLINT(modernize-use-using)
#endif

struct MemoryContextMethods;
struct MemoryContextCallback;

struct dlist_node {
    dlist_node* prev;
    dlist_node* next;
};

struct dlist_head {
    dlist_node head;
};

struct dclist_head {
    dlist_head dlist;
    ANOTHER(count)
    std::uint32_t count;
};

struct MemoryContextData {
    int type;
#if PG_VERSION_NUM >= 90500
    bool isReset;
    bool allowInCritSection;
#endif
    ANOTHER(head)
#if PG_VERSION_NUM >= 130000
    std::size_t mem_allocated;
#endif
    const MemoryContextMethods* methods;
    MemoryContextData* parent;
    MemoryContextData* firstchild;
#if PG_VERSION_NUM >= 90600
    MemoryContextData* prevchild;
#endif
    MemoryContextData* nextchild;
    const char* name;
#if PG_VERSION_NUM >= 110000
    const char* ident;
#endif
#if PG_VERSION_NUM >= 90500
    MemoryContextCallback* reset_cbs;
#else
    bool isReset;
#endif
};

// --- aset.c -------------------------------------------------------------------------------------

struct AllocSetContext;

struct AllocBlockData {
#ifdef MOVED_BLOCKS
    ANOTHER(aset)
#endif
    AllocSetContext* aset;
    AllocBlockData* prev;
    AllocBlockData* next;
    char* freeptr;
    char* endptr;
};

#if PG_VERSION_NUM >= 160000
struct MemoryChunk {
    std::uint64_t hdrmask;
};
#else
#define MemoryChunk AllocChunkData

struct AllocChunkData {
#if PG_VERSION_NUM < 100000
    void* aset;
    std::size_t size;
    ANOTHER(requested_size)
#else
    std::size_t size;
    ANOTHER(requested_size)
    void* aset;
#endif
};
#endif

struct AllocSetContext {
    MemoryContextData header;
    ANOTHER(set)
    AllocBlockData* blocks;
    MemoryChunk* freelist[11];
    BlockSize initBlockSize;
    BlockSize maxBlockSize;
    BlockSize nextBlockSize;
    BlockSize allocChunkLimit;
#if PG_VERSION_NUM < 170000
    AllocBlockData* keeper;
#endif
#if PG_VERSION_NUM >= 110000
    int freeListIndex;
#endif
};

// --- slab.c -------------------------------------------------------------------------------------

struct SlabContext {
    MemoryContextData header;
    BlockSize chunkSize;
    BlockSize fullChunkSize;
    ANOTHER(slab)
    BlockSize blockSize;
#if PG_VERSION_NUM >= 160000
    std::int32_t chunksPerBlock;
    std::int32_t curBlocklistIndex;
    ANOTHER(isChunkFree)
    std::int32_t blocklist_shift;
    dclist_head emptyblocks;
    dlist_head blocklist[3];
#else
#if PG_VERSION_NUM >= 110000
    std::size_t headerSize;
#endif
    int chunksPerBlock;
    int minFreeChunks;
    int nblocks;
    ANOTHER(freechunks)
    dlist_head freelist[];
#endif
};

struct SlabBlock {
    ANOTHER(block)
#if PG_VERSION_NUM >= 160000
    SlabContext* slab;
    std::int32_t nfree;
    std::int32_t nunused;
    MemoryChunk* freehead;
    MemoryChunk* unused;
    dlist_node node;
#else
    dlist_node node;
    int nfree;
    int firstFreeChunk;
#endif
};

// --- generation.c -------------------------------------------------------------------------------

struct GenerationContext;

struct GenerationBlock {
    dlist_node node;
    ANOTHER(context)
#if PG_VERSION_NUM >= 160000
    GenerationContext* context;
#endif
    std::size_t blksize;
    int nchunks;
    int nfree;
    char* freeptr;
    char* endptr;
};

struct GenerationContext {
    MemoryContextData header;
#if PG_VERSION_NUM >= 150000
    BlockSize initBlockSize;
    BlockSize maxBlockSize;
    BlockSize nextBlockSize;
    BlockSize allocChunkLimit;
#else
    std::size_t blockSize;
#endif
    ANOTHER(generation)
    GenerationBlock* block;
#if PG_VERSION_NUM >= 150000
    GenerationBlock* freeblock;
#endif
#if PG_VERSION_NUM >= 150000 && PG_VERSION_NUM < 170000
    GenerationBlock* keeper;
#endif
    dlist_head blocks;
};

// --- bump.c -------------------------------------------------------------------------------------

struct BumpBlock {
    dlist_node node;
    ANOTHER(bump)
    char* freeptr;
    char* endptr;
};

struct BumpContext {
    MemoryContextData header;
    std::uint32_t initBlockSize;
    std::uint32_t maxBlockSize;
    std::uint32_t nextBlockSize;
    std::uint32_t allocChunkLimit;
    ANOTHER(bump)
    dlist_head blocks;
};

// So that the compiler describes them, as far as the version has them.
#ifdef WITHOUT_STRUCTS
MemoryContextMethods* methods = nullptr;
#else
AllocSetContext* set = nullptr;
AllocBlockData* block = nullptr;
MemoryChunk* chunk = nullptr;
#if PG_VERSION_NUM >= 100000
SlabContext* slab = nullptr;
SlabBlock* slab_block = nullptr;
#endif
#if PG_VERSION_NUM >= 110000
GenerationContext* generation = nullptr;
GenerationBlock* generation_block = nullptr;
#endif
#if PG_VERSION_NUM >= 170000
BumpContext* bump = nullptr;
BumpBlock* bump_block = nullptr;
#endif
#endif

int main() {
    target::ready();
    pause();
}
