"""Catalog caches: inspector/backend/catalog_caches.cpp in Python, as far as it counts."""

import bisect

from . import layouts
from .contexts import ALLOCSET_METHOD, FREE_LISTS, chunk_word, torn
from .layouts import ALLOC_BLOCK
from .memory import Fault, i32_at, layout_of_version, pointer_at, u32_at

MAX_CACHES = 1000
MAX_KEYS = 4  # catcache.h, CATCACHE_MAXKEYS
FIRST_NORMAL_OID = 16384  # access/transam.h
NAME_BYTES = 64  # NAMEDATALEN
CACHE_BYTES = 432
NOT_USED_YET = b"(not known yet)"  # InitCatCache
OID_COLUMN = -2  # ObjectIdAttributeNumber, up to 11
COLUMN_BYTES = range(80, 161, 4)  # sizeof(FormData_pg_attribute) varies from version to version


def chunks_of(memory, layout, context):
    """The chunks in use of an AllocSet: address of the payload, its bytes."""
    fields = layout["chunk"]
    header = fields["header_bytes"]
    free = free_chunks(memory, layout, context)
    for begin, end, _ in context.blocks:
        data = memory.bytes(begin, end - begin)
        at = ALLOC_BLOCK["header_bytes"]
        while at < len(data):
            if len(data) - at < header:
                torn(context.address, "has a chunk that is none of this version's")
            if fields["size"] is not None:
                size = pointer_at(data, at + fields["size"]) + header
            else:
                method, value, distance = chunk_word(data[at:at + 8], fields)
                if method == ALLOCSET_METHOD and value < FREE_LISTS and distance == at:
                    size = (8 << value) + header
                elif method == ALLOCSET_METHOD | 1 << fields["method_id_bits"] and \
                        at == ALLOC_BLOCK["header_bytes"]:
                    size = len(data) - at  # it has the block for itself
                else:
                    size = 0
            if size <= header or size > len(data) - at:
                torn(context.address, "has a chunk that is none of this version's")
            if begin + at not in free:
                yield begin + at + header, data[at + header:at + size]
            at += size


def free_chunks(memory, layout, context):
    """Where the free ones lie: the walk has been there, so that their lists are sound."""
    head = memory.bytes(context.address, layout["allocset"]["context_bytes"])
    found = set()
    for number in range(FREE_LISTS):
        chunk = pointer_at(head, layout["allocset"]["freelist"] + 8 * number)
        while chunk and len(found) <= context.free_chunks:
            found.add(chunk)
            chunk = memory.pointer(chunk + layout["chunk"]["link"])
    return found


class CatalogCaches:
    def __init__(self, server, contexts):
        self.memory, self.fields = server.memory, layout_of_version(layouts.CATALOG_CACHE, server.version)
        address = server.pointer_in("CacheMemoryContext")
        found = [context for context in contexts if context.address == address]
        if self.fields is None:
            raise Fault("catalog caches are known from PostgreSQL 10 on, and this is an older one")
        if not found:
            raise Fault("it has no catalog caches")
        self.context = found[0]
        self.caches = {}  # by address; None where it is none
        for payload, data in chunks_of(self.memory, server.layout, self.context):
            self._add(data)
        self._find_empty_ones()

    def _add(self, data):
        fields = self.fields
        if len(data) >= fields["entry_bytes"] and u32_at(data, fields["entry_magic"]) == layouts.CATALOG_ENTRY_MAGIC:
            cache = self._cache_at(pointer_at(data, fields["entry_cache"]))
            dead, negative = data[fields["entry_dead"]], data[fields["entry_negative"]]
            if cache and dead <= 1 and negative <= 1:
                kind = "dead_entries" if dead else "negative_entries" if negative else "entries"
                cache[kind] += 1
                cache["entry_bytes"] += len(data)
        elif len(data) >= fields["list_bytes"] and u32_at(data, fields["list_magic"]) == layouts.CATALOG_LIST_MAGIC:
            cache = self._cache_at(pointer_at(data, fields["list_cache"]))
            if cache:
                cache["lists"] += 1

    def _cache_at(self, address):
        if address not in self.caches and len(self.caches) < MAX_CACHES:
            try:
                self.caches[address] = self._read(address)
            except Fault:
                self.caches[address] = None
        return self.caches.get(address)

    def _read(self, address):
        fields = self.fields
        place = bisect.bisect_right(self.context.blocks, (address, 1 << 64)) - 1
        if place < 0 or address >= self.context.blocks[place][1]:
            return None
        data = self.memory.bytes(address, CACHE_BYTES)
        nkeys, reloid = u32_at(data, fields["nkeys"]), u32_at(data, fields["reloid"])
        counted = i32_at(data, fields["ntup"])
        if not 0 <= i32_at(data, 0) < MAX_CACHES or not 1 <= nkeys <= MAX_KEYS or counted < 0 or \
                not 0 < reloid < FIRST_NORMAL_OID:
            return None
        catalog = self.memory.string(pointer_at(data, fields["relname"]), NAME_BYTES)
        if catalog != NOT_USED_YET and not catalog.startswith(b"pg_"):
            return None
        columns = pointer_at(data, fields["tupdesc"])
        keys = []
        for key in range(nkeys if columns else 0):
            try:
                keys.append(self._column(columns, reloid, i32_at(data, fields["keyno"] + 4 * key)))
            except Fault:
                pass
        return {"catalog": catalog, "keys": keys, "entries": 0, "negative_entries": 0,
                "dead_entries": 0, "lists": 0, "entry_bytes": 0, "counted": counted,
                "next": pointer_at(data, fields["next"])}

    def _column(self, description, reloid, number):
        """The name of a column (FormData_pg_attribute: attrelid, attname, …)."""
        number = (number + 0x8000 & 0xFFFF) - 0x8000
        if number == OID_COLUMN:
            return b"oid"
        natts = self.memory.i32(description)
        if not 1 <= number <= natts:
            raise Fault("a key is no column")
        if self.fields["columns_by_pointer"]:
            columns = self.memory.pointer(description + self.fields["columns"])
            column = self.memory.pointer(columns + 8 * (number - 1))
        else:
            first = description + self.fields["columns"] + natts * self.fields["compact_column_bytes"]
            column = first + (number - 1) * (self._column_bytes(first, reloid) if natts > 1 else 0)
        if self.memory.u32(column) != reloid:
            raise Fault("a column is another relation's")
        return self.memory.string(column + 4, NAME_BYTES)

    def _column_bytes(self, first, reloid):
        for size in COLUMN_BYTES:
            if self.memory.u32(first + size) == reloid and \
                    ord("a") <= self.memory.u8(first + size + 4) <= ord("z"):
                return size
        raise Fault("columns are none of this version's")

    def _find_empty_ones(self):
        to_follow = [cache["next"] for cache in self.caches.values() if cache]
        while to_follow and len(self.caches) < MAX_CACHES:
            link = to_follow.pop() - self.fields["next"]
            if link > 0 and link not in self.caches:
                cache = self._cache_at(link)
                if cache:
                    to_follow.append(cache["next"])

    def found(self):
        """Those that were used, and that hold as many entries as they count; how many do not."""
        used = [cache for cache in self.caches.values() if cache and cache["catalog"] != NOT_USED_YET]
        sound = [cache for cache in used if cache["counted"] ==
                 cache["entries"] + cache["negative_entries"] + cache["dead_entries"]]
        sound.sort(key=lambda cache: -cache["entry_bytes"])
        return sound, len(used) - len(sound)
