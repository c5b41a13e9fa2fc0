"""Prepared statements: inspector/backend/hash_tables.cpp and kept_statements.cpp in Python."""

from . import layouts
from .layouts import ALLOC_BLOCK
from .masking import masked
from .memory import Fault, i32_at, layout_of_version, pointer_at, u32_at

NAME_BYTES = 64  # NAMEDATALEN
MAX_QUERY_BYTES = 1 << 16
MAX_TABLE_NAME_BYTES = 256
TABLE = b"Prepared Queries"


class PreparedStatements:
    def __init__(self, server, contexts):
        self.memory, self.version, self.layout = server.memory, server.version, server.layout
        self.table_fields = layout_of_version(layouts.HASH_TABLE, self.version)
        self.contexts = contexts
        self.by_address = {context.address: i for i, context in enumerate(contexts)}
        self.subtree_bytes = [context.total_bytes for context in contexts]
        for i in range(len(contexts) - 1, 0, -1):
            self.subtree_bytes[contexts[i].parent] += self.subtree_bytes[i]

    def found(self, show_literals):
        """By bytes, the most first; empty where there are none. Fault where one does not fit."""
        if layout_of_version(layouts.PLAN_SOURCE, self.version) is None:
            raise Fault("prepared statements are known from PostgreSQL 10 on, and this is an older one")
        context = next((c for c in self.contexts if c.name == TABLE), None)
        if context is None:
            return []  # the table is made with the first one
        statements = [self._statement(entry, show_literals) for entry in self._entries(context)]
        return sorted(statements, key=lambda statement: -statement["bytes"])

    def _table_of(self, context):
        """Where its HTAB lies: before the name behind it, up to 10 in the first chunk of a block."""
        fields = self.table_fields
        places = [context.ident_address - fields["bytes"]]
        if self.layout["context"]["ident"] is None:
            places = [block[0] + ALLOC_BLOCK["header_bytes"] + self.layout["chunk"]["header_bytes"]
                      for block in context.blocks]
        for place in places:
            data = self.memory.bytes(place, fields["bytes"])
            if pointer_at(data, fields["tabname"]) == place + fields["bytes"] and \
                    pointer_at(data, fields["hcxt"]) == context.address:
                return data
        raise Fault("the table of prepared statements is none of this version's")

    def _entries(self, context):
        fields = self.table_fields
        table = self._table_of(context)
        header = self.memory.bytes(pointer_at(table, fields["hctl"]), fields["header_bytes"])
        count, last = pointer_at(header, fields["nentries"]), u32_at(header, fields["max_bucket"])
        size, shift = 1 << layouts.SEGMENT_SHIFT, layouts.SEGMENT_SHIFT
        if fields["ssize"] is not None:
            size, shift = pointer_at(table, fields["ssize"]), u32_at(table, fields["sshift"])
        if count > context.total_bytes // 16 or last > context.total_bytes // 8 or shift >= 32 or \
                size != 1 << shift:
            raise Fault("the head of the table of prepared statements is none of this version's")
        found = 0
        for bucket in range(last + 1):
            segment = self.memory.pointer(
                pointer_at(table, fields["dir"]) + 8 * (bucket >> shift))
            element = self.memory.pointer(segment + 8 * (bucket & size - 1))
            while element:
                found += 1
                if found > count:
                    raise Fault("the table of prepared statements has more entries than it counts")
                yield element + fields["element_bytes"]
                element = self.memory.pointer(element)

    def _statement(self, entry, show_literals):
        fields = layout_of_version(layouts.PLAN_SOURCE, self.version)
        source = self.memory.pointer(entry + layouts.PREPARED_SOURCE)
        context = self.by_address.get(self.memory.pointer(source + fields["context"]))
        if self.memory.i32(source) != layouts.PLAN_SOURCE_MAGIC or context is None:
            raise Fault("a prepared statement is none of this version's")
        query = self.memory.string(self.memory.pointer(source + fields["query_string"]), MAX_QUERY_BYTES)
        statement = {"name": self.memory.string(entry, NAME_BYTES),
                     "query": query if show_literals else masked(query), "generic": False,
                     "bytes": self.subtree_bytes[context]}
        plan = self.memory.pointer(source + fields["gplan"])
        if plan and i32_at(self.memory.bytes(plan, 4), 0) == layouts.PLAN_MAGIC:
            statement["generic"] = True
            context = self.by_address.get(self.memory.pointer(plan + layouts.PLAN_CONTEXT))
            statement["bytes"] += 0 if context is None else self.subtree_bytes[context]
        return statement
