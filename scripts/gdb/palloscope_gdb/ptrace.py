"""A process held stopped by ptrace(2), with its registers, by the C library and not by gdb.

gdb writes one register after another, and attaches by a SIGSTOP that can outlive it. Here one system
call changes all registers, and a process whose tracer dies runs on.
"""

import ctypes
import os
import signal
import struct
import time

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
GETREGS, SETREGS, GETFPREGS = 12, 13, 14
EVENT_STOP = 128
WALL = 0x40000000
STOP_SECONDS = 5
FLOATING_POINT_BYTES = 512
# sys/user.h, struct user_regs_struct
NAMES = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
         "fs_base gs_base ds es fs gs").split()

library = ctypes.CDLL(None, use_errno=True)
library.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
library.ptrace.restype = ctypes.c_long


def ptrace(request, pid, data=None):
    if library.ptrace(request, pid, None, data) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Stopped:
    """`with Stopped(pid) as stopped:` holds it. Does not stand in `at_rest` where a signal of its
    own, or a stop by somebody else, came in between: then let it go, and try again."""

    def __init__(self, pid):
        self.pid = pid
        self._signal = 0
        self.at_rest = False

    def __enter__(self):
        ptrace(SEIZE, self.pid)
        try:
            ptrace(INTERRUPT, self.pid)
            status = self._wait()
        except BaseException:
            self._detach()
            raise
        event, number = status >> 16, os.WSTOPSIG(status)
        self.at_rest = event == EVENT_STOP and number == signal.SIGTRAP
        self._signal = 0 if event else number  # one that was on its way is delivered
        return self

    def __exit__(self, *error):
        self._detach()

    def _wait(self):
        deadline = time.monotonic() + STOP_SECONDS
        while True:
            found, status = os.waitpid(self.pid, WALL | os.WNOHANG)
            if found and os.WIFSTOPPED(status):
                return status
            if found:
                raise ProcessLookupError("it has ended")
            if time.monotonic() > deadline:
                raise TimeoutError("it does not stop")
            time.sleep(0.0001)

    def _detach(self):
        try:
            ptrace(DETACH, self.pid, self._signal)
        except OSError:
            pass  # it has ended, or never stopped: then it goes free as we end

    def registers(self):
        data = ctypes.create_string_buffer(8 * len(NAMES))
        ptrace(GETREGS, self.pid, ctypes.addressof(data))
        return dict(zip(NAMES, struct.unpack(f"<{len(NAMES)}Q", data.raw)))

    def floating_point(self):
        """As fxsave has it: x87 and SSE."""
        data = ctypes.create_string_buffer(FLOATING_POINT_BYTES)
        ptrace(GETFPREGS, self.pid, ctypes.addressof(data))
        return data.raw

    def set_registers(self, registers):
        data = ctypes.create_string_buffer(
            struct.pack(f"<{len(NAMES)}Q", *(registers[name] for name in NAMES)))
        ptrace(SETREGS, self.pid, ctypes.addressof(data))
