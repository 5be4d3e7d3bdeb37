"""Archives and probes with their names replaced, and free text scrubbed or left out, before anything is computed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from ..probe import (
    Certificate,
    ChainResult,
    DnsAnswer,
    DnsQuery,
    DnsRecord,
    HttpRequest,
    HttpResponse,
    IssuerFetch,
    MxHost,
    PolicyHost,
    Probe,
    SmtpReply,
    SmtpRequest,
    TlsaMatch,
    TlsSession,
    Validation,
    Vantage,
)
from ..reports import Archive, schema
from ..vocabulary import UNATTRIBUTED, UNKNOWN, PolicyType, ResultType
from ._redact_names import is_host

if TYPE_CHECKING:
    import pandas as pd

    from ._redact_names import Pseudonyms

__all__ = ["names_in", "names_in_probe", "redacted_archive", "redacted_probe"]

_Replace = Callable[[str], str | None]
_LEFT_OUT: Final = "(left out)"
_KEPT_TYPES: Final = frozenset(map(str, ResultType)) | {UNATTRIBUTED, UNKNOWN}
_KEPT_POLICY_TYPES: Final = frozenset(map(str, PolicyType)) | {UNKNOWN}
_POLICY_LINE = re.compile(
    r"(version: *STSv1|mode: *(enforce|testing|none)|max_age: *\d{1,10} ?[a-z]?|#)", re.IGNORECASE
)
_MX_LINE = re.compile(r"(mx: *)(\S+)", re.IGNORECASE)
# The keys of RFC 8460 §4.4 and those that are read in their place.
_FIELDS: Final = frozenset(
    [
        "organization-name",
        "date-range",
        "start-datetime",
        "end-datetime",
        "contact-info",
        "report-id",
        "policies",
        "policy",
        "policy-type",
        "policy-string",
        "policy-domain",
        "mx-host",
        "mx-host-pattern",
        "summary",
        "total-successful-session-count",
        "total-failure-session-count",
        "failure-details",
        "result-type",
        "sending-mta-ip",
        "receiving-mx-hostname",
        "receiving-mx-helo",
        "receiving-ip",
        "failed-session-count",
        "additional-information",
        "failure-reason-code",
        "dkim",
    ]
)
#: Where the names of an archive are.
_NAMES: Final = {
    "sessions": ("policy_domain", "organization_name", "mx_host"),
    "failures": ("policy_domain", "receiving_mx_hostname", "receiving_ip", "sending_mta_ip"),
    "reports": ("organization_name",),
}
_ID = re.compile(r"(\bid\s*=\s*)([A-Za-z0-9]+)(?=\s*(;|$))")
_MAILTO = re.compile(r"mailto:[^\s,;!]+@([^\s,;!]+)", re.IGNORECASE)
_HTTPS = re.compile(r"https://([^\s,;!/]+)[^\s,;!]*", re.IGNORECASE)
_HOLE = re.compile("\ue000(\\d+)\ue001")
_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+( *; *charset=[a-z0-9-]+)?", re.IGNORECASE)
#: Fields of a probe with codes, versions and the like that this package writes.
_OURS: Final = frozenset(
    [
        "status",
        "stage",
        "reason",
        "type",
        "rcode",
        "transport",
        "version",
        "cipher",
        "key",
        "signature",
        "versions",
        "problem",
    ]
)


# An archive


def redacted_archive(archive: Archive, names: Pseudonyms) -> Archive:
    """Return the archive with pseudonyms, in every table.

    Counts, times, policy types and modes, max_age, registered result types, how non-standard fields were read, and why
    inputs were rejected are kept. Names, addresses, reporters, file names and report ids get pseudonyms. Reason codes keep
    the words of the protocols. Contact addresses, additional-information, the content of non-standard fields, details of
    rejected inputs, sizes and hashes are left out; with a seed, keyed hashes replace the hashes.
    """
    _ask_in_order(archive, names)
    keys, inputs, members = _report_keys(), _numbered("input"), _numbered("part")
    types, policy_types = _numbered("x-result-type-", ""), _numbered("x-policy-type-", "")
    replacements: dict[str, _Replace] = {
        "report_key": keys,
        "duplicate_of": keys,
        "organization_name": names.reporter,
        "contact_info": lambda _: "",
        "report_id": _numbered("report"),
        "source": inputs,
        "member": lambda text: members(text) if text else text,
        "sha256": lambda text: names.keyed(text) or _LEFT_OUT,
        "policy_domain": names.domain,
        "policy_type": lambda text: text if text in _KEPT_POLICY_TYPES else policy_types(text),
        "policy_string": lambda text: "\n".join(_policy_line(line, names) for line in text.split("\n")),
        "mx_host": lambda text: "\n".join(map(names.host, text.split("\n"))),
        "result_type": lambda text: text if text in _KEPT_TYPES else types(text),
        "sending_mta_ip": names.address,
        "receiving_mx_hostname": names.host,
        "receiving_mx_helo": lambda _: None,
        "receiving_ip": names.address,
        "failure_reason_code": names.scrubbed,
        "additional_information": lambda _: None,
        "field": _field,
        "value": lambda _: None,
        "treatment": names.prose,
        "reason": names.prose,
        "detail": lambda _: _LEFT_OUT,
    }
    tables = {}
    for table, columns in schema.SCHEMA.items():
        frame = getattr(archive, table).copy()
        for column in columns:
            if column.name in replacements:
                frame[column.name] = _replaced(frame[column.name], replacements[column.name], column.dtype)
        if "size" in frame:
            frame["size"] = frame["size"] * 0
        schema.check(table, frame)
        tables[table] = frame
    return Archive(sources=[f"source {number}" for number, _ in enumerate(archive.sources, 1)], **tables)


def names_in(archive: Archive) -> set[str]:
    """Return every name and address in an archive: no pseudonym may be one of them."""
    return {
        line
        for table, columns in _NAMES.items()
        for column in columns
        for text in _texts(getattr(archive, table)[column])
        for line in text.split("\n")
    }


def _ask_in_order(archive: Archive, names: Pseudonyms) -> None:
    """Ask for pseudonyms in an order that reveals only what the document shows anyway: by sessions, the most first."""
    sessions = archive.sessions
    count = sessions["total_successful_session_count"] + sessions["total_failure_session_count"]
    for column, ask in (("policy_domain", names.domain), ("organization_name", names.reporter)):
        sums = count.groupby(sessions[column], observed=True).sum()
        for name in sorted(map(str, sums.index), key=lambda name: (-int(sums[name]), name)):
            ask(name)
    hosts = {host for text in _texts(sessions["mx_host"]) for host in text.split("\n")}
    for host in sorted(hosts.union(_texts(archive.failures["receiving_mx_hostname"]))):
        names.host(host)


def _texts(series: pd.Series) -> Iterable[str]:
    return (str(text) for text in series.dropna().unique())


def _report_keys() -> Callable[[str], str]:
    """Return what numbers report keys; what follows a ``~`` is kept, it counts copies."""
    numbers: dict[str, str] = {}

    def replaced(text: str) -> str:
        key, mark, rest = text.partition("~")
        return numbers.setdefault(key, f"{len(numbers) + 1:024x}") + mark + rest

    return replaced


def _numbered(word: str, gap: str = " ") -> Callable[[str], str]:
    numbers: dict[str, str] = {}
    return lambda text: numbers.setdefault(text, f"{word}{gap}{len(numbers) + 1}")


def _field(text: str) -> str:
    words = [word for word in re.split(r"[.\[\]]|\d+", text) if word]
    return text if all(word in _FIELDS for word in words) else "(another key)"


def _policy_line(line: str, names: Pseudonyms) -> str:
    """Return a line of a policy file with its names replaced."""
    if _POLICY_LINE.fullmatch(line.strip()):
        return line
    match = _MX_LINE.fullmatch(line.strip())
    if match and is_host(match[2]):
        return match[1] + names.host(match[2]) + ("." if match[2].endswith(".") else "")
    return "# …" if line.lstrip().startswith("#") else names.scrubbed(line)


def _replaced(series: pd.Series, replacement: _Replace, dtype: str) -> pd.Series:
    """Return a column with its texts replaced, each distinct one once."""
    import pandas as pd

    texts = series.astype(object)
    made = texts.map({text: replacement(str(text)) for text in texts.dropna().unique()}).astype(schema.text_dtype())
    if dtype != schema.CATEGORY:
        return made
    categories = pd.Index(sorted(made.dropna().unique()), dtype=schema.text_dtype())
    return made.astype(pd.CategoricalDtype(categories))


# A probe


def redacted_probe(probe: Probe, names: Pseudonyms) -> Probe:
    """Return the probe with pseudonyms.

    Times, statuses, reasons, stages, TLS versions and ciphers, validity and key strength of certificates, verify codes, and
    the words of the protocols in replies are kept. The certificates themselves, serial numbers, issuers, addresses to
    fetch from, headers other than Content-Type, providers, and other free text are left out.
    """
    whole: Probe = _Redaction(names).of(probe)
    return replace(whole, domain=names.host(probe.domain), providers=(), vantage=_vantage(probe.vantage, names))


def names_in_probe(probe: Probe) -> set[str]:
    """Return the names and addresses that a probe is about."""
    names = {probe.domain, probe.policy_host.host, *(mx.host for mx in probe.mx_hosts)}
    names |= {attempt.request.address for attempt in probe.policy_host.attempts}
    names |= {attempt.request.address for mx in probe.mx_hosts for attempt in mx.attempts}
    if probe.reference is not None:
        names |= {probe.reference.request.mx, probe.reference.request.address}
    names |= {record.text for record in (*probe.policy_host.a.records, *probe.policy_host.aaaa.records)}
    return {name for name in names if name}


def _vantage(vantage: Vantage, names: Pseudonyms) -> Vantage:
    return replace(
        vantage,
        nameservers=tuple(map(names.address, vantage.nameservers)),
        trust_store=_LEFT_OUT,
        trust_store_sha256="",
        helo_name=names.host(vantage.helo_name),
    )


class _Redaction:
    """Walks through the evidence; of a kind of evidence that is not listed here, all texts are scrubbed."""

    def __init__(self, names: Pseudonyms) -> None:
        self._names = names
        self._ids: dict[str, str] = {}
        host, address, free = names.host, names.address, names.scrubbed
        self._texts: dict[tuple[type, str], Callable[[str], str]] = {
            (Probe, "domain"): host,
            (PolicyHost, "host"): host,
            (MxHost, "host"): host,
            (DnsQuery, "name"): host,
            (DnsQuery, "server"): host,
            (DnsQuery, "address"): address,
            (DnsAnswer, "cname_chain"): host,
            (DnsRecord, "name"): host,
            (HttpRequest, "host"): host,
            (HttpRequest, "url"): self._url,
            (HttpRequest, "address"): address,
            (SmtpRequest, "mx"): host,
            (SmtpRequest, "address"): address,
            (SmtpReply, "lines"): free,
            (TlsSession, "sni"): host,
            (Validation, "name"): host,
            (Validation, "completed_by"): host,
            (Validation, "name_detail"): free,
            (ChainResult, "text"): free,
            (TlsaMatch, "record"): free,
            (IssuerFetch, "url"): lambda _: _LEFT_OUT,
        }

    def of(self, value: Any, text: Callable[[str], str] | None = None) -> Any:
        """Return a value with every text in it replaced."""
        if isinstance(value, Certificate):
            return self._certificate(value)
        if isinstance(value, HttpResponse):
            return self._response(value)
        if isinstance(value, DnsRecord):
            return replace(value, name=self._names.host(value.name), text=self._record(value))
        if is_dataclass(value) and not isinstance(value, type):
            made = {
                field.name: self.of(
                    getattr(value, field.name),
                    self._texts.get((type(value), field.name), _same if field.name in _OURS else None),
                )
                for field in fields(value)
            }
            return replace(value, **made)
        if isinstance(value, tuple):
            return tuple(self.of(part, text) for part in value)
        if type(value) is str:
            return value if not value else (text or self._names.scrubbed)(value)
        return b"" if isinstance(value, bytes) else value

    def _url(self, url: str) -> str:
        return _HTTPS.sub(lambda match: f"https://{self._names.host(match[1])}/.well-known/mta-sts.txt", url)

    def _certificate(self, certificate: Certificate) -> Certificate:
        host = self._names.host
        subject = ", ".join(f"CN={host(name)}" for name in certificate.common_names) or (
            "(a name)" if certificate.subject else ""
        )
        return replace(
            certificate,
            der=b"",
            sha256=self._names.key(certificate.sha256) if certificate.sha256 else "",
            subject=subject,
            issuer=subject if certificate.self_issued else _LEFT_OUT if certificate.issuer else "",
            serial="",
            common_names=tuple(map(host, certificate.common_names)),
            dns_names=tuple(map(host, certificate.dns_names)),
            spki_sha256=self._names.key(certificate.spki_sha256) if certificate.spki_sha256 else "",
            issuer_urls=(),
            problem=self._names.scrubbed(certificate.problem),
        )

    def _response(self, response: HttpResponse) -> HttpResponse:
        text = response.body.decode("utf-8", "surrogateescape")
        lines = [_policy_line(line, self._names) if line.strip() else line for line in re.split(r"(\r\n|\n|\r)", text)]
        headers = tuple(
            (key, value if _TYPE.fullmatch(value) else self._names.scrubbed(value))
            for key, value in response.headers
            if key.lower() == "content-type"
        )
        body = "".join(lines).encode("utf-8", "surrogateescape")
        return replace(response, headers=headers, body=body)

    def _id(self, text: str) -> str:
        made = self._ids.setdefault(text, f"id{len(self._ids) + 1}")
        return made.ljust(33, "0") if len(text) > 32 else made  # one that is too long stays too long

    def _record(self, record: DnsRecord) -> str:
        kept: list[str] = []

        def hole(text: str) -> str:
            kept.append(text)
            return f"\ue000{len(kept) - 1}\ue001"

        names = self._names
        if record.type in ("A", "AAAA"):
            return names.address(record.text)
        if record.type in ("MX", "CNAME", "NS"):
            first, _, rest = record.text.rpartition(" ")
            return f"{first} {names.host(rest)}" if first else names.host(rest)
        if record.type == "SOA":
            return _LEFT_OUT
        text = _ID.sub(lambda match: match[1] + hole(self._id(match[2])), record.text)
        text = _MAILTO.sub(lambda match: hole(f"mailto:reports@{names.host(match[1])}"), text)
        text = _HTTPS.sub(lambda match: hole(f"https://{names.host(match[1])}/"), text)
        pieces = re.split("(\ue000\\d+\ue001)", text)
        scrubbed = "".join(piece if _HOLE.fullmatch(piece) else names.scrubbed(piece) for piece in pieces)
        return _HOLE.sub(lambda match: kept[int(match[1])], scrubbed)


def _same(text: str) -> str:
    return text
