# Where the fields of PostgreSQL's structures lie. Generated from the tables of inspector/backend/:
#   cmake --build --preset release --target update-gdb-layouts

MEMORY = [
    {"since_version_num": 90400, "header_in_total": False,
     "tags": {"slab": None, "generation": None, "bump": None},
     "context": {"mem_allocated": None, "methods": 8, "parent": 16, "firstchild": 24, "prevchild": None, "nextchild": 32, "name": 40, "ident": None, "bytes": 56},
     "chunk": {"header_bytes": 16, "link": 0, "size": 8, "method_id_bits": 0},
     "allocset": {"blocks": 56, "freelist": 64, "context_bytes": 192},
     "slab": None,
     "generation": None,
     "bump": None},
    {"since_version_num": 90500, "header_in_total": False,
     "tags": {"slab": None, "generation": None, "bump": None},
     "context": {"mem_allocated": None, "methods": 8, "parent": 16, "firstchild": 24, "prevchild": None, "nextchild": 32, "name": 40, "ident": None, "bytes": 56},
     "chunk": {"header_bytes": 16, "link": 0, "size": 8, "method_id_bits": 0},
     "allocset": {"blocks": 56, "freelist": 64, "context_bytes": 192},
     "slab": None,
     "generation": None,
     "bump": None},
    {"since_version_num": 90600, "header_in_total": False,
     "tags": {"slab": None, "generation": None, "bump": None},
     "context": {"mem_allocated": None, "methods": 8, "parent": 16, "firstchild": 24, "prevchild": 32, "nextchild": 40, "name": 48, "ident": None, "bytes": 64},
     "chunk": {"header_bytes": 16, "link": 0, "size": 8, "method_id_bits": 0},
     "allocset": {"blocks": 64, "freelist": 72, "context_bytes": 200},
     "slab": None,
     "generation": None,
     "bump": None},
    {"since_version_num": 100000, "header_in_total": False,
     "tags": {"slab": 1, "generation": None, "bump": None},
     "context": {"mem_allocated": None, "methods": 8, "parent": 16, "firstchild": 24, "prevchild": 32, "nextchild": 40, "name": 48, "ident": None, "bytes": 64},
     "chunk": {"header_bytes": 16, "link": 8, "size": 0, "method_id_bits": 0},
     "allocset": {"blocks": 64, "freelist": 72, "context_bytes": 200},
     "slab": {"full_chunk_size": (72, 8), "block_size": (80, 8), "chunks_per_block": 88, "nblocks": 96, "header_size": None, "empty_blocks": None, "lists": 104, "list_count": None, "context_bytes": 104, "block_node": 0, "block_nfree": 16, "block_slab": None, "block_bytes": 24},
     "generation": None,
     "bump": None},
    {"since_version_num": 110000, "header_in_total": True,
     "tags": {"slab": 1, "generation": 2, "bump": None},
     "context": {"mem_allocated": None, "methods": 8, "parent": 16, "firstchild": 24, "prevchild": 32, "nextchild": 40, "name": 48, "ident": 56, "bytes": 72},
     "chunk": {"header_bytes": 16, "link": 8, "size": 0, "method_id_bits": 0},
     "allocset": {"blocks": 72, "freelist": 80, "context_bytes": 216},
     "slab": {"full_chunk_size": (80, 8), "block_size": (88, 8), "chunks_per_block": 104, "nblocks": 112, "header_size": 96, "empty_blocks": None, "lists": 120, "list_count": None, "context_bytes": 120, "block_node": 0, "block_nfree": 16, "block_slab": None, "block_bytes": 24},
     "generation": {"blocks": 88, "context_bytes": 104, "block_blksize": 16, "block_nchunks": 24, "block_nfree": 28, "block_freeptr": 32, "block_endptr": 40, "block_context": None, "block_bytes": 48},
     "bump": None},
    {"since_version_num": 120000, "header_in_total": True,
     "tags": {"slab": 1, "generation": 2, "bump": None},
     "context": {"mem_allocated": None, "methods": 8, "parent": 16, "firstchild": 24, "prevchild": 32, "nextchild": 40, "name": 48, "ident": 56, "bytes": 72},
     "chunk": {"header_bytes": 16, "link": 8, "size": 0, "method_id_bits": 0},
     "allocset": {"blocks": 72, "freelist": 80, "context_bytes": 216},
     "slab": {"full_chunk_size": (80, 8), "block_size": (88, 8), "chunks_per_block": 104, "nblocks": 112, "header_size": 96, "empty_blocks": None, "lists": 120, "list_count": None, "context_bytes": 120, "block_node": 0, "block_nfree": 16, "block_slab": None, "block_bytes": 24},
     "generation": {"blocks": 88, "context_bytes": 104, "block_blksize": 16, "block_nchunks": 24, "block_nfree": 28, "block_freeptr": 32, "block_endptr": 40, "block_context": None, "block_bytes": 48},
     "bump": None},
    {"since_version_num": 130000, "header_in_total": True,
     "tags": {"slab": 1, "generation": 2, "bump": None},
     "context": {"mem_allocated": 8, "methods": 16, "parent": 24, "firstchild": 32, "prevchild": 40, "nextchild": 48, "name": 56, "ident": 64, "bytes": 80},
     "chunk": {"header_bytes": 16, "link": 8, "size": 0, "method_id_bits": 0},
     "allocset": {"blocks": 80, "freelist": 88, "context_bytes": 224},
     "slab": {"full_chunk_size": (88, 8), "block_size": (96, 8), "chunks_per_block": 112, "nblocks": 120, "header_size": 104, "empty_blocks": None, "lists": 128, "list_count": None, "context_bytes": 128, "block_node": 0, "block_nfree": 16, "block_slab": None, "block_bytes": 24},
     "generation": {"blocks": 96, "context_bytes": 112, "block_blksize": 16, "block_nchunks": 24, "block_nfree": 28, "block_freeptr": 32, "block_endptr": 40, "block_context": None, "block_bytes": 48},
     "bump": None},
    {"since_version_num": 140000, "header_in_total": True,
     "tags": {"slab": 1, "generation": 2, "bump": None},
     "context": {"mem_allocated": 8, "methods": 16, "parent": 24, "firstchild": 32, "prevchild": 40, "nextchild": 48, "name": 56, "ident": 64, "bytes": 80},
     "chunk": {"header_bytes": 16, "link": 8, "size": 0, "method_id_bits": 0},
     "allocset": {"blocks": 80, "freelist": 88, "context_bytes": 224},
     "slab": {"full_chunk_size": (88, 8), "block_size": (96, 8), "chunks_per_block": 112, "nblocks": 120, "header_size": 104, "empty_blocks": None, "lists": 128, "list_count": None, "context_bytes": 128, "block_node": 0, "block_nfree": 16, "block_slab": None, "block_bytes": 24},
     "generation": {"blocks": 96, "context_bytes": 112, "block_blksize": 16, "block_nchunks": 24, "block_nfree": 28, "block_freeptr": 32, "block_endptr": 40, "block_context": None, "block_bytes": 48},
     "bump": None},
    {"since_version_num": 150000, "header_in_total": True,
     "tags": {"slab": 1, "generation": 2, "bump": None},
     "context": {"mem_allocated": 8, "methods": 16, "parent": 24, "firstchild": 32, "prevchild": 40, "nextchild": 48, "name": 56, "ident": 64, "bytes": 80},
     "chunk": {"header_bytes": 16, "link": 8, "size": 0, "method_id_bits": 0},
     "allocset": {"blocks": 80, "freelist": 88, "context_bytes": 224},
     "slab": {"full_chunk_size": (88, 8), "block_size": (96, 8), "chunks_per_block": 112, "nblocks": 120, "header_size": 104, "empty_blocks": None, "lists": 128, "list_count": None, "context_bytes": 128, "block_node": 0, "block_nfree": 16, "block_slab": None, "block_bytes": 24},
     "generation": {"blocks": 136, "context_bytes": 152, "block_blksize": 16, "block_nchunks": 24, "block_nfree": 28, "block_freeptr": 32, "block_endptr": 40, "block_context": None, "block_bytes": 48},
     "bump": None},
    {"since_version_num": 160000, "header_in_total": True,
     "tags": {"slab": 2, "generation": 1, "bump": None},
     "context": {"mem_allocated": 8, "methods": 16, "parent": 24, "firstchild": 32, "prevchild": 40, "nextchild": 48, "name": 56, "ident": 64, "bytes": 80},
     "chunk": {"header_bytes": 8, "link": 8, "size": None, "method_id_bits": 3},
     "allocset": {"blocks": 80, "freelist": 88, "context_bytes": 224},
     "slab": {"full_chunk_size": (88, 8), "block_size": (96, 8), "chunks_per_block": 104, "nblocks": None, "header_size": None, "empty_blocks": 136, "lists": 144, "list_count": 3, "context_bytes": 192, "block_node": 32, "block_nfree": 8, "block_slab": 0, "block_bytes": 48},
     "generation": {"blocks": 136, "context_bytes": 152, "block_blksize": 24, "block_nchunks": 32, "block_nfree": 36, "block_freeptr": 40, "block_endptr": 48, "block_context": 16, "block_bytes": 56},
     "bump": None},
    {"since_version_num": 170000, "header_in_total": True,
     "tags": {"slab": 2, "generation": 1, "bump": 3},
     "context": {"mem_allocated": 8, "methods": 16, "parent": 24, "firstchild": 32, "prevchild": 40, "nextchild": 48, "name": 56, "ident": 64, "bytes": 80},
     "chunk": {"header_bytes": 8, "link": 8, "size": None, "method_id_bits": 4},
     "allocset": {"blocks": 80, "freelist": 88, "context_bytes": 200},
     "slab": {"full_chunk_size": (84, 4), "block_size": (88, 4), "chunks_per_block": 92, "nblocks": None, "header_size": None, "empty_blocks": 120, "lists": 128, "list_count": 3, "context_bytes": 176, "block_node": 32, "block_nfree": 8, "block_slab": 0, "block_bytes": 48},
     "generation": {"blocks": 112, "context_bytes": 128, "block_blksize": 24, "block_nchunks": 32, "block_nfree": 36, "block_freeptr": 40, "block_endptr": 48, "block_context": 16, "block_bytes": 56},
     "bump": {"blocks": 96, "context_bytes": 112, "block_freeptr": 16, "block_endptr": 24, "block_bytes": 32}},
    {"since_version_num": 180000, "header_in_total": True,
     "tags": {"slab": 2, "generation": 1, "bump": 3},
     "context": {"mem_allocated": 8, "methods": 16, "parent": 24, "firstchild": 32, "prevchild": 40, "nextchild": 48, "name": 56, "ident": 64, "bytes": 80},
     "chunk": {"header_bytes": 8, "link": 8, "size": None, "method_id_bits": 4},
     "allocset": {"blocks": 80, "freelist": 88, "context_bytes": 200},
     "slab": {"full_chunk_size": (84, 4), "block_size": (88, 4), "chunks_per_block": 92, "nblocks": None, "header_size": None, "empty_blocks": 120, "lists": 128, "list_count": 3, "context_bytes": 176, "block_node": 32, "block_nfree": 8, "block_slab": 0, "block_bytes": 48},
     "generation": {"blocks": 112, "context_bytes": 128, "block_blksize": 24, "block_nchunks": 32, "block_nfree": 36, "block_freeptr": 40, "block_endptr": 48, "block_context": 16, "block_bytes": 56},
     "bump": {"blocks": 96, "context_bytes": 112, "block_freeptr": 16, "block_endptr": 24, "block_bytes": 32}},
    {"since_version_num": 190000, "header_in_total": True,
     "tags": {"slab": 2, "generation": 1, "bump": 3},
     "context": {"mem_allocated": 8, "methods": 16, "parent": 24, "firstchild": 32, "prevchild": 40, "nextchild": 48, "name": 56, "ident": 64, "bytes": 80},
     "chunk": {"header_bytes": 8, "link": 8, "size": None, "method_id_bits": 4},
     "allocset": {"blocks": 80, "freelist": 88, "context_bytes": 200},
     "slab": {"full_chunk_size": (84, 4), "block_size": (88, 4), "chunks_per_block": 92, "nblocks": None, "header_size": None, "empty_blocks": 120, "lists": 128, "list_count": 3, "context_bytes": 176, "block_node": 32, "block_nfree": 8, "block_slab": 0, "block_bytes": 48},
     "generation": {"blocks": 112, "context_bytes": 128, "block_blksize": 24, "block_nchunks": 32, "block_nfree": 36, "block_freeptr": 40, "block_endptr": 48, "block_context": 16, "block_bytes": 56},
     "bump": {"blocks": 96, "context_bytes": 112, "block_freeptr": 16, "block_endptr": 24, "block_bytes": 32}},
]

