#!/usr/bin/env bash
# What MemoryContextStats(TopMemoryContext) prints in one PostgreSQL backend, on standard output.
#
#   scripts/gdb/stats.sh PID [SECONDS]
#
# The PostgreSQL Developer FAQ's `gdb -p PID -ex 'call MemoryContextStats(TopMemoryContext)'` done
# right: it calls only while the backend waits for its client's next statement, and waits up to
# SECONDS (30) for such a moment; what is printed comes here, and not into the server's log; and the
# backend is let go whatever becomes of gdb, which sets no breakpoint and holds it for its own walk of
# the contexts and for the call.
#
# Exit codes: 1 failed, 2 wrong arguments, 3 no such PostgreSQL process, 4 not permitted, 5 this
# server cannot be read, 6 no safe moment came. It needs gdb with Python, and nothing else.
set -euo pipefail

if [[ $# -lt 1 || $# -gt 2 || ! $1 =~ ^[1-9][0-9]{0,9}$ || ! ${2:-30} =~ ^(0|[1-9][0-9]{0,4})$ ]]; then
    echo "usage: scripts/gdb/stats.sh PID [SECONDS]" >&2
    exit 2
fi
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# No shell stays behind that could be killed.
exec gdb -nx -q -batch -ex "python pid, seconds = $1, ${2:-30}" -x "$folder/stats.py"
