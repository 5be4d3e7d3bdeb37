"""The one place that escapes and formats: for HTML, SVG, terminal and CSV.

Every string from a report, DNS, HTTP, SMTP or a certificate was written by a stranger. Nothing of theirs reaches
a screen or a file except through a function of this module.
"""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import UTC, date, datetime, timedelta

__all__ = [
    "MISSING",
    "clip",
    "csv_cell",
    "display_width",
    "html_text",
    "is_absent",
    "json_text",
    "number",
    "one_line",
    "plural",
    "share",
    "span",
    "svg_text",
    "terminal_text",
    "visible",
    "when",
]

#: How a value that is not known is shown. Unknown is not zero.
MISSING = "–"

# Control characters, surrogates, and the marks that reorder or hide text (bidirectional overrides, zero width,
# tags): shown as an escape, so that what a person reads is what is there.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff"
    "\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
# A spreadsheet runs a cell that begins with one of these, full-width or not, blanks before it or not (CWE-1236). In many
# countries it reads `;` as the separator, so a cell may begin after one; or after a tab or a line feed.
_FORMULA = re.compile(r"(?:^|(?<=[;\t\n]))(?=(?:[^\S\t\n]|[\"'])*[=+\-@＝＋－＠\t\r])")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def is_absent(value: object) -> bool:
    """Whether a value is not known: None, NaN, NaT or pandas' NA."""
    try:
        return value is None or bool(value != value)  # NaN and NaT alone are unequal to themselves
    except TypeError:  # NA alone does not say whether it equals itself
        return True


def _reveal(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str) -> str:
    """Return the text with every hidden or reordering character as an escape; tab and newline stay.

    Examples
    --------
    >>> visible("user\u202etxt.exe")
    'user\\\\u202etxt.exe'
    """
    return _HIDDEN.sub(_reveal, text)


def clip(text: str, width: int = 300) -> str:
    """Return the text, its middle left out where it is longer than `width` characters; says how much.

    Examples
    --------
    >>> clip("a" * 40, 20)
    'aaaaa… (30 more) …aaaaa'
    """
    if len(text) <= width:
        return text
    keep = max(1, (width - 9) // 2)
    return f"{text[:keep]}… ({len(text) - 2 * keep} more) …{text[-keep:]}"


def one_line(text: object, width: int = 300) -> str:
    """Return a value as one visible line of at most about `width` characters.

    Examples
    --------
    >>> one_line("a\\r\\n b")
    'a b'
    """
    return clip(visible(" ".join(str(text).split())), width)


def html_text(value: object, width: int | None = None) -> str:
    """Return a value as text that is safe in HTML content and in a quoted attribute.

    Parameters
    ----------
    value : object
        None, NaN, NaT and NA give `MISSING`.
    width : int, optional
        Clip longer text to about this many characters.

    Examples
    --------
    >>> html_text("<b>&'\\"")
    '&lt;b&gt;&amp;&#x27;&quot;'
    """
    if is_absent(value):
        return MISSING
    text = visible(str(value))
    return html.escape(clip(text, width) if width else text, quote=True)


def svg_text(value: object, width: int | None = None) -> str:
    """Return a value as text that is safe in SVG (XML) content and attributes.

    Examples
    --------
    >>> svg_text("a < b\\x00")
    'a &lt; b\\\\x00'
    """
    # `visible` has turned all that XML 1.0 §2.2 forbids into escapes, but for the two non-characters below.
    return html_text(value, width).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def terminal_text(value: object, width: int | None = None) -> str:
    """Return a value as one line without control sequences, for a terminal.

    Examples
    --------
    >>> terminal_text("\\x1b[31mred")
    '\\\\x1b[31mred'
    """
    return MISSING if is_absent(value) else one_line(value, width or 2000)


def csv_cell(value: object) -> object:
    """Return a value for a CSV cell; where a spreadsheet would run text as a formula, an apostrophe comes before it.

    Numbers, also negative ones written as text, stay as they are. Hidden and reordering characters become escapes.

    Examples
    --------
    >>> csv_cell("=HYPERLINK(1)"), csv_cell("a; =B1"), csv_cell("-3.5"), csv_cell(7)
    ("'=HYPERLINK(1)", "a;' =B1", '-3.5', 7)
    """
    if not isinstance(value, str):
        return value
    return value if _NUMBER.fullmatch(value) else _FORMULA.sub("'", visible(value))


def json_text(text: str) -> str:
    """Return JSON with hidden and reordering characters as its own escapes: the same values, and safe on a terminal.

    Examples
    --------
    >>> json_text('{"a": "\u202e\U000e0041"}')
    '{"a": "\\\\u202e\\\\udb40\\\\udc41"}'
    """

    def escape(match: re.Match[str]) -> str:
        units = match.group().encode("utf-16-be", "surrogatepass").hex()
        return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))

    # JSON has such characters in its strings only.
    return _HIDDEN.sub(escape, text)


def number(value: float | None) -> str:
    """Return a count with thousands separated; None or NaN gives `MISSING`.

    Examples
    --------
    >>> number(1234567), number(None)
    ('1,234,567', '–')
    """
    if value is None or is_absent(value):
        return MISSING
    return f"{round(value):,}"


def share(part: float | None, whole: float | None) -> str:
    """Return a part of a whole in per cent. Never 0 % for some, never 100 % for not all.

    Examples
    --------
    >>> share(1, 100_000), share(99_999, 100_000), share(1, 8), share(0, 0), share(0, 5)
    ('< 0.1 %', '> 99.9 %', '12.5 %', '–', '0 %')
    """
    if part is None or whole is None or is_absent(part) or is_absent(whole) or not whole:
        return MISSING
    percent = 100 * part / whole
    if part == 0 or part == whole:
        return f"{percent:.0f} %"
    if percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %"


def plural(count: int, singular: str, many: str | None = None) -> str:
    """Return a count with its noun in agreement.

    Examples
    --------
    >>> plural(1, "report"), plural(0, "report"), plural(1200, "policy", "policies")
    ('1 report', '0 reports', '1,200 policies')
    """
    return f"{number(count)} {singular if count == 1 else many or singular + 's'}"


def when(moment: datetime | date | None) -> str:
    """Return a moment as `2026-02-08 14:05 UTC`, a day as `2026-02-08`. A time without a zone is taken as UTC.

    Examples
    --------
    >>> when(date(2026, 2, 8)), when(None)
    ('2026-02-08', '–')
    """
    if moment is None or is_absent(moment):
        return MISSING
    if isinstance(moment, datetime):
        moment = moment.astimezone(UTC) if moment.tzinfo else moment
        return moment.strftime("%Y-%m-%d %H:%M UTC")
    return moment.strftime("%Y-%m-%d")


def span(length: timedelta | float | None) -> str:
    """Return a length of time (timedelta, or seconds) in its two largest units.

    Examples
    --------
    >>> span(timedelta(days=30)), span(90061), span(300)
    ('30 days', '1 day 1 hour', '5 minutes')
    """
    if length is None or is_absent(length):
        return MISSING
    seconds = round(length.total_seconds() if isinstance(length, timedelta) else length)
    if seconds < 0:
        return "-" + span(-seconds)
    parts: list[str] = []
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(plural(count, unit))
        elif parts:
            break
    return " ".join(parts[:2]) or "0 seconds"


def display_width(text: str) -> int:
    """Return how many terminal cells a text takes: wide East Asian characters take two, combining marks none.

    Examples
    --------
    >>> display_width("mx1"), display_width("例え")
    (3, 4)
    """
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
