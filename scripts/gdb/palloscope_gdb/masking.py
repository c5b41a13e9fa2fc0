"""Literals of SQL become $1, $2, …: the forms of inspector/statements/form.cpp.

Where a text leaves a doubt it is shown by its leading keywords alone: what is no literal for certain
is not shown.
"""

import re

from .layouts import KEYWORDS, NAMED_CONTEXTS, REGEXP_CONTEXT

MAX_STATEMENT_BYTES = 1 << 20
MAX_LIST_DEPTH = 8
MAX_LEADING_KEYWORDS = 8
CONSTANT_WORDS = ("null", "true", "false", "default")
LITERAL, PARAMETER, IDENTIFIER, WORD, OTHER = range(5)

# Each byte of the text is one character here (latin-1); bytes beyond ASCII are letters (scan.l).
SPACE = r"[ \t\n\r\f\v]+"
LETTER = r"[A-Za-z_\x80-\xff]"
TOKEN = re.compile(rf"""
    (?P<space>{SPACE}|--[^\n\r]*)
  | (?P<comment>/\*)
  | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*')
  | (?P<string>(?:[nNbBxX]|[uU]&)?'(?:[^']|'')*')
  | (?P<dollar>\$(?:{LETTER}[A-Za-z0-9_\x80-\xff]*)?\$)
  | (?P<parameter>\$[0-9]+(?![A-Za-z0-9_\x80-\xff]))
  | (?P<number>(?:[0-9]+(?:\.(?!\.)[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_$.\x80-\xff]))
  | (?P<quoted>"(?:[^"]|"")+")
  | (?P<word>{LETTER}[A-Za-z0-9_$\x80-\xff]*)
  | (?P<symbol>::|:=|\.\.|[,()\[\].;:])
  | (?P<operator>(?:(?!--|/\*)[-+*/<>=~!@\#%^&|`?])+)
""", re.VERBOSE | re.DOTALL)


class Token:
    __slots__ = ("kind", "text", "space_before")

    def __init__(self, kind, text, space_before):
        self.kind, self.text, self.space_before = kind, text, space_before

    def is_word(self, word):
        return self.kind == WORD and self.text.lower() == word


def scan(text):
    """The tokens of a text, None where a doubt is left."""
    if len(text) > MAX_STATEMENT_BYTES or "\0" in text:
        return None
    tokens, at, space = [], 0, False
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            return None
        kind, piece = match.lastgroup, match.group()
        at = match.end()
        if kind == "comment":
            at = comment_end(text, match.start())
            if at is None:
                return None
        if kind in ("space", "comment"):
            space = True
            continue
        if kind == "dollar":
            at = text.find(piece, at) + len(piece)
            if at < match.end() + len(piece):
                return None
        # With standard_conforming_strings off, a backslash before a quote carries a string on.
        if kind == "string" and "\\'" in piece:
            return None
        # A string that goes on after a line's end is one literal; U&"…" is a name with escapes.
        if kind in ("string", "escaped") and re.match(rf"{SPACE}'", text[at:at + 256]) and \
                "\n" in text[at:text.index("'", at)]:
            return None
        if kind == "word" and text[at:at + 1] in "'\"" and text[at:at + 1] and \
                piece.lower() in ("e", "b", "x", "n", "u"):
            return None
        if kind == "word" and piece.lower() == "u" and text[at:at + 1] == "&":
            return None
        tokens.append(Token({"escaped": LITERAL, "string": LITERAL, "dollar": LITERAL,
                             "number": LITERAL, "parameter": PARAMETER, "quoted": IDENTIFIER,
                             "word": WORD}.get(kind, OTHER), piece, space))
        space = False
    return tokens


def comment_end(text, at):
    depth = 0
    for match in re.finditer(r"/\*|\*/", text[at:]):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return at + match.end()
    return None


def is_symbol(tokens, at, symbol):
    return at < len(tokens) and tokens[at].kind == OTHER and tokens[at].text == symbol


