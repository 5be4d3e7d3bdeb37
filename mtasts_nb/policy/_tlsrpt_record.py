"""The `_smtp._tls` TXT record (RFC 8460 §3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from mtasts_nb.errors import RecordError
from mtasts_nb.vocabulary import Effect, Severity

from ._decode import as_raw
from ._fault import Raw
from ._record_lint import Kind, RecordLint, lint_record
from ._rua import uri_fault
from ._sts_record import only_record, record_error

__all__ = [
    "TLSRPT",
    "TlsRptLint",
    "TlsRptRecord",
    "find_tlsrpt_record",
    "lint_tlsrpt_record",
    "parse_tlsrpt_record",
]

TLSRPT = Kind(
    tag="v=TLSRPTv1",
    key="rua",
    prefix="tlsrpt-record",
    subject="_smtp._tls",
    rfc="RFC 8460 §3",
    consequence="Senders send no TLS reports for the domain.",
    effect=Effect.COSMETIC,  # mail goes on as before; nobody tells how
    absent=Severity.WARNING,  # RFC 8460 asks no domain to have it; one that is there and wrong is an error
    typo=re.compile(r"(v\s*[=:]\s*)?\W*(smtp-?)?tls-?r(e?p(or)?t?|tp)?s?[-_ ]?v?[-_ ]?1?(\.0)?\W*"),
)


# A TXT record can hold some thousands; RFC 8460 §3 sets no limit, and no sender delivers to more than a few.
_MOST_ADDRESSES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsRptRecord:
    """A `_smtp._tls` record (RFC 8460 §3).

    Attributes
    ----------
    version : str
        Always ``TLSRPTv1``.
    rua : tuple of str
        Where reports go: URIs, as they are written in the record (percent-encoded).
    extensions : tuple of (str, str)
        Fields that RFC 8460 does not know; senders pass over them.
    raw : str or bytes
        The record as it came; not compared.

    Examples
    --------
    >>> TlsRptRecord(rua=("mailto:tlsrpt@nordwind.example",)).to_text()
    'v=TLSRPTv1; rua=mailto:tlsrpt@nordwind.example;'
    """

    version: str = "TLSRPTv1"
    rua: tuple[str, ...]
    extensions: tuple[tuple[str, str], ...] = ()
    raw: str | bytes = field(default="", compare=False, repr=False)

    def to_text(self) -> str:
        """Return the record as text, ready for a DNS panel.

        Raises
        ------
        RecordError
            The values do not make a valid record.
        """
        fields = (("v", self.version), ("rua", ",".join(self.rua)), *self.extensions)
        text = "".join(f"{key}={value}; " for key, value in fields).rstrip()
        if parse_tlsrpt_record(text) != self:
            raise RecordError(
                "These values do not survive as a record: an extension repeats a key, or a URI holds a comma.",
                reason="syntax",
                raw=text,
            )
        return text


@dataclass(slots=True)
class TlsRptLint:
    """What a `_smtp._tls` record says, and every fault in it.

    `rua` holds the addresses of the first `rua` field as written; `usable` those that reports can be sent to, of
    every field, slips put right.
    """

    record: RecordLint
    rua: list[str] = field(default_factory=list)
    usable: list[str] = field(default_factory=list)


def lint_tlsrpt_record(raw: Raw) -> TlsRptLint:
    """Return what a `_smtp._tls` record says and every fault in it. Raises nothing."""
    first: list[str] = []
    usable: list[str] = []
    calls = 0

    def read(lint: RecordLint, value: str, column: int) -> None:
        nonlocal calls
        calls += 1
        found = _read_rua(lint, value, column)
        usable.extend(found)
        if calls == 1:
            lint.value = value
            first.extend(part.strip(" \t") for part in value.split(","))

    record = lint_record(raw, TLSRPT, read)
    # What stood outside a `rua` field but was meant for it: `RUA=…`, addresses after a semicolon.
    for part in (record.value or "").split(",")[:100]:
        fault = uri_fault(part.strip(" \t"))
        usable.extend((fault.meant or "").split(",") if fault else [part.strip(" \t")])
    return TlsRptLint(record, first, list(dict.fromkeys(uri for uri in usable if uri)))


def _read_rua(lint: RecordLint, value: str, column: int) -> list[str]:
    """Note the faults of one `rua` field and return the addresses that can be used, slips put right."""
    if not value:
        lint.fault("rua-empty", "`rua` has no value.", column=column, key="rua", expected="mailto:… or https://…")
        return []
    parts = value.split(",", _MOST_ADDRESSES)
    if len(parts) > _MOST_ADDRESSES:
        lint.fault(
            "rua-many",
            f"More than {_MOST_ADDRESSES} addresses stand in the field; no sender serves so many. "
            "The rest was not read.",
            column=column,
            key="rua",
        )
    faults = [(part, uri_fault(part.strip(" \t"))) for part in parts[:_MOST_ADDRESSES]]
    none_is_usable = all(fault for _, fault in faults)
    usable: list[str] = []
    seen: set[str] = set()
    for part, fault in faults:
        uri = part.strip(" \t")
        if fault:
            severity = Severity.ERROR if fault.grammar or none_is_usable else Severity.WARNING
            lint.fault(
                fault.code,
                fault.message,
                column=column + len(part) - len(part.lstrip(" \t")),
                key="rua",
                actual=uri[:200],
                expected=fault.meant or "mailto:… or https://…",
                severity=severity,
            )
            usable.extend((fault.meant or "").split(","))
        elif uri in seen:
            lint.fault(
                "rua-duplicate",
                "The same address stands there twice; some senders send two reports.",
                column=column,
                key="rua",
                actual=uri[:200],
                severity=Severity.ADVICE,
                effect=Effect.COSMETIC,
            )
        else:
            usable.append(uri)
        seen.add(uri)
        column += len(part) + 1
    return usable


def parse_tlsrpt_record(text: Raw) -> TlsRptRecord:
    """Return the `_smtp._tls` record that a text says; strict as the grammar of RFC 8460 §3.

    An address of another scheme than `mailto` or `https` is kept beside one that can be used; alone it is an error.

    Parameters
    ----------
    text : str or bytes
        One TXT record, its strings joined without a space.

    Raises
    ------
    RecordError
        Reason ``syntax``, with `column`, `field`, `actual`, `expected`, `rfc`, and the text in `raw`.

    Examples
    --------
    >>> parse_tlsrpt_record("v=TLSRPTv1; rua=mailto:tlsrpt@nordwind.example,https://r.nordwind.example/v1").rua
    ('mailto:tlsrpt@nordwind.example', 'https://r.nordwind.example/v1')
    """
    lint = lint_tlsrpt_record(text)
    if error := lint.record.faults.first_error:
        raise record_error(error, text)
    return TlsRptRecord(rua=tuple(lint.rua), extensions=tuple(lint.record.extensions), raw=as_raw(text))


def find_tlsrpt_record(texts: Iterable[Raw]) -> TlsRptRecord:
    """Return the one `_smtp._tls` record among the TXT records of a name (RFC 8460 §3).

    Records that do not begin ``v=TLSRPTv1;`` are discarded. Exactly one must be left, and it must be valid.

    Parameters
    ----------
    texts : iterable of str or bytes
        The TXT records at ``_smtp._tls.<domain>``, the strings of each joined without a space.

    Raises
    ------
    RecordError
        Its `reason` is ``missing``, ``multiple`` or ``syntax``.

    Examples
    --------
    >>> find_tlsrpt_record(["v=TLSRPTv1; rua=mailto:tlsrpt@nordwind.example"]).rua
    ('mailto:tlsrpt@nordwind.example',)
    """
    return parse_tlsrpt_record(only_record(texts, TLSRPT))
