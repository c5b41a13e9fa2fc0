"""A PostgreSQL server's executable: version and symbols, also of a stripped one (.dynsym)."""

import re
import struct

MACHINE_X86_64 = 62
SYMBOL_TABLES = (2, 11)  # SHT_SYMTAB, SHT_DYNSYM
PT_LOAD = 1
WRITABLE = 2
FUNCTION_OR_OBJECT = (1, 2)
MAX_FILE_BYTES = 1 << 30
# src/include/port.h, PG_BACKEND_VERSIONSTR
VERSION = re.compile(rb"postgres \(PostgreSQL\) (\d+)(?:\.(\d+))?(?:\.(\d+))?")


class NotAServer(Exception):
    pass


class ServerFile:
    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read(MAX_FILE_BYTES)
        try:
            self._parse(data)
        except struct.error:
            raise NotAServer(f"{path} is no whole ELF file") from None
        if "TopMemoryContext" not in self.symbols or "MemoryContextStats" not in self.symbols:
            raise NotAServer(f"{path} is no PostgreSQL server")
        if self.version is None:
            raise NotAServer(f"{path} is a PostgreSQL server that does not tell its version")

    def _parse(self, data):
        if data[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<H", data, 18)[0] != MACHINE_X86_64:
            raise NotAServer("the executable is no ELF file for x86-64")
        self.entry, programs, sections = struct.unpack_from("<QQQ", data, 24)
        program_bytes, program_count, section_bytes, section_count = struct.unpack_from("<4H", data, 54)
        self.program_headers = data[programs:programs + program_bytes * program_count]
        self.version = None
        for at in range(programs, programs + program_bytes * program_count, program_bytes):
            kind, flags, offset, _, _, size = struct.unpack_from("<IIQQQQ", data, at)
            if kind == PT_LOAD and not flags & WRITABLE and self.version is None:
                self.version = version_num(VERSION.search(data, offset, offset + size))
        headers = [struct.unpack_from("<IIQQQQIIQQ", data, sections + i * section_bytes)
                   for i in range(section_count)]
        self.symbols = {}
        for header in headers:
            if header[1] in SYMBOL_TABLES and header[6] < len(headers):
                self._add_symbols(data, header, headers[header[6]])

    def _add_symbols(self, data, table, names):
        names_at, names_end = names[4], names[4] + names[5]
        for name, info, _, section, value, _ in struct.iter_unpack(
                "<IBBHQQ", data[table[4]:table[4] + table[5] // 24 * 24]):
            if section != 0 and info & 15 in FUNCTION_OR_OBJECT and names_at + name < names_end:
                end = data.find(b"\0", names_at + name, names_end)
                text = data[names_at + name:end].decode("ascii", "replace")
                self.symbols.setdefault(text, value)


def version_num(match):
    """server_version_num: 150018 for 15.18, 90426 for 9.4.26, 190000 for 19rc1."""
    if not match:
        return None
    major, second, third = (int(part or 0) for part in match.groups())
    return major * 10000 + (second if major >= 10 else second * 100 + third)