ALLOC_BLOCK = {"aset": 0, "prev": 8, "next": 16, "freeptr": 24, "endptr": 32, "header_bytes": 40}

CATALOG_CACHE = [
    {"since_version_num": 100000, "ntup": 48, "nkeys": 56, "keyno": 60, "relname": 16, "reloid": 24, "tupdesc": 40, "bucket": 424, "list_buckets": None, "next": 8, "entry_magic": 0, "entry_cache": 8, "entry_dead": 44, "entry_negative": 45, "entry_keys": None, "entry_row": 72, "row_apart": True, "entry_bytes": 80, "list_magic": 0, "list_cache": 8, "list_keys": None, "list_tuple": 64, "list_bytes": 80, "columns": 8, "columns_by_pointer": True, "compact_column_bytes": 0},
    {"since_version_num": 110000, "ntup": 120, "nkeys": 124, "keyno": 88, "relname": 128, "reloid": 136, "tupdesc": 8, "bucket": 16, "list_buckets": None, "next": 152, "entry_magic": 0, "entry_cache": 96, "entry_dead": 60, "entry_negative": 61, "entry_keys": 8, "entry_row": 80, "row_apart": False, "entry_bytes": 104, "list_magic": 0, "list_cache": 72, "list_keys": 24, "list_tuple": None, "list_bytes": 80, "columns": 32, "columns_by_pointer": False, "compact_column_bytes": 0},
    {"since_version_num": 120000, "ntup": 120, "nkeys": 124, "keyno": 88, "relname": 128, "reloid": 136, "tupdesc": 8, "bucket": 16, "list_buckets": None, "next": 152, "entry_magic": 0, "entry_cache": 96, "entry_dead": 60, "entry_negative": 61, "entry_keys": 8, "entry_row": 80, "row_apart": False, "entry_bytes": 104, "list_magic": 0, "list_cache": 72, "list_keys": 24, "list_tuple": None, "list_bytes": 80, "columns": 24, "columns_by_pointer": False, "compact_column_bytes": 0},
    {"since_version_num": 170000, "ntup": 108, "nkeys": 104, "keyno": 88, "relname": 128, "reloid": 136, "tupdesc": 8, "bucket": 16, "list_buckets": 120, "next": 152, "entry_magic": 0, "entry_cache": 96, "entry_dead": 60, "entry_negative": 61, "entry_keys": 8, "entry_row": 80, "row_apart": False, "entry_bytes": 104, "list_magic": 0, "list_cache": 72, "list_keys": 24, "list_tuple": None, "list_bytes": 80, "columns": 24, "columns_by_pointer": False, "compact_column_bytes": 0},
    {"since_version_num": 180000, "ntup": 108, "nkeys": 104, "keyno": 88, "relname": 128, "reloid": 136, "tupdesc": 8, "bucket": 16, "list_buckets": 120, "next": 152, "entry_magic": 0, "entry_cache": 96, "entry_dead": 60, "entry_negative": 61, "entry_keys": 8, "entry_row": 80, "row_apart": False, "entry_bytes": 104, "list_magic": 0, "list_cache": 72, "list_keys": 24, "list_tuple": None, "list_bytes": 80, "columns": 24, "columns_by_pointer": False, "compact_column_bytes": 16},
    {"since_version_num": 190000, "ntup": 108, "nkeys": 104, "keyno": 88, "relname": 128, "reloid": 136, "tupdesc": 8, "bucket": 16, "list_buckets": 120, "next": 152, "entry_magic": 16, "entry_cache": 96, "entry_dead": 60, "entry_negative": 61, "entry_keys": 24, "entry_row": 80, "row_apart": False, "entry_bytes": 104, "list_magic": 16, "list_cache": 72, "list_keys": 24, "list_tuple": None, "list_bytes": 80, "columns": 32, "columns_by_pointer": False, "compact_column_bytes": 8},
]
CATALOG_ENTRY_MAGIC = 0x57261502
CATALOG_LIST_MAGIC = 0x52765103

