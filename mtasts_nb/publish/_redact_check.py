"""The last check of a redacted page: no original, and no host name or address that is not a pseudonym, in any decoding."""

from __future__ import annotations

import ast
import base64
import html
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote

from ..markup import visible
from ._harmless import PROTOCOL_LABELS, REPORT_KEYS, is_harmless, own_texts
from ._redact_names import as_address, as_host

__all__ = ["code_names", "leaks", "strangers", "texts_of"]

#: Elements within a line: what they hold is one word with what is beside them.
_INLINE = frozenset({"a", "abbr", "b", "bdi", "cite", "code", "em", "i", "kbd", "mark", "q", "s", "small", "span", "strong", "sub", "sup", "tspan", "u", "wbr"})  # fmt: skip
_IMAGE = re.compile(r"data:image/svg\+xml[^,]*?(;base64)?,(.*)", re.DOTALL | re.IGNORECASE)
_DATA = re.compile(r"data:[\w/+.-]+(;[\w=-]+)*;base64,")
_WORD = re.compile(r"…?[\w.-]+…?")
_MAIL = re.compile(r"([\w.+-]{1,64})@(?=[\w.-]+)")
_LITERAL = re.compile(r"(?<![\w.:])…?[0-9a-fA-F:.]{3,64}…?")
_DASHED = re.compile(r"(?<![\w-])(?:\w{1,16}-)?(\d{1,3}(?:-\d{1,3}){3})(?![\w-])")
_DIGITS = re.compile(r"(?<!\w)(?:0x[0-9a-fA-F]{8}|[1-4]\d{9})(?!\w)")
_ESCAPE = re.compile(r"\\(?:u\{?([0-9a-fA-F]{4,6})\}?|x([0-9a-fA-F]{2})|U([0-9a-fA-F]{8}))")
_HIDDEN = re.compile("[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")  # fmt: skip
_DOT = re.compile(
    r"\s?(?:\[(?:\.|dot)\]|\((?:\.|dot)\)|\{(?:\.|dot)\}|\\\.|[\u3002\uff0e\uff61\u2024])\s?", re.IGNORECASE
)
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{8,4096}(?![A-Za-z0-9+/_-])")
_QUOTED = re.compile(r"(?:=[0-9A-Fa-f]{2})+")
_DECODINGS = 4
#: A text of ours that was cut: the word beside it is a part.
_CUT = "…"


