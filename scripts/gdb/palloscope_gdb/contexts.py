"""The walk over memory contexts: inspector/backend/context_walk.cpp in Python.

It believes nothing: each context must have a known kind, the right parent and elder sibling, and its
kind's methods; each block must be its context's; each free chunk must lie in a block of its context;
from 13 on the blocks must sum up to mem_allocated. What leads in a circle does not pass these tests.
"""

import bisect

from .layouts import ALLOC_BLOCK
from .memory import Fault, i32_at, pointer_at, sized_at, u32_at

MAX_CONTEXTS = 5_000_000
MAX_LEVELS = 1_000_000
MAX_STEPS = 100_000_000
MAX_BYTES = 1 << 57
MAX_NAME_BYTES = 1024
MAX_IDENT_BYTES = 100  # mcxt.c, MemoryContextStatsPrint
FREE_LISTS = 11  # aset.c, ALLOCSET_NUM_FREELISTS
ALLOCSET_METHOD = 3  # memutils_memorychunk.h, 16 and later
TYPES = ("AllocSet", "Slab", "Generation", "Bump")


class Context:
    __slots__ = ("address", "name", "ident", "type", "parent", "level", "total_bytes",
                 "total_nblocks", "free_bytes", "free_chunks", "blocks", "ident_address")

    def __init__(self, address, kind, parent, level):
        self.address, self.type, self.parent, self.level = address, kind, parent, level
        self.name, self.ident, self.ident_address = b"", None, 0
        self.total_bytes = self.total_nblocks = self.free_bytes = self.free_chunks = 0
        self.blocks = []  # of an AllocSet: begin, free, end

    @property
    def used_bytes(self):
        return self.total_bytes - self.free_bytes


