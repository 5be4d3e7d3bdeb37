"""The `_smtp._tls` TXT record and its addresses (RFC 8460 §3): URIs of RFC 3986 with `,`, `!` and `;` percent-encoded."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..errors import RecordError
from ..vocabulary import Severity
from ._fault import Raw, as_raw
from ._names import a_label, ascii_lower, pattern_fault
from ._record_lint import Kind, RecordLint, lint_record, only_record, parsed

__all__ = ["TlsRptRecord", "find_tlsrpt_record", "parse_tlsrpt_record"]

TLSRPT = Kind(
    tag="v=TLSRPTv1",
    key="rua",
    prefix="tlsrpt-record",
    subject="_smtp._tls",
    typo=re.compile(r"(v\s*+[=:]\s*+)?\W*(smtp-?)?tls-?r(e?p(or)?t?|tp)?s?[-_ ]?v?[-_ ]?1?(\.0)?\W*"),
)
# A TXT record can hold some thousands; RFC 8460 §3 sets no limit, and no sender delivers to more than a few.
_MOST_ADDRESSES = 500
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,40}):")
# RFC 3986 §2: unreserved, reserved and percent; without the three that RFC 8460 §3 wants encoded.
_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@$&'()*+=%-]+")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LOCAL = re.compile(r"[A-Za-z0-9._~$&'()*+=:/%-]+")
_QUOTES = "\"'<>`“”„‟‘’‚‛«»"
_LONGEST = 2048  # of an address in which a mistake is looked for


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
        Fields that RFC 8460 does not define; senders ignore them.
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
                "These values cannot be written as a record: an extension repeats a key, or a URI holds a comma.",
                reason="syntax",
                raw=text,
            )
        return text


@dataclass(frozen=True, slots=True)
class UriFault:
    """Why an address is of no use, in the words of its code; `grammar` where it is not even a URI."""

    code: str
    variant: str = ""
    meant: str | None = None
    grammar: bool = True
    text: str = ""


def _meant(candidate: str) -> str | None:
    """Return the address that was probably meant, None where the candidate is of no use either."""
    fault = uri_fault(candidate)
    return candidate if fault is None else fault.meant


def uri_fault(uri: str) -> UriFault | None:
    """Return what is wrong with an address of a `rua` field, None where reports can be sent to it.

    Examples
    --------
    >>> uri_fault("tlsrpt@nordwind.example").meant
    'mailto:tlsrpt@nordwind.example'
    >>> uri_fault("https://reports.nordwind.example/v1") is None
    True
    """
    if not uri:
        return UriFault("rua-empty")
    if len(uri) > _LONGEST:
        return _characters(uri) or UriFault("rua-long", grammar=False)
    return _around(uri) or _scheme(uri) or _characters(uri) or _target(uri)


def _around(uri: str) -> UriFault | None:
    """Return what is wrong with the characters around or inside an address that was otherwise meant well."""
    bare = uri.strip(_QUOTES)
    if bare != uri:
        return UriFault("rua-quoted", meant=_meant(bare))
    if match := re.match(r"(?i)(mailto|https):[<\s]+", uri):
        code = "rua-space" if "<" not in match.group() else "rua-quoted"
        return UriFault(code, "scheme", _meant(f"{match.group(1)}:{uri[match.end() :]}"))
    if re.search(r"\s", uri):
        meant = ",".join(part for part in (_meant(word) for word in uri.split()[:10]) if part)
        return UriFault("rua-space", meant=meant or None)
    if match := re.search(r"!([0-9]{1,12}[kmgt]?)$", uri):
        return UriFault("rua-size-limit", meant=_meant(uri[: match.start()]), text=match.group(1))
    return UriFault("rua-unencoded", meant=_meant(uri.replace("!", "%21"))) if "!" in uri else None


def _scheme(uri: str) -> UriFault | None:
    match = _SCHEME.match(uri)
    scheme = ascii_lower(match.group(1)) if match else ""
    if match and scheme in ("mailto", "https"):
        return None
    if not match or ("@" in uri and "//" not in uri):
        target = f"mailto:{uri}" if "@" in uri else f"https://{uri.lstrip('/')}" if "." in uri else ""
        if match and scheme.startswith("mail"):
            target = f"mailto:{uri[match.end() :]}"
        return UriFault("rua-scheme-missing", meant=_meant(target) if target else None, grammar=not match)
    if scheme == "http":
        return UriFault("rua-scheme-unknown", "http", _meant("https" + uri[4:]), grammar=False)
    return UriFault("rua-scheme-unknown", grammar=False)


def _characters(uri: str) -> UriFault | None:
    if not uri.isascii():
        local, at, domain = uri.rpartition("@")
        name = a_label(domain) if at and local.isascii() else None
        if name is None:
            return UriFault("rua-character", "ascii")
        return UriFault("rua-character", "domain", _meant(f"{local}@{name}"), text=name)
    if not _CHARACTERS.fullmatch(uri):
        return UriFault("rua-character")
    if _PERCENT.search(uri):
        return UriFault("rua-percent")
    return UriFault("rua-character", "fragment") if "#" in uri.partition("#")[2] else None


def _target(uri: str) -> UriFault | None:
    scheme, _, rest = uri.partition(":")
    if ascii_lower(scheme) == "mailto":
        return _mail_target(rest)
    return _https_target(rest)


def _mail_target(rest: str) -> UriFault | None:
    if rest.startswith("//"):
        return UriFault("rua-mailto", "slashes", _meant("mailto:" + rest.lstrip("/")), grammar=False)
    address = re.split(r"[?#]", rest, maxsplit=1)[0]
    local, _, domain = address.rpartition("@")
    if _LOCAL.fullmatch(local) and _is_host(domain):
        return None
    meant = _meant(f"mailto:{local}@{domain.rstrip('.')}") if local and domain.endswith(".") else None
    return UriFault("rua-mailto", meant=meant, grammar=False)


def _https_target(rest: str) -> UriFault | None:
    wrong = UriFault("rua-https", grammar=False)
    if not rest.startswith("//"):
        return wrong
    authority = re.split(r"[/?#]", rest[2:], maxsplit=1)[0].rpartition("@")[2]
    if match := re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::([0-9]{0,5}))?", authority):
        host, port = match.groups()
        if (host.startswith("[") or _is_host(host.removesuffix("."))) and (not port or 0 < int(port) <= 65535):
            return None
    return wrong


def _is_host(name: str) -> bool:
    return not name.startswith("*") and pattern_fault(name) is None


@dataclass(slots=True)
class TlsRptLint:
    """What a `_smtp._tls` record says, and every fault in it.

    `rua` holds the addresses of the first `rua` field as written; `usable` those that reports can be sent to, of
    every field, mistakes corrected.
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
        usable.extend(_read_rua(lint, value, column))
        if calls == 1:
            lint.value = value
            first.extend(part.strip(" \t") for part in value.split(","))

    record = lint_record(raw, TLSRPT, read)
    # What is outside a `rua` field but was meant for it: `RUA=…`, addresses after a semicolon.
    for part in (record.value or "").split(",")[:100]:
        fault = uri_fault(part.strip(" \t"))
        usable.extend((fault.meant or "").split(",") if fault else [part.strip(" \t")])
    return TlsRptLint(record, first, list(dict.fromkeys(uri for uri in usable if uri)))


