"""The `_mta-sts` TXT record (RFC 8461 §3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from mtasts_nb.errors import RecordError
from mtasts_nb.markup import one_line, plural
from mtasts_nb.vocabulary import Effect, Severity

from ._decode import as_raw
from ._fault import Fault, Raw
from ._policy import sentence
from ._record_lint import Kind, RecordLint, lint_record

__all__ = ["STS", "StsRecord", "find_sts_record", "id_meant", "lint_sts_record", "parse_sts_record"]

STS = Kind(
    tag="v=STSv1",
    key="id",
    prefix="sts-record",
    subject="_mta-sts",
    rfc="RFC 8461 §3.1",
    consequence="Senders treat the domain as without MTA-STS.",
    effect=Effect.DISABLES_PROTECTION,
    absent=Severity.ERROR,
    typo=re.compile(r"(v\s*[=:]\s*)?\W*(m?ta-?)?sts?[-_ ]?v?[-_ ]?1?(\.0)?\W*|version\s*[=:]\s*stsv1"),
)
_ID = re.compile(r"[A-Za-z0-9]{1,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StsRecord:
    """An `_mta-sts` record (RFC 8461 §3.1).

    Attributes
    ----------
    version : str
        Always ``STSv1``.
    id : str
        1 to 32 letters and digits. A sender fetches the policy anew when it changes; it has no order.
    extensions : tuple of (str, str)
        Fields that RFC 8461 does not know; senders pass over them.
    raw : str or bytes
        The record as it came; not compared.

    Examples
    --------
    >>> StsRecord(id="20260208120000").to_text()
    'v=STSv1; id=20260208120000;'
    """

    version: str = "STSv1"
    id: str
    extensions: tuple[tuple[str, str], ...] = ()
    raw: str | bytes = field(default="", compare=False, repr=False)

    def to_text(self) -> str:
        """Return the record as text, ready for a DNS panel.

        Raises
        ------
        RecordError
            The values do not make a valid record.
        """
        text = "".join(f"{key}={value}; " for key, value in (("v", self.version), ("id", self.id), *self.extensions))
        text = text.rstrip()
        if parse_sts_record(text) != self:
            raise RecordError(
                "These values do not survive as a record: an extension repeats a key.", reason="syntax", raw=text
            )
        return text


def _read_id(lint: RecordLint, value: str, column: int) -> None:
    lint.value = value
    if _ID.fullmatch(value):
        return
    bare = id_meant(value)
    wanted = bare or "1 to 32 letters and digits"
    if not value:
        code, message = "id-empty", "`id` has no value."
    elif value.isascii() and value.isalnum():
        code, message = "id-long", f"The id has {len(value)} characters; at most 32 are allowed."
    elif any(sign in value for sign in " \t"):
        code, message = "id-space", "White space stands in the id: letters and digits only."
    elif any(sign in value for sign in "\"'“”„‘’«»\\"):
        code, message = "id-quoted", "A quotation mark or backslash stands in the id: letters and digits only."
    else:
        sign = next((char for char in value if not (char.isascii() and char.isalnum())), "")
        code, message = "id-character", f"The id has letters and digits only; `{one_line(sign)}` is not allowed."
    lint.fault(code, message, column=column, key="id", actual=value[:120], expected=wanted)


def id_meant(value: str) -> str:
    """Return the letters and digits of an id, at most 32 of them.

    Examples
    --------
    >>> id_meant("2026-02-08 12:00")
    '202602081200'
    """
    return re.sub(r"[^A-Za-z0-9]", "", value[:400])[:32]


def lint_sts_record(raw: Raw) -> RecordLint:
    """Return what an `_mta-sts` record says and every fault in it. Raises nothing."""
    return lint_record(raw, STS, _read_id)


def parse_sts_record(text: Raw) -> StsRecord:
    """Return the `_mta-sts` record that a text says; strict as the grammar of RFC 8461 §3.1.

    Parameters
    ----------
    text : str or bytes
        One TXT record, its strings joined without a space.

    Raises
    ------
    RecordError
        Reason ``syntax``, with `column`, `field`, `actual`, `expected`, `rfc`, and the text in `raw`.
        It tells the first fault; `validate` tells all.

    Examples
    --------
    >>> parse_sts_record("v=STSv1; id=20260208120000;").id
    '20260208120000'
    >>> parse_sts_record("v=STSv1; id=2026-02-08")
    Traceback (most recent call last):
        ...
    mtasts_nb.errors.RecordError: column 13: The id has letters and digits only; `-` is not allowed. Found `2026-02-08`, expected 20260208 (RFC 8461 §3.1).
    """
    lint = lint_sts_record(text)
    if error := lint.faults.first_error:
        raise record_error(error, text)
    return StsRecord(id=lint.value or "", extensions=tuple(lint.extensions), raw=as_raw(text))


def record_error(fault: Fault, raw: Raw) -> RecordError:
    """Return the exception that tells a fault."""
    return RecordError(
        sentence(fault),
        reason="syntax",
        column=fault.column,
        field=fault.field,
        actual=fault.actual,
        expected=fault.expected,
        rfc=fault.rfc,
        raw=as_raw(raw),
    )


def counted(texts: Iterable[Raw], tag: str) -> tuple[list[str | bytes], list[str | bytes]]:
    """Return the texts that begin with the version and a semicolon, and those that do not (the RRset rule)."""
    kept: list[str | bytes] = []
    discarded: list[str | bytes] = []
    for text in [texts] if isinstance(texts, str | bytes | bytearray | memoryview) else texts:
        raw = as_raw(text)
        counts = raw.startswith(f"{tag};") if isinstance(raw, str) else raw.startswith(f"{tag};".encode())
        (kept if counts else discarded).append(raw)
    return kept, discarded


def only_record(texts: Iterable[Raw], kind: Kind) -> str | bytes:
    """Return the one record that counts among those of an RRset.

    Raises
    ------
    RecordError
        Reason ``missing`` or ``multiple``.
    """
    kept, discarded = counted(texts, kind.tag)
    if len(kept) == 1:
        return kept[0]
    many = len(kept) > 1
    others = f" ({plural(len(discarded), 'other TXT record')}, not counted)" if discarded else ""
    seen = " | ".join(one_line(as_text(raw), 80) for raw in (kept if many else discarded)[:5])
    raise RecordError(
        f"{len(kept)} records begin `{kind.tag};`, exactly one must. {kind.consequence} "
        f"Delete the others. Found: {seen} ({kind.rfc})."
        if many
        else f"No TXT record begins `{kind.tag};`{others}. {kind.consequence}"
        + (f" Found: {seen}" if seen else "")
        + f" ({kind.rfc}).",
        reason="multiple" if many else "missing",
        actual=seen or None,
        expected=f"exactly one record that begins {kind.tag};",
        rfc=kind.rfc,
        raw="\n".join(as_text(raw) for raw in kept + discarded),
    )


def as_text(raw: str | bytes) -> str:
    """Return a text for reading; a byte that is not UTF-8 as an escape."""
    return raw if isinstance(raw, str) else raw.decode("utf-8", "backslashreplace")


def find_sts_record(texts: Iterable[Raw]) -> StsRecord:
    """Return the one `_mta-sts` record among the TXT records of a name (RFC 8461 §3.1).

    Records that do not begin ``v=STSv1;`` are discarded. Exactly one must be left, and it must be valid.

    Parameters
    ----------
    texts : iterable of str or bytes
        The TXT records at ``_mta-sts.<domain>``, the strings of each joined without a space.

    Raises
    ------
    RecordError
        Its `reason` is ``missing``, ``multiple`` or ``syntax``.

    Examples
    --------
    >>> find_sts_record(["v=spf1 -all", "v=STSv1; id=1;"]).id
    '1'
    """
    return parse_sts_record(only_record(texts, STS))
