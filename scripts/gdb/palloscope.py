"""Palloscope inside gdb: the memory contexts of a PostgreSQL backend, where only gdb is allowed.

    gdb -nx -p PID -batch -x palloscope.py -ex 'palloscope tree' -ex detach
    gdb -nx EXECUTABLE CORE -batch -x palloscope.py -ex 'palloscope table'

For gdb 10 and later, PostgreSQL 9.4 to 19 on x86-64, stripped or not, in containers too. It reads
memory, and calls nothing in the process; but gdb holds the process stopped until it detaches.
`help palloscope` names the commands. The folder palloscope_gdb must lie beside this file.
"""

import os
import sys

import gdb

sys.dont_write_bytecode = True  # nothing is left beside the script
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from palloscope_gdb import output  # noqa: E402
from palloscope_gdb.caches import CatalogCaches  # noqa: E402
from palloscope_gdb.memory import Fault  # noqa: E402
from palloscope_gdb.prepared import PreparedStatements  # noqa: E402
from palloscope_gdb.server import Server  # noqa: E402

SHOW_LITERALS = "--show-literals"


def show(text):
    try:
        gdb.write(text)
    except UnicodeEncodeError:  # the terminal's character set is not UTF-8
        gdb.write(text.encode("ascii", "backslashreplace").decode("ascii"))


class Palloscope(gdb.Command):
    """Memory contexts of a PostgreSQL backend: palloscope tree, table, top, diff, save, statement,
catcache, prepared. Literals of SQL are shown as $1, $2, … unless --show-literals is given."""

    def __init__(self):
        super().__init__("palloscope", gdb.COMMAND_DATA, prefix=True)


class Subcommand(gdb.Command):
    """One command. `arguments` is how many words it takes; `run` prints."""

    arguments = 0

    def __init__(self):
        super().__init__("palloscope " + type(self).__name__.lower(), gdb.COMMAND_DATA,
                         gdb.COMPLETE_FILENAME)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        show_literals = SHOW_LITERALS in words
        words = [word for word in words if word != SHOW_LITERALS]
        if len(words) > self.arguments or any(word.startswith("--") for word in words):
            raise gdb.GdbError(f"palloscope: too many words; help palloscope {type(self).__name__.lower()}")
        self.run(Server(), words, show_literals)


class Tree(Subcommand):
    """palloscope tree: all contexts, the largest first, many alike siblings in one line."""

    def run(self, server, words, show_literals):
        show(output.tree(server.snapshot(show_literals)))


class Table(Subcommand):
    """palloscope table: one row a context, with the columns of pg_backend_memory_contexts."""

    def run(self, server, words, show_literals):
        show(output.table(server.snapshot(show_literals)))


class Top(Subcommand):
    """palloscope top [N]: the N largest paths of names, all contexts of a path together (20)."""

    arguments = 1

    def run(self, server, words, show_literals):
        if words and not words[0].isdigit():
            raise gdb.GdbError(f"palloscope: '{words[0]}' is no number")
        show(output.top(server.snapshot(show_literals), int(words[0]) if words else 20))


class Diff(Subcommand):
    """palloscope diff SAVED: what grew since a snapshot that was saved (palloscope save FILE, or
palloscope snapshot --format json), by paths of names."""

    arguments = 1

    def run(self, server, words, show_literals):
        path = required(words, "diff SAVED")
        try:
            before = output.load(path)
        except (OSError, ValueError) as error:
            raise gdb.GdbError(f"palloscope: cannot read {path}: {error}") from None
        show(output.difference(before, server.snapshot(show_literals)))


class Save(Subcommand):
    """palloscope save FILE: the snapshot as JSON (palloscope.snapshot/1), for palloscope diff."""

    arguments = 1

    def run(self, server, words, show_literals):
        path = required(words, "save FILE")
        snapshot = server.snapshot(show_literals)
        try:
            output.save(snapshot, path)
        except OSError as error:
            raise gdb.GdbError(f"palloscope: cannot write {path}: {error.strerror}") from None
        show(f"{len(snapshot['contexts'])} contexts saved in {path}\n")


class Statement(Subcommand):
    """palloscope statement [--show-literals]: the statement that runs."""

    def run(self, server, words, show_literals):
        process = server.process(show_literals)
        if process["query"] is None:
            show(f"no statement runs ({process['state'] or 'state not known'})\n")
        else:
            show(output.clean_line(process["query"]) + "\n")


class Catcache(Subcommand):
    """palloscope catcache: entries of each catalog cache, with the negative ones apart."""

    def run(self, server, words, show_literals):
        caches, unsound = fitting(lambda: CatalogCaches(server, server.walk()).found())
        counts = ("entries", "negative_entries", "dead_entries", "lists", "entry_bytes")
        columns = (("catalog", "<"), ("keys", "<")) + tuple((name, ">") for name in counts)
        show(output.rows_as_table(columns, [
            [output.clean(cache["catalog"]), output.clean(b", ".join(cache["keys"]))] +
            [str(cache[name]) for name in counts] for cache in caches
            if any(cache[name] for name in counts)]))
        empty = sum(1 for cache in caches if not any(cache[name] for name in counts))
        show(f"{empty} caches are empty\n")
        if unsound:
            show(f"{unsound} caches left out: they count other entries than were found\n")


class Prepared(Subcommand):
    """palloscope prepared [--show-literals]: prepared statements with what each takes."""

    def run(self, server, words, show_literals):
        statements = fitting(lambda: PreparedStatements(server, server.walk()).found(show_literals))
        columns = (("name", "<"), ("bytes", ">"), ("generic plan", "<"), ("query", "<"))
        show(output.rows_as_table(columns, [
            [output.clean(statement["name"]), str(statement["bytes"]),
             "yes" if statement["generic"] else "no", output.clean_line(statement["query"])]
            for statement in statements]))


def required(words, usage):
    if not words:
        raise gdb.GdbError(f"palloscope: which file? palloscope {usage}")
    return os.path.expanduser(words[0])


def fitting(read):
    try:
        return read()
    except Fault as fault:
        raise gdb.GdbError(f"palloscope: {fault}") from None


for command in (Palloscope, Tree, Table, Top, Diff, Save, Statement, Catcache, Prepared):
    command()