HASH_TABLE = [
    {"since_version_num": 100000, "hctl": 0, "dir": 8, "hcxt": 48, "tabname": 56, "ssize": 80, "sshift": 88, "bytes": 96, "nentries": 8, "max_bucket": 784, "keysize": 800, "header_bytes": 816, "element_bytes": 16},
    {"since_version_num": 190000, "hctl": 0, "dir": 8, "hcxt": 56, "tabname": 64, "ssize": None, "sshift": None, "bytes": 88, "nentries": 8, "max_bucket": 784, "keysize": 800, "header_bytes": 816, "element_bytes": 16},
]
SEGMENT_SHIFT = 0x8

PLAN_SOURCE = [
    {"since_version_num": 100000, "query_string": 16, "parser_setup": 48, "context": 80, "gplan": 136},
    {"since_version_num": 180000, "query_string": 24, "parser_setup": 56, "context": 104, "gplan": 160},
]
PLAN_SOURCE_MAGIC = 0xbaa8b6a
PLAN_MAGIC = 0x38d8944a
PLAN_CONTEXT = 0x28
PREPARED_SOURCE = 0x40

PORT = [
    {"since_version_num": 100000, "database_name": 328, "user_name": 336},
    {"since_version_num": 170000, "database_name": 320, "user_name": 328},
    {"since_version_num": 180000, "database_name": 384, "user_name": 392},
]

