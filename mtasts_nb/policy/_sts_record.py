"""The `_mta-sts` TXT record (RFC 8461 §3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ..errors import RecordError
from ..markup import one_line
from ._fault import Raw, as_raw
from ._record_lint import Kind, RecordLint, lint_record, only_record, parsed

__all__ = ["StsRecord", "draft_record", "find_sts_record", "parse_sts_record"]

STS = Kind(
    tag="v=STSv1",
    key="id",
    prefix="sts-record",
    subject="_mta-sts",
    typo=re.compile(r"(v\s*+[=:]\s*+)?\W*(m?ta-?)?sts?[-_ ]?v?[-_ ]?1?(\.0)?\W*|version\s*[=:]\s*stsv1"),
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
        1 to 32 letters and digits. A sender fetches the policy again when it changes; ids have no order.
    extensions : tuple of (str, str)
        Fields that RFC 8461 does not define; senders ignore them.
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
                "These values cannot be written as a record: an extension repeats a key.", reason="syntax", raw=text
            )
        return text


def draft_record(now: datetime) -> str:
    """Return an `_mta-sts` record whose id is the time, in UTC, to the second.

    Parameters
    ----------
    now : datetime
        With a time zone; one without is taken as UTC.

    Examples
    --------
    >>> draft_record(datetime(2026, 2, 8, 18, 0, tzinfo=UTC))
    'v=STSv1; id=20260208180000;'
    """
    moment = now.replace(tzinfo=UTC) if now.tzinfo is None else now.astimezone(UTC)
    # strftime("%Y") does not pad the year on every system.
    return StsRecord(id=f"{moment.year:04d}{moment:%m%d%H%M%S}").to_text()


def _read_id(lint: RecordLint, value: str, column: int) -> None:
    lint.value = value
    if _ID.fullmatch(value):
        return
    wrong = next((char for char in value if not (char.isascii() and char.isalnum())), "")
    if not value:
        code = "id-empty"
    elif value.isascii() and value.isalnum():
        code = "id-long"
    elif any(char in value for char in " \t"):
        code = "id-space"
    elif any(char in value for char in "\"'“”„‘’«»\\"):
        code = "id-quoted"
    else:
        code = "id-character"
    lint.fault(
        code,
        column=column,
        field="id",
        actual=value[:120],
        expected=id_meant(value) or "1 to 32 letters and digits",
        count=len(value),
        text=one_line(wrong),
    )


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
    """Return the `_mta-sts` record that a text is; strict as the grammar of RFC 8461 §3.1.

    Parameters
    ----------
    text : str or bytes
        One TXT record, its strings joined without a space.

    Raises
    ------
    RecordError
        Reason ``syntax``, with `column`, `field`, `actual`, `expected`, `rfc`, and the text in `raw`.
        It is about the first fault; `validate` shows all.

    Examples
    --------
    >>> parse_sts_record("v=STSv1; id=20260208120000;").id
    '20260208120000'
    >>> parse_sts_record("v=STSv1; id=2026-02-08")
    Traceback (most recent call last):
        ...
    mtasts_nb.errors.RecordError: column 13: Only letters and digits are allowed in the id; `-` is not. Found `2026-02-08`, expected 20260208 (RFC 8461 §3.1).
    """
    lint = parsed(lint_sts_record(text), text)
    return StsRecord(id=lint.value or "", extensions=tuple(lint.extensions), raw=as_raw(text))


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
