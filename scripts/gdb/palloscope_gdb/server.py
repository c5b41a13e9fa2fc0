"""The process or core that gdb has: its memory, its globals, who it is."""

import re
import time
from datetime import datetime, timezone

import gdb

from . import layouts
from .contexts import Walk
from .elf import NotAServer, ServerFile
from .memory import Fault, Memory, i32_at, layout_of_version
from .masking import masked, masked_ident

AT_PHDR, AT_ENTRY = 3, 9
MAX_NAME_BYTES = 256
MAX_QUERY_BYTES = 1 << 16
OTHER_BUILD = ("builds with assertions and forks of PostgreSQL cannot be read; a backend that was "
               "stopped in the middle of a change can be: continue for a moment, and try again")


class Server:
    def __init__(self):
        inferior = gdb.selected_inferior()
        if not inferior.pid:
            raise gdb.GdbError("palloscope: no process: gdb -p PID, or gdb EXECUTABLE CORE")
        self.pid = inferior.pid
        # gdb.Inferior.connection.type, which says so too, came with gdb 12.
        self.is_core = "core dump file:" in gdb.execute("info target", to_string=True)

        def read(address, size):
            try:
                return bytes(inferior.read_memory(address, size))
            except (gdb.MemoryError, OverflowError):
                raise Fault(f"there is no memory at {address:#x}") from None

        self.memory = Memory(read)
        self.file = self._open_file()
        self.version = self.file.version
        auxiliary = dict(re.findall(r"(?m)^(\d+)\s.*\s(0x[0-9a-f]+|\d+)$",
                                    gdb.execute("info auxv", to_string=True)))
        if str(AT_ENTRY) not in auxiliary:
            raise gdb.GdbError("palloscope: the target has no auxiliary vector (info auxv)")
        self._load_bias = int(auxiliary[str(AT_ENTRY)], 0) - self.file.entry
        self._require_same_file(int(auxiliary.get(str(AT_PHDR), "0"), 0))
        self.layout = layout_of_version(layouts.MEMORY, self.version)
        if self.layout is None or self.version >= 200000:
            raise gdb.GdbError(f"palloscope: the memory of PostgreSQL {self.version // 10000} is not known")

    def _open_file(self):
        # /proc/PID/exe opens in another mount namespace, and when the file was replaced.
        path = gdb.current_progspace().filename if self.is_core else f"/proc/{self.pid}/exe"
        if path is None:
            raise gdb.GdbError("palloscope: which executable made the core? gdb EXECUTABLE CORE")
        try:
            return ServerFile(path)
        except (OSError, NotAServer) as error:
            raise gdb.GdbError(f"palloscope: {error}") from None

    def _require_same_file(self, headers_at):
        """The first page of a file's mapping, with its program headers, is in most cores."""
        try:
            found = self.memory.bytes(headers_at, len(self.file.program_headers))
        except Fault:
            return
        if found != self.file.program_headers:
            raise gdb.GdbError("palloscope: this executable is not the one that made the core")

    def address_of(self, symbol):
        value = self.file.symbols.get(symbol)
        return 0 if value is None else value + self._load_bias

    def pointer_in(self, symbol):
        """What a global pointer holds; 0 where this version has none of that name."""
        address = self.address_of(symbol)
        try:
            return self.memory.pointer(address) if address else 0
        except Fault:
            return 0

    def text_at(self, pointer_address, max_bytes):
        try:
            text = self.memory.pointer(pointer_address)
            return self.memory.string(text, max_bytes) if text else None
        except Fault:
            return None

    def walk(self):
        root = self.pointer_in("TopMemoryContext")
        try:
            return Walk(self.memory, self.layout, root).run()
        except Fault as fault:
            raise gdb.GdbError(f"palloscope: the server of process {self.pid} does not keep its memory as "
                               f"PostgreSQL {self.version // 10000} does: {fault}\nhint: {OTHER_BUILD}") from None

    def statement(self, show_literals):
        """The running one; None where none runs."""
        address = self.address_of("debug_query_string")
        text = self.text_at(address, MAX_QUERY_BYTES) if address else None
        return text if text is None or show_literals else masked(text)

    def process(self, show_literals):
        """The `process` of palloscope.snapshot/1. A core tells no resident memory."""
        title = self._title()
        state = re.search(r" (idle in transaction \(aborted\)|idle in transaction|idle)$", title)
        info = {"pid": self.pid, "backend_type": title_type(title), "database": None, "user": None,
                "application_name": None, "state": state.group(1) if state else None, "query": None,
                **self._resident()}
        port = self.pointer_in("MyProcPort")
        if not port:
            return info
        if info["backend_type"] != "walsender":
            info["backend_type"] = "client backend"
        fields = layout_of_version(layouts.PORT, self.version)
        if fields:
            info["database"] = self.text_at(port + fields["database_name"], MAX_NAME_BYTES)
            info["user"] = self.text_at(port + fields["user_name"], MAX_NAME_BYTES)
        if self.address_of("application_name"):
            info["application_name"] = self.text_at(self.address_of("application_name"), MAX_NAME_BYTES)
        info["query"] = self.statement(show_literals)
        info["state"] = self._state() or info["state"] or ("active" if info["query"] is not None else None)
        return info

    def _state(self):
        fields = layout_of_version(layouts.BACKEND_STATUS, self.version)
        entry = self.pointer_in("MyBEEntry")
        if not fields or not entry:
            return None
        try:
            number = i32_at(self.memory.bytes(entry + fields["state"], 4), 0)
        except Fault:
            return None
        if self.version >= layouts.FIRST_VERSION_WITH_STARTING and number > 0:
            number -= 1
            if number == 0:
                return "starting"
        known = 0 <= number < len(layouts.BACKEND_STATES)
        return layouts.BACKEND_STATES[number] or None if known else None

    def _title(self):
        if self.is_core:
            return ""
        try:
            with open(f"/proc/{self.pid}/cmdline", "rb") as file:
                return file.read(4096).replace(b"\0", b" ").rstrip().decode("utf-8", "replace")
        except OSError:
            return ""

    def _resident(self):
        sizes = dict.fromkeys(("rss_anon_bytes", "rss_file_bytes", "rss_shmem_bytes"), 0)
        if self.is_core:
            return sizes
        try:
            with open(f"/proc/{self.pid}/status", encoding="utf-8", errors="replace") as file:
                for name, kilobytes in re.findall(r"(?m)^Rss(Anon|File|Shmem):\s+(\d+) kB", file.read()):
                    sizes[f"rss_{name.lower()}_bytes"] = int(kilobytes) * 1024
        except OSError:
            pass
        return sizes

    def snapshot(self, show_literals):
        """A palloscope.snapshot/1 whose texts are bytes. `pause_us` is our own part of gdb's pause."""
        begin = time.monotonic()
        contexts = self.walk()
        taken_at = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        paths, rows = [], []
        for index, context in enumerate(contexts):
            paths.append((paths[context.parent] if context.parent is not None else []) + [index + 1])
            ident = context.ident
            if ident is not None and not show_literals:
                ident = masked_ident(context.name, ident)
            rows.append({"id": index + 1,
                         "parent_id": None if context.parent is None else context.parent + 1,
                         "name": context.name, "ident": ident, "type": context.type,
                         "level": context.level, "path": paths[-1], **figures(context)})
        process = self.process(show_literals)
        pause_us = 0 if self.is_core else round((time.monotonic() - begin) * 1e6)
        return {"schema": "palloscope.snapshot/1", "taken_at": taken_at,
                "method": "read" if self.is_core else "freeze", "pause_us": pause_us,
                "server_version_num": self.version, "process": process, "contexts": rows,
                "grand_total": {name: sum(row[name] for row in rows) for name in FIGURES}}


FIGURES = ("total_bytes", "total_nblocks", "free_bytes", "free_chunks", "used_bytes")


def figures(context):
    return {name: getattr(context, name) for name in FIGURES}


def title_type(title):
    """As pg_stat_activity.backend_type; "other" where the title does not tell."""
    # "postgres: walwriter", or with cluster_name "postgres: main: walwriter"
    for rest in (title.split(": ", 1)[-1], title.split(": ", 2)[-1]):
        for beginning, name in layouts.BACKEND_TYPES:
            if title.startswith("postgres: ") and rest.startswith(beginning):
                return name
    return "other"
