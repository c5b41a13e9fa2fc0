"""Calls that restore themselves: attach/call_chain.cpp in Python.

Each step's registers lie on the target's own stack, below what it uses, in a frame as signal handlers
return to; the last frame holds the state as it was. So one change of the registers starts all steps,
and from then on the target needs nobody.
"""

import struct

RED_ZONE_BYTES = 128  # System V ABI, AMD64
FRAME_BYTES = 320
FLOATING_POINT_ALIGNMENT = 64
ALL_SIGNALS = (1 << 64) - 1
NO_SYSTEM_CALL = (1 << 64) - 1
UNWANTED_FLAGS = 0x100 | 0x400 | 0x4000 | 0x10000 | 0x40000  # TF, DF, NT, RF, AC
FLAGS = 2 | 4  # UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS
KEEP_ALTERNATE_STACK = 4  # no mode of sigaltstack(2): the kernel leaves it as it is
SOFTWARE_BYTES_AT = 464  # of the fxsave area: zero, so that the kernel looks for no more behind it
# What the kernel keeps in rax of a system call that is to go on (include/linux/errno.h).
RESTARTED = (-512, -513, -514)
RESTART_BLOCK, INTERRUPTED = -516, -4
SYSTEM_CALL = b"\x0f\x05\xc3"  # syscall; ret
# glibc's and musl's return from a signal handler.
RESTORERS = (b"\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05", b"\xb8\x0f\x00\x00\x00\x0f\x05")
CONTEXT = ("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx",
           "rax", "rcx", "rsp", "rip", "eflags")


class Chain:
    """`gadgets`: where SYSTEM_CALL and a RESTORER lie. Then add steps, lay down, start."""

    def __init__(self, registers, floating_point, signal_mask, gadgets):
        self.original, self.signal_mask = registers, signal_mask
        self.system_call, self.restorer = gadgets
        self.floating_point = floating_point[:SOFTWARE_BYTES_AT].ljust(512, b"\0")
        self._top = (registers["rsp"] - RED_ZONE_BYTES) // 64 * 64
        self._data = b""
        self._steps = []

    def place(self, data):
        """Bytes that steps point to; gives their address."""
        self._data = data.ljust((len(data) + 15) // 16 * 16, b"\0") + self._data
        return self._top - len(self._data)

    def add_system_call(self, number, *arguments):
        self._steps.append(self._entry(self.system_call, number, arguments))

    def add_call(self, function, *arguments):
        self._steps.append(self._entry(function, 0, arguments))

    def _entry(self, address, rax, arguments):
        first, second, third, fourth = (arguments + (0, 0, 0, 0))[:4]
        return {**self.original, "rip": address, "rax": rax, "rdi": first, "rsi": second,
                "rdx": third, "r10": fourth, "rbp": 0,
                "eflags": self.original["eflags"] & ~UNWANTED_FLAGS}

    def laid_down(self):
        """Where it lies, its bytes, and the registers that start it."""
        floating_point_at = (self._top - len(self._data) - 512) // 64 * 64
        # A function's return address lies 8 bytes below an address that 16 divides.
        base = (floating_point_at - FRAME_BYTES * (len(self._steps) + 1)) // 16 * 16 - 8
        data = bytearray(self._top - base)
        for i, step in enumerate(self._steps):
            at = i * FRAME_BYTES
            entered = {**step, "rsp": base + at + FRAME_BYTES}
            data[at:at + FRAME_BYTES] = self._frame(entered, ALL_SIGNALS, 0)
        at = len(self._steps) * FRAME_BYTES
        data[at:at + FRAME_BYTES] = self._frame(with_restarted_system_call(self.original),
                                                self.signal_mask, floating_point_at)
        at = floating_point_at - base
        data[at:at + 512] = self.floating_point
        data[len(data) - len(self._data):] = self._data
        start = {**self.original, "rip": self.restorer, "rsp": base + 8,
                 "orig_rax": NO_SYSTEM_CALL,
                 "eflags": self.original["eflags"] & ~UNWANTED_FLAGS}
        return base, bytes(data), start

    def _frame(self, registers, mask, floating_point_at):
        """The restorer's address and a struct ucontext (include/uapi/asm-generic/ucontext.h)."""
        frame = struct.pack("<QQQQIIQ", self.restorer, FLAGS, 0, 0, KEEP_ALTERNATE_STACK, 0, 0)
        frame += struct.pack("<18Q", *(registers[name] for name in CONTEXT))
        frame += struct.pack("<4H", registers["cs"], 0, 0, registers["ss"])
        frame += struct.pack("<5Q", 0, 0, 0, 0, floating_point_at) + bytes(64)
        return (frame + struct.pack("<Q", mask)).ljust(FRAME_BYTES, b"\0")


def with_restarted_system_call(registers):
    if registers["orig_rax"] >> 63:
        return registers
    result = registers["rax"] - (registers["rax"] >> 63 << 64)
    if result in RESTARTED:
        return {**registers, "rax": registers["orig_rax"], "rip": registers["rip"] - 2}
    if result == RESTART_BLOCK:
        return {**registers, "rax": INTERRUPTED + (1 << 64)}
    return registers