class Walk:
    def __init__(self, memory, layout, root):
        self.memory, self.layout, self.root = memory, layout, root
        self.contexts = []
        self._methods = {}
        self._visited = set()
        self._steps = 0
        self._bytes_left = MAX_BYTES
        self._types = {0: "AllocSet"}
        for kind in ("slab", "generation", "bump"):
            if layout["tags"][kind] is not None:
                self._types[layout["tags"][kind]] = kind.capitalize()

    def run(self):
        ancestors = []  # address, index, younger sibling
        current, prevchild = self.root, 0
        while True:
            self._step(current)
            parent = ancestors[-1][0] if ancestors else 0
            parent_index = ancestors[-1][1] if ancestors else None
            head = self._visit(current, parent, parent_index, prevchild, len(ancestors) + 1)
            firstchild = pointer_at(head, self.layout["context"]["firstchild"])
            following = pointer_at(head, self.layout["context"]["nextchild"])
            if firstchild:
                if len(ancestors) >= MAX_LEVELS:
                    torn(current, "is nested too deeply")
                ancestors.append((current, len(self.contexts) - 1, following))
                current, prevchild = firstchild, 0
                continue
            prevchild = current
            while not following and ancestors:
                prevchild, _, following = ancestors.pop()
            if not following:
                return self.contexts
            if not ancestors:
                torn(self.root, "is the root, and has a sibling")
            current = following

    def _step(self, context):
        self._steps += 1
        if self._steps > MAX_STEPS or len(self.contexts) >= MAX_CONTEXTS:
            torn(context, "leads on for longer than any process's memory")

    def _may_have(self, context, size):
        if size > self._bytes_left:
            torn(context, "has more memory than its process")
        self._bytes_left -= size

    def _visit(self, context, parent, parent_index, prevchild, level):
        fields = self.layout["context"]
        if context % 8:
            torn(context, "cannot lie there")
        head = self.memory.bytes(context, fields["bytes"])
        if pointer_at(head, fields["parent"]) != parent:
            torn(context, "names another parent")
        if fields["prevchild"] is not None and pointer_at(head, fields["prevchild"]) != prevchild:
            torn(context, "names another elder sibling")
        if fields["prevchild"] is None:  # up to 9.5 siblings can lead in a circle
            if context in self._visited:
                torn(context, "is its own sibling")
            self._visited.add(context)
        added = Context(context, self._type_of(context, head), parent_index, level)
        self._name(added, head)
        getattr(self, "_count_" + added.type.lower())(added)
        if added.used_bytes < 0:
            torn(context, "has more free bytes than bytes")
        self.contexts.append(added)
        return head

    def _type_of(self, context, head):
        tag = i32_at(head, 0)
        if not self.contexts:
            self._allocset_tag = tag
        kind = self._types.get(tag - self._allocset_tag)
        if kind is None:
            torn(context, "is of no known kind")
        methods = pointer_at(head, self.layout["context"]["methods"])
        if not methods or self._methods.setdefault(kind, methods) != methods:
            torn(context, "has not the functions of its kind")
        return kind

    def _name(self, added, head):
        fields = self.layout["context"]
        added.name = self.memory.string(pointer_at(head, fields["name"]), MAX_NAME_BYTES)
        if not self.contexts and added.name != b"TopMemoryContext":
            torn(added.address, "is not named TopMemoryContext")
        ident = pointer_at(head, fields["ident"]) if fields["ident"] is not None else 0
        if not ident:
            return
        added.ident_address = ident
        if added.name == b"dynahash":  # it goes by the table's name alone
            added.name = self.memory.string(ident, MAX_NAME_BYTES)
        else:
            added.ident = shown_ident(self.memory.string(ident, MAX_IDENT_BYTES + 1))

    def _check_allocated(self, context, head, size):
        at = self.layout["context"]["mem_allocated"]
        if at is not None and pointer_at(head, at) != size:
            torn(context, "has blocks of another size than it counts (mem_allocated)")

    def _count_allocset(self, added):
        fields, block_fields = self.layout["allocset"], ALLOC_BLOCK
        head = self.memory.bytes(added.address, fields["context_bytes"])
        added.total_bytes = fields["context_bytes"] if self.layout["header_in_total"] else 0
        previous, block = 0, pointer_at(head, fields["blocks"])
        while block:
            self._step(added.address)
            header = self.memory.bytes(block, block_fields["header_bytes"])
            free, end = (pointer_at(header, block_fields[name]) for name in ("freeptr", "endptr"))
            if (pointer_at(header, block_fields["aset"]) != added.address or
                    pointer_at(header, block_fields["prev"]) != previous):
                torn(added.address, "has a block that is not its own")
            if free < block + block_fields["header_bytes"] or end < free:
                torn(added.address, "has a block whose pointers are not in order")
            self._may_have(added.address, end - block)
            added.total_nblocks += 1
            added.total_bytes += end - block
            added.free_bytes += end - free
            added.blocks.append((block, free, end))
            previous, block = block, pointer_at(header, block_fields["next"])
        self._check_allocated(added.address, head, added.total_bytes)
        added.blocks.sort()
        for number in range(FREE_LISTS):
            self._count_free(added, pointer_at(head, fields["freelist"] + 8 * number), number)

    def _count_free(self, added, chunk, number):
        fields = self.layout["chunk"]
        payload = 8 << number
        whole = payload + fields["header_bytes"]
        size = max(fields["header_bytes"], fields["link"] + 8)
        while chunk:
            self._step(added.address)
            place = bisect.bisect_right(added.blocks, (chunk, 1 << 64)) - 1
            if place < 0 or chunk < added.blocks[place][0] + ALLOC_BLOCK["header_bytes"] or \
                    chunk + whole > added.blocks[place][2]:
                torn(added.address, "has a free chunk outside of its blocks")
            header = self.memory.bytes(chunk, size)
            if fields["size"] is not None:
                fits = pointer_at(header, fields["size"]) == payload
            else:
                method, value, _ = chunk_word(header, fields)
                fits = method == ALLOCSET_METHOD and value == number
            if not fits:
                torn(added.address, "has a free chunk of another size than its list")
            added.free_chunks += 1
            added.free_bytes += whole
            if added.free_bytes > added.total_bytes:
                torn(added.address, "has more free bytes than bytes")
            chunk = pointer_at(header, fields["link"])

    def _nodes(self, context, head):
        """The nodes of a doubly linked list (lib/ilist.h: prev, next)."""
        first = self.memory.bytes(head, 16)
        previous, node = head, pointer_at(first, 8)
        while node and node != head:
            self._step(context)
            data = self.memory.bytes(node, 16)
            if pointer_at(data, 0) != previous:
                torn(context, "has a list of blocks that does not hold together")
            yield node
            previous, node = node, pointer_at(data, 8)
        if node and pointer_at(first, 0) != previous:
            torn(context, "has a list of blocks that does not hold together")

    def _count_slab(self, added):
        fields = self.layout["slab"]
        head = self.memory.bytes(added.address, fields["context_bytes"])
        chunk_size, block_size = (sized_at(head, fields[name])
                                  for name in ("full_chunk_size", "block_size"))
        chunks = i32_at(head, fields["chunks_per_block"])
        if chunks <= 0 or not chunk_size or block_size > MAX_BYTES or chunks * chunk_size > block_size:
            torn(added.address, "has chunks that its blocks cannot hold")
        own = 0
        if fields["header_size"] is not None:
            own = pointer_at(head, fields["header_size"])
        elif self.layout["header_in_total"]:
            own = fields["context_bytes"]
        empty = u32_at(head, fields["empty_blocks"]) if fields["empty_blocks"] is not None else 0
        self._may_have(added.address, own + empty * block_size)
        added.total_bytes = own + empty * block_size
        lists = fields["list_count"] if fields["list_count"] is not None else chunks + 1
        for number in range(lists):
            self._step(added.address)
            for node in self._nodes(added.address, added.address + fields["lists"] + 16 * number):
                block = self.memory.bytes(node - fields["block_node"], fields["block_bytes"])
                free = i32_at(block, fields["block_nfree"])
                owner = fields["block_slab"]
                if not 0 <= free <= chunks or \
                        owner is not None and pointer_at(block, owner) != added.address:
                    torn(added.address, "has a block that is not its own")
                self._may_have(added.address, block_size)
                added.total_nblocks += 1
                added.total_bytes += block_size
                added.free_bytes += free * chunk_size
                added.free_chunks += free
        if fields["nblocks"] is not None and i32_at(head, fields["nblocks"]) != added.total_nblocks:
            torn(added.address, "has another number of blocks than it counts")
        self._check_allocated(added.address, head, added.total_bytes - own)

    def _count_generation(self, added):
        fields = self.layout["generation"]
        head = self.memory.bytes(added.address, fields["context_bytes"])
        blocks_bytes = 0
        for node in self._nodes(added.address, added.address + fields["blocks"]):
            block = self.memory.bytes(node, fields["block_bytes"])
            size, free, end = (pointer_at(block, fields["block_" + name])
                               for name in ("blksize", "freeptr", "endptr"))
            chunks, freed = i32_at(block, fields["block_nchunks"]), i32_at(block, fields["block_nfree"])
            owner = fields["block_context"]
            if not 0 <= freed <= chunks or not node <= free <= end or end - node != size or \
                    owner is not None and pointer_at(block, owner) != added.address:
                torn(added.address, "has a block that is not its own")
            self._may_have(added.address, size)
            added.total_nblocks += 1
            blocks_bytes += size
            added.free_chunks += freed
            added.free_bytes += end - free
        added.total_bytes = fields["context_bytes"] + blocks_bytes
        self._check_allocated(added.address, head, blocks_bytes)

    def _count_bump(self, added):
        fields = self.layout["bump"]
        head = self.memory.bytes(added.address, fields["context_bytes"])
        for node in self._nodes(added.address, added.address + fields["blocks"]):
            block = self.memory.bytes(node, fields["block_bytes"])
            free, end = (pointer_at(block, fields["block_" + name]) for name in ("freeptr", "endptr"))
            if not node <= free <= end:
                torn(added.address, "has a block whose pointers are not in order")
            self._may_have(added.address, end - node)
            added.total_nblocks += 1
            added.total_bytes += end - node
            added.free_bytes += end - free
        # BumpStats leaves the context's header out (bump.c).
        self._check_allocated(added.address, head, added.total_bytes + fields["context_bytes"])


def torn(context, what):
    raise Fault(f"the memory context at {context:#x} {what}")


def chunk_word(header, fields):
    """Of a MemoryChunk (16 and later): method with the bit "external", value, distance from its block."""
    word = pointer_at(header, 0)
    bits = fields["method_id_bits"] + 1
    return word & ((1 << bits) - 1), (word >> bits) & ((1 << 30) - 1), (word >> 34) & 0x3FFFFFFE


def shown_ident(ident):
    """What MemoryContextStats shows of it: cut behind 100 bytes, between two characters."""
    shown = ident[:MAX_IDENT_BYTES]
    if len(ident) > MAX_IDENT_BYTES:
        cut = MAX_IDENT_BYTES
        while cut > MAX_IDENT_BYTES - 3 and ident[cut] & 0xC0 == 0x80:
            cut -= 1
        shown = ident[:MAX_IDENT_BYTES if ident[cut] & 0xC0 == 0x80 else cut] + b"..."
    return bytes(byte if byte >= 32 else 32 for byte in shown)
