"""MemoryContextStats called in a backend at a safe point, with what it prints caught.

The calls restore themselves (call_chain.py), so that the backend ends as it was also where gdb is
killed. Safe: it waits for its client, runs no statement, holds off no interrupts, is in no critical
section (inspector/backend/safe_point.cpp), and our own walk finds its memory whole, under that stop.
"""

import errno
import os
import re
import struct
import time

from . import layouts
from .call_chain import RESTORERS, SYSTEM_CALL, Chain
from .contexts import Walk
from .elf import NotAServer, ServerFile
from .memory import Fault, Memory, layout_of_version
from .ptrace import Stopped

AT_ENTRY = 9
# epoll_wait, epoll_pwait, poll, recvfrom: in which a backend sleeps for its client
CLIENT_WAITS = (232, 281, 7, 45)
MUST_BE_ZERO = (("debug_query_string", 8), ("InterruptHoldoffCount", 4), ("CritSectionCount", 4),
                ("proc_exit_inprogress", 1))
WRITE, CLOSE, DUP2, FCNTL, UNLINK, OPENAT = 1, 3, 33, 72, 87, 257
F_DUPFD_CLOEXEC, AT_FDCWD = 1030, (1 << 64) - 100
FOLDER = ("dev", "shm")
END = b"\0"  # behind all that is printed, once everything was put back
MAX_LEVELS = 500  # it calls itself for each level of contexts
MAX_OUTPUT_BYTES = 1 << 30
MAX_LIBRARY_BYTES = 1 << 24
LIBRARY = re.compile(r"/(libc[.-][^/]*so[^/]*|ld-musl-[^/]*)$")
CALL_SECONDS = 60


class Refused(Exception):
    def __init__(self, message, exit_code):
        super().__init__(message)
        self.exit_code = exit_code


def memory_context_stats(pid, seconds):
    try:
        backend = Backend(pid)
        deadline = time.monotonic() + seconds
        while True:
            if backend.at_safe_point():
                with Stopped(pid) as stopped:
                    if stopped.at_rest and backend.at_safe_point():
                        output = Output(backend)
                        backend.start_call(stopped, output)
                        break
            if time.monotonic() >= deadline:
                raise Refused(f"process {pid} did not wait for its client within {seconds} s: there "
                              "was no safe moment to call in it", 6)
            time.sleep(0.01)
        return output.wait()
    except (FileNotFoundError, ProcessLookupError):
        raise Refused(f"process {pid} is gone", 3) from None
    except PermissionError:
        raise Refused(f"process {pid} may not be traced: run this as root, with CAP_SYS_PTRACE, or as "
                      "the server's user; and no other debugger may hold it", 4) from None
    except NotAServer as error:
        raise Refused(f"process {pid}: {error}", 3) from None
    except (Fault, OSError) as error:
        raise Refused(f"process {pid}: {error}; nothing was called", 1) from None