def skip_casts(tokens, at):
    while is_symbol(tokens, at, "::"):
        at += 1
        while at < len(tokens) and (tokens[at].kind in (IDENTIFIER, WORD) or is_symbol(tokens, at, ".")):
            at += 1
        while is_symbol(tokens, at, "[") and is_symbol(tokens, at + 1, "]"):
            at += 2
    return at


def skip_constant(tokens, at, depth):
    """Behind one constant, or a row of them; None where something else stands there."""
    if is_symbol(tokens, at, "-") or is_symbol(tokens, at, "+"):
        at += 1
    if at >= len(tokens):
        return None
    if is_symbol(tokens, at, "(") or is_symbol(tokens, at, "["):
        if depth >= MAX_LIST_DEPTH:
            return None
        close = ")" if tokens[at].text == "(" else "]"
        behind = skip_constant(tokens, at + 1, depth + 1)
        while behind is not None and is_symbol(tokens, behind, ","):
            behind = skip_constant(tokens, behind + 1, depth + 1)
        return behind + 1 if behind is not None and is_symbol(tokens, behind, close) else None
    token = tokens[at]
    if token.kind in (LITERAL, PARAMETER) or any(token.is_word(word) for word in CONSTANT_WORDS):
        return skip_casts(tokens, at + 1)
    return None


def constants_from(tokens, at):
    """Of a list of two constants and more: behind the first, behind the last."""
    first = behind = end = skip_constant(tokens, at, 0)
    while behind is not None and is_symbol(tokens, behind, ","):
        behind = skip_constant(tokens, behind + 1, 0)
        end = behind if behind is not None else end
    return None if behind is None or end == first else (first, end)


def list_at(tokens, at):
    if at >= 1 and is_symbol(tokens, at, "(") and tokens[at - 1].is_word("values"):
        return constants_from(tokens, at)
    if at < 2:
        return None
    in_list = is_symbol(tokens, at - 1, "(") and tokens[at - 2].is_word("in")
    array = is_symbol(tokens, at - 1, "[") and tokens[at - 2].is_word("array")
    found = constants_from(tokens, at) if in_list or array else None
    return found if found and is_symbol(tokens, found[1], ")" if in_list else "]") else None


def form(tokens):
    while tokens and is_symbol(tokens, len(tokens) - 1, ";"):
        tokens = tokens[:-1]
    text, placeholders, after_placeholder, at = "", 0, False, 0
    while at < len(tokens):
        found = list_at(tokens, at)
        shown_end = found[0] if found else at + 1
        for token in tokens[at:shown_end]:
            placeholder = token.kind in (LITERAL, PARAMETER)
            placeholders += placeholder
            piece = f"${placeholders}" if placeholder else token.text
            joins = (placeholder or after_placeholder) and text and \
                re.match(r"[A-Za-z0-9_$\x80-\xff]{2}", text[-1] + piece[0])
            text += (" " if text and (token.space_before or joins) else "") + piece
            after_placeholder = placeholder
        at = shown_end
        if found:
            text += ", ..."
            after_placeholder = False
            at = found[1]
    return text


def leading_keywords(text):
    words = []
    while len(words) < MAX_LEADING_KEYWORDS:
        while True:
            match = re.match(rf"{SPACE}|--[^\n\r]*", text)
            end = match.end() if match else comment_end(text, 0) if text.startswith("/*") else 0
            if not end:
                break
            text = text[end:]
        match = re.match(r"([A-Za-z_]+)(?=[ \t\n\r\f\v]|--|/\*|$)", text)
        if not match or match.group().lower() not in KEYWORDS:
            break
        words.append(match.group())
        text = text[match.end():]
    return " ".join(words)


def masked(sql):
    """The form of a statement; bytes in, bytes out."""
    text = sql.decode("latin-1")
    tokens = scan(text)
    return (leading_keywords(text) if tokens is None else form(tokens)).encode("latin-1")


def masked_ident(name, ident):
    """What may be shown of the ident of a context, as inspector/statements/ident.cpp."""
    name = name.decode("latin-1")
    if name in NAMED_CONTEXTS:
        return ident
    if name == REGEXP_CONTEXT:
        return b"$1"
    if ident.endswith(b"..."):
        return masked(ident[:-3]) + b"..."
    return masked(ident)