class _Reader(HTMLParser):
    """Collects every text of a page: what is shown, attributes, comments; not its style sheet, which is ours."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.line: list[str] = []
        self.in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_style = tag == "style"
        if tag not in _INLINE:
            self.end_line()
        for name, value in attrs:
            self.texts.append(name)
            if picture := _IMAGE.fullmatch(value or ""):
                svg = unquote(picture[2])
                self.texts += _texts(base64.b64decode(svg).decode("utf-8", "replace") if picture[1] else svg)
            elif not _DATA.match(value or ""):
                self.texts.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self.in_style &= tag != "style"
        if tag not in _INLINE:
            self.end_line()

    def handle_data(self, data: str) -> None:
        if not self.in_style:
            self.line.append(data)

    def handle_comment(self, data: str) -> None:
        self.texts.append(data)

    def handle_decl(self, decl: str) -> None:
        self.texts.append(decl)

    def handle_pi(self, data: str) -> None:
        self.texts.append(data)

    def unknown_decl(self, data: str) -> None:
        self.texts.append(data)

    def end_line(self) -> None:
        self.texts.append("".join(self.line))
        self.line.clear()


def texts_of(page: str, own: str = "") -> frozenset[str]:
    """Return every text of a page: what is shown, attributes, comments, those of pictures; and what its escapes stand for.

    Parameters
    ----------
    page : str
        Its HTML.
    own : str
        HTML of which the page says the same: each whole text of it is left out, as often as it is there, and no part of
        another text.
    """
    return frozenset(form for text in Counter(_texts(page)) - Counter(_texts(own)) for form in _decodings(text))


def _texts(page: str) -> list[str]:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    reader.end_line()
    return [text for text in reader.texts if text.strip()]


def _decodings(text: str) -> Iterator[str]:
    """Return a text, and what a browser, a mail program or a person would make of the escapes in it."""
    for _ in range(_DECODINGS):
        yield text
        before, text = text, _decoded(text)
        if text == before:
            return


def _decoded(text: str) -> str:
    text = _ESCAPE.sub(_character, unquote(html.unescape(text)))
    text = _HIDDEN.sub("", _DOT.sub(".", text))
    text = _CUT.join(unicodedata.normalize("NFKC", part) for part in text.split(_CUT))
    text = _QUOTED.sub(_unquoted, re.sub(r"=\r?\n", "", text))
    return _BASE64.sub(_plain, text)


def _unquoted(match: re.Match[str]) -> str:
    """Return what quoted-printable stands for, where that is text: `period=case` is none."""
    try:
        text = bytes.fromhex(match[0].replace("=", "")).decode("utf-8")
    except UnicodeDecodeError:
        return match[0]
    return text if text.isprintable() else match[0]


def _character(match: re.Match[str]) -> str:
    number = int(match[1] or match[2] or match[3], 16)
    return chr(number) if number < 0x110000 else match[0]


def _plain(match: re.Match[str]) -> str:
    """Return what base64 stands for, where that is text."""
    word = match[0].translate({ord("-"): "+", ord("_"): "/"})
    try:
        text = base64.b64decode(word + "=" * (-len(word) % 4), validate=True).decode("ascii")
    except ValueError:
        return match[0]
    return f"{match[0]} {text}" if text.isprintable() and "." in text else match[0]


@cache
def _own() -> frozenset[str]:
    """Return the host names, files and addresses that our own texts name; the names of SVG; and what stands for a host."""
    google = (f"alt{number}.aspmx.l.google.com" for number in range(1, 5))  # made by the code of notebook 05
    return frozenset(
        {
            "www.w3.org",
            "mx-host",
            "domain",
            *google,
            *REPORT_KEYS,
            *(word for text in own_texts() for word in _shaped(text)),
        }
    )


def code_names(node: Any) -> set[str]:
    """Return the dotted names that are code in a notebook: `archive.sessions` has the form of a host name."""
    names: set[str] = set()
    for cell in node.cells:
        if cell.cell_type == "code":
            try:
                tree = ast.parse(cell.source)
            except SyntaxError:
                continue
            for part in ast.walk(tree):
                names.update(_shaped(_dotted(part)))
    return names


def _dotted(part: ast.AST) -> str:
    """Return the name that a part of code is; empty for others."""
    match part:
        case ast.Attribute():
            return ast.unparse(part)
        case ast.ImportFrom(module=str(name)) | ast.alias(name=name):
            return name
    return ""


def _shaped(text: str) -> Iterator[str]:
    """Return the words of a text that have the form of a host name, an address or the local part of a mail address."""
    for word in _WORD.findall(text):
        core = word.strip(f".-{_CUT}")
        if "." in core and (host := as_host(core)):
            yield _cut(word, host)
    for literal in _LITERAL.findall(text):
        core = literal.strip(_CUT)
        if address := _address(core.strip(".")) or _address(core.strip(".:")):
            yield _cut(literal, address)
    yield from _DASHED.findall(text)
    yield from _DIGITS.findall(text)
    yield from (f"{local}@" for local in _MAIL.findall(text))


def _cut(word: str, core: str) -> str:
    return f"{_CUT * word.startswith(_CUT)}{core}{_CUT * word.endswith(_CUT)}"


def _address(text: str) -> str:
    address = as_address(text) if len(text) > 2 else None
    return "" if address is None else str(address)


def strangers(texts: Collection[str], made: Collection[str], code: Collection[str] = ()) -> set[str]:
    """Return the host names, addresses and mail addresses in a page that are neither pseudonyms nor our own texts'.

    Parameters
    ----------
    texts : collection of str
        Of a page, as `texts_of` gives them.
    made : collection of str
        The pseudonyms, in lower case.
    code : collection of str
        Names that are parts of the notebook's code.

    Examples
    --------
    >>> sorted(strangers(texts_of("<p>mx.domain-1.example, elsewhere&#46;test"), {"domain-1.example"}))
    ['elsewhere.test']
    """
    known = {*made, *_own(), *code}
    return {word for text in texts for word in _shaped(text) if not _is_known(word, known)}


def _is_known(word: str, known: set[str]) -> bool:
    if word.endswith("@"):
        return all(is_harmless(part) for part in re.split(r"[.+_-]", word[:-1]))
    if _CUT in word:
        core = word.strip(_CUT)
        return any(name.startswith(core) if word.endswith(_CUT) else name.endswith(core) for name in known)
    while word not in known:
        label, dot, word = word.partition(".")
        if not dot or not (label in PROTOCOL_LABELS or is_harmless(label)):
            return False
    return True


def leaks(texts: Collection[str], originals: Iterable[str]) -> set[str]:
    """Return the originals that are in a page, in its text, attributes, comments or pictures, whatever their case.

    Only names that cannot be ordinary words are searched for: with a dot, a colon, an at sign, a digit, or a blank in
    them.
    """
    whole = "\n".join(texts).casefold()
    words: set[str] = set()
    for word in set(re.findall(r"[\w.@:+-]+", whole)):
        core = word.strip(".:@-+")
        parts = {core, *(part.strip(".-") for part in re.split(r"[@:+/]", core))}
        words |= parts
        # A host reveals its domain, too.
        words |= {
            part[at + 1 :] for part in parts if part.count(".") <= 20 for at, sign in enumerate(part) if sign == "."
        }
    leaked = set()
    for original in originals:
        text = " ".join(visible(original).split()).casefold()
        if len(text) < 4 or not re.search(r"[.:@\d\s]", text):
            continue
        if text in words if re.fullmatch(r"[\w.@:+-]+", text) else text in whole:
            leaked.add(original)
    return leaked