class Backend:
    def __init__(self, pid):
        self.pid = pid
        self.file = ServerFile(f"/proc/{pid}/exe")
        auxiliary = self._contents("auxv")
        entries = dict(struct.iter_unpack("<QQ", auxiliary[:len(auxiliary) // 16 * 16]))
        if AT_ENTRY not in entries:
            raise ProcessLookupError("it has ended")
        self._load_bias = entries[AT_ENTRY] - self.file.entry
        self._memory_file = os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)
        self.layout = layout_of_version(layouts.MEMORY, self.file.version)
        if self.layout is None or self.file.version >= 200000:
            raise Refused(f"the memory of PostgreSQL {self.file.version // 10000} is not known", 5)
        if not self._number("MyProcPort", 8):
            raise Refused(f"process {pid} is no client backend, and never waits for a client", 5)

    def _contents(self, name):
        with open(f"/proc/{self.pid}/{name}", "rb") as file:
            return file.read()

    def _status(self, name):
        return re.search(rf"(?m)^{name}:\s+(.*)$", self._contents("status").decode()).group(1)

    def read(self, address, size):
        try:
            data = os.pread(self._memory_file, size, address)
        except (OSError, OverflowError):
            data = b""
        if len(data) < size:
            raise Fault(f"there is no memory at {address:#x}")
        return data

    def _address_of(self, symbol):
        if symbol not in self.file.symbols:
            raise Refused(f"the server of process {self.pid} does not export {symbol}", 5)
        return self.file.symbols[symbol] + self._load_bias

    def _number(self, symbol, size):
        return int.from_bytes(self.read(self._address_of(symbol), size), "little")

    def at_safe_point(self):
        call = self._contents("syscall").split()
        return bool(call) and call[0].isdigit() and int(call[0]) in CLIENT_WAITS and \
            not any(self._number(symbol, size) for symbol, size in MUST_BE_ZERO)

    def _walk(self):
        root = self._number("TopMemoryContext", 8)
        try:
            contexts = Walk(Memory(self.read), self.layout, root).run()
        except Fault as fault:
            raise Refused(f"the server of process {self.pid} does not keep its memory as PostgreSQL "
                          f"{self.file.version // 10000} does, so nothing was called: {fault}", 5) from None
        if max(context.level for context in contexts) > MAX_LEVELS:
            raise Refused(f"the contexts of process {self.pid} are nested too deeply to call", 5)
        return root

    def _gadgets(self):
        for line in self._contents("maps").decode("utf-8", "replace").splitlines():
            words = line.split(None, 5)
            if len(words) == 6 and words[1].startswith("r-x") and LIBRARY.search(words[5]):
                begin, end = (int(number, 16) for number in words[0].split("-"))
                text = self.read(begin, min(end - begin, MAX_LIBRARY_BYTES))
                call = text.find(SYSTEM_CALL)
                restorer = max(text.find(code) for code in RESTORERS)
                if call >= 0 and restorer >= 0:
                    return begin + call, begin + restorer
        raise Refused(f"process {self.pid} has no C library that we know", 5)

    def _free_descriptors(self):
        """The next two that it will be given (open(2): the lowest), since it does nothing else."""
        used = {int(name) for name in os.listdir(f"/proc/{self.pid}/fd")}
        if 2 not in used:
            raise Refused(f"process {self.pid} has closed its standard error, where it would print", 5)
        return [number for number in range(len(used) + 2) if number not in used][:2]

    def start_call(self, stopped, output):
        """From its last line on the backend needs nobody. Where it cannot open the file, it prints as
        ever, and all is put back all the same."""
        limit = re.search(r"(?m)^Max file size\s+(\S+)", self._contents("limits").decode()).group(1)
        if int(self._status("Threads")) != 1 or limit != "unlimited":
            raise Refused(f"process {self.pid} has several threads, or a limit of its files' size", 5)
        root = self._walk()
        file, saved = self._free_descriptors()
        chain = Chain(stopped.registers(), stopped.floating_point(),
                      int(self._status("SigBlk"), 16), self._gadgets())
        path, end = chain.place(output.path.encode() + b"\0"), chain.place(END)
        chain.add_system_call(OPENAT, AT_FDCWD, path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        chain.add_system_call(UNLINK, path)
        chain.add_system_call(FCNTL, 2, F_DUPFD_CLOEXEC, 0)
        chain.add_system_call(DUP2, file, 2)
        chain.add_call(self._address_of("MemoryContextStats"), root)
        chain.add_system_call(DUP2, saved, 2)
        chain.add_system_call(CLOSE, saved)
        chain.add_system_call(WRITE, file, end, len(END))
        chain.add_system_call(CLOSE, file)
        base, data, start = chain.laid_down()
        if os.pwrite(self._memory_file, data, base) != len(data):
            raise OSError(errno.EFAULT, "its stack cannot be written to")
        output.make()  # not before: where we are killed before the call, it stays behind
        try:
            stopped.set_registers(start)
        except BaseException:
            output.remove()
            raise


class Output:
    """A file in the backend's own mount namespace, which it may write to, and removes."""

    def __init__(self, backend):
        self.pid = backend.pid
        self._name = f"palloscope-stats-{os.getpid()}-{time.monotonic_ns()}"
        self.path = "/" + "/".join(FOLDER + (self._name,))

    def make(self):
        owner = os.stat(f"/proc/{self.pid}")
        try:
            self._folder = os.open(f"/proc/{self.pid}/root", os.O_PATH | os.O_DIRECTORY)
            for name in FOLDER:  # a link in a container would lead out of it
                self._folder = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW,
                                       dir_fd=self._folder)
            self._file = os.open(self._name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600,
                                 dir_fd=self._folder)
            os.fchown(self._file, owner.st_uid, owner.st_gid)
        except OSError as error:
            raise Refused(f"process {self.pid}: cannot make a file in its {'/'.join(('',) + FOLDER)}: "
                          f"{error.strerror}", 1) from None

    def remove(self):
        try:
            os.unlink(self._name, dir_fd=self._folder)
        except FileNotFoundError:
            pass

    def wait(self):
        """What was printed."""
        deadline = time.monotonic() + CALL_SECONDS
        try:
            while True:
                size = os.fstat(self._file).st_size
                if size > MAX_OUTPUT_BYTES:
                    raise Refused(f"process {self.pid} printed more than 1 GB", 1)
                if size and os.pread(self._file, 1, size - 1) == END:
                    return self._read(size - 1)
                if not os.path.exists(f"/proc/{self.pid}"):
                    raise Refused(f"process {self.pid} ended during the call", 3)
                if time.monotonic() > deadline:
                    raise Refused(f"process {self.pid} printed nothing here within {CALL_SECONDS} s: "
                                  "it goes on by itself, or printed to the server's log", 1)
                time.sleep(0.001)
        finally:
            self.remove()

    def _read(self, size):
        data = b""
        while len(data) < size:
            piece = os.pread(self._file, size - len(data), len(data))
            if not piece:
                break
            data += piece
        return data
