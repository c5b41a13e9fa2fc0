"""The target's memory: read only, page by page, with what was read kept."""

import struct

PAGE_BYTES = 4096
MAX_KEPT_PAGES = 16384  # 64 MB


class Fault(Exception):
    """Memory that is not there, or a structure that does not fit."""


class Memory:
    """`read(address, size)` gives so many bytes, or raises Fault.

    Believe nothing that comes from here: check each pointer before it is followed.
    """

    def __init__(self, read):
        self._read = read
        self._pages = {}

    def forget(self):
        self._pages.clear()

    def bytes(self, address, size):
        if address <= 0 or address + size >= 1 << 64:
            raise Fault(f"there is no memory at {address:#x}")
        if size > PAGE_BYTES:
            return self._read(address, size)
        begin = address % PAGE_BYTES
        page = self._page(address - begin)
        if page is None:  # in a core, a part of a page can come from a section of a file
            return self._read(address, size)
        if begin + size <= PAGE_BYTES:
            return page[begin:begin + size]
        first = PAGE_BYTES - begin
        return page[begin:] + self.bytes(address + first, size - first)

    def _page(self, address):
        if address not in self._pages:
            if len(self._pages) >= MAX_KEPT_PAGES:
                self._pages.clear()
            try:
                self._pages[address] = self._read(address, PAGE_BYTES)
            except Fault:
                self._pages[address] = None
        return self._pages[address]

    def u8(self, address):
        return self.bytes(address, 1)[0]

    def i32(self, address):
        return struct.unpack("<i", self.bytes(address, 4))[0]

    def u32(self, address):
        return struct.unpack("<I", self.bytes(address, 4))[0]

    def pointer(self, address):
        return struct.unpack("<Q", self.bytes(address, 8))[0]

    def string(self, address, max_bytes):
        """Up to its NUL, or cut behind `max_bytes`; looks at no byte behind the NUL's piece."""
        text = b""
        while len(text) < max_bytes:
            at = address + len(text)
            size = min(32 - at % 32, max_bytes - len(text))
            try:
                piece = self.bytes(at, size)
            except Fault:
                piece = self.bytes(at, 1)  # at the end of what there is
            end = piece.find(b"\0")
            if end >= 0:
                return text + piece[:end]
            text += piece
        return text


def u32_at(data, at):
    return struct.unpack_from("<I", data, at)[0]


def i32_at(data, at):
    return struct.unpack_from("<i", data, at)[0]


def pointer_at(data, at):
    return struct.unpack_from("<Q", data, at)[0]


def sized_at(data, field):
    at, size = field
    return pointer_at(data, at) if size == 8 else u32_at(data, at)


def layout_of_version(layouts, version):
    """The last of the tables that this version has, as layout_of_version.hpp; None before the first."""
    found = None
    for layout in layouts:
        if layout["since_version_num"] <= version:
            found = layout
    return found