def _read_rua(lint: RecordLint, value: str, column: int) -> list[str]:
    """Note the faults of one `rua` field and return the addresses that can be used, mistakes corrected."""
    expected = "mailto:… or https://…"
    if not value:
        lint.fault("rua-empty", "value", column=column, field="rua", expected=expected)
        return []
    parts = value.split(",", _MOST_ADDRESSES)
    if len(parts) > _MOST_ADDRESSES:
        lint.fault("rua-many", column=column, field="rua", count=_MOST_ADDRESSES)
    faults = [(part, uri_fault(part.strip(" \t"))) for part in parts[:_MOST_ADDRESSES]]
    none_is_usable = all(fault for _, fault in faults)
    usable: list[str] = []
    seen: set[str] = set()
    for part, fault in faults:
        uri = part.strip(" \t")
        if fault:
            lint.fault(
                fault.code,
                fault.variant,
                column=column + len(part) - len(part.lstrip(" \t")),
                field="rua",
                actual=uri[:200],
                expected=fault.meant or expected,
                severity=Severity.ERROR if fault.grammar or none_is_usable else Severity.WARNING,
                text=fault.text,
            )
            usable.extend((fault.meant or "").split(","))
        elif uri in seen:
            lint.fault("rua-duplicate", column=column, field="rua", actual=uri[:200])
        else:
            usable.append(uri)
        seen.add(uri)
        column += len(part) + 1
    return usable


def parse_tlsrpt_record(text: Raw) -> TlsRptRecord:
    """Return the `_smtp._tls` record that a text is; strict as the grammar of RFC 8460 §3.

    An address with a scheme other than `mailto` or `https` is kept if another one can be used; alone it is an error.

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
    parsed(lint.record, text)
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