BACKEND_STATUS = [
    {"since_version_num": 90400, "state": 196, "query": 208},
    {"since_version_num": 90500, "state": 208, "query": 224},
    {"since_version_num": 100000, "state": 216, "query": 232},
    {"since_version_num": 120000, "state": 232, "query": 248},
]
FIRST_VERSION_WITH_STARTING = 0x2bf20

BACKEND_STATES = [
    "",
    "idle",
    "active",
    "idle in transaction",
    "fastpath function call",
    "idle in transaction (aborted)",
    "disabled",
]

# How a process title begins, and what pg_stat_activity calls that process.
BACKEND_TYPES = [
    ("archiver", "archiver"),
    ("autovacuum launcher", "autovacuum launcher"),
    ("autovacuum worker", "autovacuum worker"),
    ("background writer", "background writer"),
    ("bgworker: ", "background worker"),
    ("checkpointer", "checkpointer"),
    ("io worker", "io worker"),
    ("logger", "logger"),
    ("logical replication", "background worker"),
    ("parallel worker", "parallel worker"),
    ("slotsync worker", "slotsync worker"),
    ("startup", "startup"),
    ("stats collector", "stats collector"),
    ("walreceiver", "walreceiver"),
    ("walsender", "walsender"),
    ("walsummarizer", "walsummarizer"),
    ("walwriter", "walwriter"),
    ("wal sender", "walsender"),
    ("wal writer", "walwriter"),
    ("writer", "background writer"),
]

