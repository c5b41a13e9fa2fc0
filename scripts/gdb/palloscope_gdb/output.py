"""Snapshots as text and as JSON, as `palloscope snapshot` prints them."""

import json
import os
import unicodedata

from .server import FIGURES

# What terminals obey, or what changes the look of the rest: inspector/report/clean_text.cpp.
UNSAFE = ((0x80, 0x9F), (0x61C, 0x61C), (0x200E, 0x200F), (0x2028, 0x2029), (0x202A, 0x202E),
          (0x2066, 0x2069), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F))
COLUMNS = (("name", "<"), ("ident", "<"), ("type", "<"), ("level", ">"), ("path", "<"),
           ("total_bytes", ">"), ("total_nblocks", ">"), ("free_bytes", ">"), ("free_chunks", ">"),
           ("used_bytes", ">"))
MAX_PATH_IDS = 20
MAX_INDENTED_LEVELS = 20
FEW_SIBLINGS = 3
MAX_SNAPSHOT_BYTES = 1 << 30


def text_of(value):
    """Bytes as JSON has them: what is no UTF-8 as \\xNN."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def clean(value):
    """For a terminal."""
    text = ""
    for character in text_of(value) or "":
        code = ord(character)
        if code < 0x20 or code == 0x7F:
            text += f"\\x{code:02x}"
        elif any(first <= code <= last for first, last in UNSAFE):
            text += f"\\u{{{code:x}}}"
        else:
            text += character
    return text


def clean_line(value):
    return clean(" ".join((text_of(value) or "").split()))


def size_text(size):
    value = float(size)
    if abs(value) < 1024:
        return f"{size} B"
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1024
        if abs(value) < 1023.95 or unit == "TB":
            return f"{value:.1f} {unit}"


def width(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


def padded(text, columns, alignment):
    blanks = " " * (columns - width(text))
    return text + blanks if alignment == "<" else blanks + text


def rows_as_table(columns, rows):
    """As psql prints them."""
    widths = [max(width(row[i]) for row in [[name for name, _ in columns]] + rows)
              for i in range(len(columns))]
    centred = [padded(" " * ((w - len(name)) // 2) + name, w, "<")
               for (name, _), w in zip(columns, widths)]
    lines = [" " + " | ".join(centred) + " ", "+".join("-" * (w + 2) for w in widths)]
    for row in rows:
        lines.append(" " + " | ".join(padded(row[i], widths[i], columns[i][1])
                                      for i in range(len(columns))))
    return "\n".join(lines) + f"\n({len(rows)} row{'' if len(rows) == 1 else 's'})\n"


def table(snapshot):
    def row(context):
        cells = [clean(context["name"]), clean(context["ident"]), context["type"], str(context["level"])]
        path = context["path"]
        cut = "...," if len(path) > MAX_PATH_IDS else ""
        cells.append("{" + cut + ",".join(map(str, path[-MAX_PATH_IDS:])) + "}")
        return cells + [str(context[name]) for name in FIGURES]
    return rows_as_table(COLUMNS, [row(context) for context in snapshot["contexts"]])


def heading(snapshot):
    process, total = snapshot["process"], snapshot["grand_total"]
    version = snapshot["server_version_num"]
    minor = version % 10000 if version >= 100000 else f"{version // 100 % 100}.{version % 100}"
    parts = [f"pid {process['pid']}"]
    if process["user"] is not None or process["database"] is not None:
        parts.append(f"{clean_line(process['user'])}@{clean_line(process['database'])}")
    parts += [clean_line(process["application_name"]), clean_line(process["state"])]
    if process["backend_type"] != "client backend":
        parts.append(process["backend_type"])
    parts.append(f"PostgreSQL {version // 10000}.{minor}")
    lines = [" | ".join(part for part in parts if part)]
    if process["query"] is not None:
        lines.append("query: " + clean_line(process["query"]))
    lines.append(f"{len(snapshot['contexts']):,} contexts | {size_text(total['used_bytes'])} used of "
                 f"{size_text(total['total_bytes'])} | {size_text(total['free_bytes'])} free in "
                 f"{total['free_chunks']:,} chunks | {total['total_nblocks']:,} blocks")
    return "\n".join(lines) + "\n\n"


def tree(snapshot):
    """The largest first, many siblings of one name folded into a line."""
    contexts = snapshot["contexts"]
    children = [[] for _ in contexts]
    below = [context["used_bytes"] for context in contexts]
    for i in range(len(contexts) - 1, 0, -1):
        below[contexts[i]["parent_id"] - 1] += below[i]
    for i, context in enumerate(contexts[1:], 1):
        children[context["parent_id"] - 1].append(i)

    def folded(members, depth):
        groups = {}
        for child in (child for member in members for child in children[member]):
            groups.setdefault(contexts[child]["name"], []).append(child)
        lines = []
        for group in groups.values():
            few = len(group) <= FEW_SIBLINGS and len(members) == 1
            lines += [([one], depth) for one in group] if few else [(group, depth)]
        return sorted(lines, key=lambda line: -sum(below[i] for i in line[0]))

    text = heading(snapshot) + "".join(name.rjust(10) for name in ("used", "total", "free", "subtree"))
    text += "  context\n"
    waiting = [([0], 0)]
    lines = []
    while waiting:
        members, depth = waiting.pop()
        lines.append(tree_line(contexts, children, below, members, depth))
        waiting.extend(reversed(folded(members, depth + 1)))
    return text + "".join(lines)


def tree_line(contexts, children, below, members, depth):
    sums = [sum(contexts[i][name] for i in members) for name in ("used_bytes", "total_bytes", "free_bytes")]
    subtree = size_text(sum(below[i] for i in members)) if any(children[i] for i in members) else ""
    figures = "".join(size_text(size).rjust(10) for size in sums) + subtree.rjust(10)
    indent = "  " * min(depth, MAX_INDENTED_LEVELS)
    if depth > MAX_INDENTED_LEVELS:
        indent += f"[level {depth + 1}] "
    largest = max(members, key=lambda i: below[i])
    ident = contexts[largest]["ident"]
    detail = ": " + clean_line(ident) if ident is not None else ""
    if len(members) > 1:
        detail = f" x{len(members):,}  largest {size_text(below[largest])}{detail}"
    return f"{figures}  {indent}{clean_line(contexts[largest]['name'])}{detail}\n"


def name_paths(contexts):
    paths = []
    for context in contexts:
        parent = context["parent_id"]
        name = text_of(context["name"])
        paths.append(name if parent is None else f"{paths[parent - 1]}/{name}")
    return paths


def sums_by_path(snapshot):
    """Contexts and used bytes of each path of names."""
    sums = {}
    for path, context in zip(name_paths(snapshot["contexts"]), snapshot["contexts"]):
        count, used, total = sums.get(path, (0, 0, 0))
        sums[path] = (count + 1, used + context["used_bytes"], total + context["total_bytes"])
    return sums


def top(snapshot, number):
    sums = sorted(sums_by_path(snapshot).items(), key=lambda item: -item[1][1])[:number]
    columns = (("used_bytes", ">"), ("total_bytes", ">"), ("contexts", ">"), ("path", "<"))
    return heading(snapshot) + rows_as_table(
        columns, [[str(used), str(total), str(count), clean(path)] for path, (count, used, total) in sums])


def difference(before, after):
    """What grew, shrank, appeared and vanished, by paths of names; the most first."""
    old, new = sums_by_path(before), sums_by_path(after)
    rows = []
    for path in list(new) + [path for path in old if path not in new]:
        count_before, used_before, _ = old.get(path, (0, 0, 0))
        count_after, used_after, _ = new.get(path, (0, 0, 0))
        if (count_before, used_before) != (count_after, used_after):
            rows.append((used_after - used_before, count_after - count_before, used_before, used_after, path))
    rows.sort(key=lambda row: -abs(row[0]))
    grown = after["grand_total"]["used_bytes"] - before["grand_total"]["used_bytes"]
    columns = (("used change", ">"), ("contexts change", ">"), ("used before", ">"), ("used after", ">"),
               ("path", "<"))
    return f"used {'+' if grown >= 0 else '-'}{size_text(abs(grown))}\n\n" + rows_as_table(
        columns, [[f"{row[0]:+}", f"{row[1]:+}", str(row[2]), str(row[3]), clean(row[4])] for row in rows])


def as_json(snapshot):
    def plain(value):
        if isinstance(value, dict):
            return {name: plain(member) for name, member in value.items()}
        return text_of(value)
    return json.dumps({**plain(snapshot), "contexts": [plain(context) for context in snapshot["contexts"]]},
                      ensure_ascii=False, separators=(",", ":")) + "\n"


def save(snapshot, path):
    """As a new file of mode 0600, which takes the place of an old one once it is whole."""
    unfinished = f"{path}.{os.getpid()}.unfinished"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(as_json(snapshot))
        os.replace(unfinished, path)
    except BaseException:
        os.unlink(unfinished)
        raise


def load(path):
    """A snapshot saved here or by `palloscope snapshot --format json`. ValueError where it is none."""
    if os.path.getsize(path) > MAX_SNAPSHOT_BYTES:
        raise ValueError("it is larger than any snapshot")
    with open(path, encoding="utf-8") as file:
        snapshot = json.load(file)
    try:
        if snapshot["schema"] != "palloscope.snapshot/1":
            raise ValueError("it is no palloscope.snapshot/1")
        for i, context in enumerate(snapshot["contexts"]):
            parent = context["parent_id"]
            if not isinstance(context["name"], str) or \
                    not all(isinstance(context[name], int) for name in FIGURES) or \
                    (parent is None) != (i == 0) or i > 0 and not 1 <= parent <= i:
                raise ValueError(f"its context {i + 1} is none")
        snapshot["grand_total"] = {name: sum(context[name] for context in snapshot["contexts"])
                                   for name in FIGURES}
    except (KeyError, TypeError):
        raise ValueError("it is no palloscope.snapshot/1") from None
    return snapshot
