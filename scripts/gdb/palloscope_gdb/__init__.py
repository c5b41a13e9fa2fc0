"""The walk over a PostgreSQL backend's memory contexts, for gdb's Python."""