# Contexts whose ident is a name, and none of SQL.
NAMED_CONTEXTS = [
    "index info",
    "relation rules",
    "partition key",
    "partition descriptor",
    "partition constraint",
    "TS dictionary",
    "dynahash",
    "PortalContext",
    "SQL function",
    "PL/pgSQL function",
    "PL/Perl function",
    "PL/Python function",
    "PL/Tcl function",
]
REGEXP_CONTEXT = "RegexpMemoryContext"

# PostgreSQL's keywords.
KEYWORDS = frozenset("""
    abort absolute access action add admin after aggregate all also alter always analyse analyze and
    any array as asc asensitive assertion assignment asymmetric at atomic attach attribute
    authorization backward before begin between bigint binary bit boolean both breadth by cache call
    called cascade cascaded case cast catalog chain char character characteristics check checkpoint
    class close cluster coalesce collate collation column columns comment comments commit committed
    compression concurrently configuration conflict connection constraint constraints content
    continue conversion copy cost create cross csv cube current current_catalog current_date
    current_role current_schema current_time current_timestamp current_user cursor cycle data
    database day deallocate dec decimal declare default defaults deferrable deferred definer delete
    delimiter delimiters depends depth desc detach dictionary disable discard distinct do document
    domain double drop each else enable encoding encrypted end enum escape event except exclude
    excluding exclusive execute exists explain expression extension external extract false family
    fetch filter finalize first float following for force foreign forward freeze from full function
    functions generated global grant granted greatest group grouping groups handler having header
    hold hour identity if ilike immediate immutable implicit import in include including increment
    index indexes inherit inherits initially inline inner inout input insensitive insert instead int
    integer intersect interval into invoker is isnull isolation join key label language large last
    lateral leading leakproof least left level like limit listen load local localtime localtimestamp
    location lock locked logged mapping match matched materialized maxvalue merge method minute
    minvalue mode month move name names national natural nchar new next nfc nfd nfkc nfkd no none
    normalize normalized not nothing notify notnull nowait null nullif nulls numeric object of off
    offset oids old on only operator option options or order ordinality others out outer over
    overlaps overlay overriding owned owner parallel parameter parser partial partition passing
    password placing plans policy position preceding precision prepare prepared preserve primary
    prior privileges procedural procedure procedures program publication quote range read real
    reassign recheck recursive ref references referencing refresh reindex relative release rename
    repeatable replace replica reset restart restrict return returning returns revoke right role
    rollback rollup routine routines row rows rule savepoint schema schemas scroll search second
    security select sequence sequences serializable server session session_user set setof sets share
    show similar simple skip smallint snapshot some sql stable standalone start statement statistics
    stdin stdout storage stored strict strip subscription substring support symmetric sysid system
    table tables tablesample tablespace temp template temporary text then ties time timestamp to
    trailing transaction transform treat trigger trim true truncate trusted type types uescape
    unbounded uncommitted unencrypted union unique unknown unlisten unlogged until update user using
    vacuum valid validate validator value values varchar variadic varying verbose version view views
    volatile when where whitespace window with within without work wrapper write xml xmlattributes
    xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize
    xmltable year yes zone
""".split())
