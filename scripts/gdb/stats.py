"""Run by stats.sh, in gdb's Python, with `pid` and `seconds`."""

import os
import sys

import gdb

sys.dont_write_bytecode = True  # nothing is left beside the script
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from palloscope_gdb.stats import Refused, memory_context_stats  # noqa: E402


def write_whole(descriptor, data):
    while data:
        data = data[os.write(descriptor, data):]


try:
    write_whole(1, memory_context_stats(pid, seconds))  # noqa: F821
except Refused as refusal:
    write_whole(2, f"stats.sh: {refusal}\n".encode())
    gdb.execute(f"quit {refusal.exit_code}")
