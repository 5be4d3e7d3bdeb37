"""Archives and probes with their names replaced, and free text scrubbed or left out, before anything is computed."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ..policy._fault import MAX_TEXT
from ..probe import (
    Certificate,
    DnsAnswer,
    DnsQuery,
    DnsRecord,
    HttpRequest,
    HttpResponse,
    IssuerFetch,
    MxHost,
    PolicyHost,
    Probe,
    SmtpRequest,
    TlsSession,
    Validation,
    Vantage,
)
from ..reports import Archive, schema
from ..vocabulary import UNATTRIBUTED, UNKNOWN, PolicyType, ResultType
from ._redact_names import Pseudonyms, as_host
from ._redact_text import LEFT_OUT, redacted_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["names_in", "names_in_probe", "redacted_archive", "redacted_probe"]

_Replace = Callable[[str], str | None]
_LEFT_OUT: Final = "(left out)"
_KEPT_TYPES: Final = frozenset(map(str, ResultType)) | {UNATTRIBUTED, UNKNOWN}
_KEPT_POLICY_TYPES: Final = frozenset(map(str, PolicyType)) | {UNKNOWN}
_POLICY_LINE = re.compile(
    r"(version: *STSv1|mode: *(enforce|testing|none)|max_age: *\d{1,10} ?[a-z]?|#)", re.IGNORECASE
)
# Bytes as `surrogateescape` (PEP 383) leaves them.
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
# Of a line that is not UTF-8: bytes; words that a policy is made of, or HTML instead of one; other words and numbers.
_FORM = re.compile(
    r"(?P<bytes>[\udc80-\udcff]+)|(?P<mailbox>[\w.+-]+(?=@))|(?P<kept>(?<![\w.-])(?:max_age *: *\d{1,10}(?![\d.])|version|mode|mx|max_age|enforce|testing|none"
    r"|STSv1|doctype|html|head|body)(?![\w.-]))|(?P<number>(?<!\.)[0-9]+(?![A-Za-z0-9.]))|(?P<word>[A-Za-z0-9\u0080-\ud7ff\ue000-\U0010ffff]+)",
    re.IGNORECASE,
)
_FIELD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31} *:")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
#: Bytes that are kept of a file that is too large.
_READ: Final = 2000
_MX_LINE = re.compile(r"(mx: *)(\S+)", re.IGNORECASE)
#: Rows are sorted by these pseudonyms, so that their order is not that of the names.
_ORDER: Final = ("report_key", "source", "member")
#: Where the names of an archive are.
_NAMES: Final = {
    "sessions": ("policy_domain", "organization_name", "mx_host"),
    "failures": ("policy_domain", "receiving_mx_hostname", "receiving_ip", "sending_mta_ip"),
    "reports": ("organization_name",),
}
_HTTPS = r"https://(?P<https>[^\s,;!/:]+)[^\s,;!]*"
# What is no address is matched too, whole: to begin again in the middle of it would take quadratic time.
_REPORTS_TO = re.compile(rf"mailto:[^\s,;!@]++(?:@(?P<mail>[^\s,;!]+))?|{_HTTPS}", re.IGNORECASE)
_ID_FIELD = re.compile(r"(\s*id\s*=\s*)([A-Za-z0-9]+)(\s*)")
_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+( *; *charset=[a-z0-9-]+)?", re.IGNORECASE)


# An archive


def redacted_archive(archive: Archive, names: Pseudonyms) -> Archive:
    """Return the archive with pseudonyms, in every table.

    Counts, times, policy types and modes, max_age, registered result types, how non-standard fields were read, and why
    inputs were rejected are kept. Names, addresses, reporters, file names and report ids get pseudonyms. Reason codes keep
    the words of the protocols. Contact addresses, additional-information, the content of non-standard fields, details of
    rejected inputs, sizes and hashes are left out; with a seed, keyed hashes replace the hashes.
    """
    for column_name, ask in (("policy_domain", names.domain), ("organization_name", names.reporter)):
        for text in _texts(archive.sessions[column_name]):
            ask(text)  # which names are domains decides how hosts are named
    scrubbed = partial(redacted_text, names=names)
    keys, inputs = partial(_report_key, names), partial(names.label, "input")
    replacements: dict[str, _Replace] = {
        "report_key": keys,
        "duplicate_of": keys,
        "organization_name": names.reporter,
        "contact_info": lambda _: "",
        "report_id": partial(names.label, "report"),
        "source": inputs,
        "member": lambda text: text and names.label("part", text),
        "sha256": names.keyed,
        "policy_domain": names.domain,
        "policy_type": lambda text: text if text in _KEPT_POLICY_TYPES else names.label("x-policy-type", text),
        "policy_string": lambda text: "\n".join(_policy_line(line, names) for line in text.split("\n")),
        "mx_host": lambda text: "\n".join(map(names.host, text.split("\n"))),
        "result_type": lambda text: text if text in _KEPT_TYPES else names.label("x-result-type", text),
        "sending_mta_ip": names.address,
        "receiving_mx_hostname": names.host,
        "receiving_mx_helo": lambda _: None,
        "receiving_ip": names.address,
        "failure_reason_code": scrubbed,
        "additional_information": lambda _: None,
        "field": lambda text: ".".join(map(scrubbed, text.split("."))),  # a path; it has the form of a host name
        "value": lambda _: None,
        "treatment": scrubbed,
        "reason": scrubbed,
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
        # The order of rows is that of names.
        order = [key for key in _ORDER if key in frame]
        frame = frame.sort_values(order, kind="stable", ignore_index=True)
        schema.check(table, frame)
        tables[table] = frame
    return Archive(sources=[inputs(str(source)) for source in archive.sources], **tables)


def names_in(archive: Archive) -> set[str]:
    """Return every name and address in an archive: no pseudonym may be one of them."""
    return {
        line
        for table, columns in _NAMES.items()
        for column in columns
        for text in _texts(getattr(archive, table)[column])
        for line in text.split("\n")
    }


def _texts(series: pd.Series) -> Iterable[str]:
    return (str(text) for text in series.dropna().unique())


def _report_key(names: Pseudonyms, text: str) -> str:
    """Return a report's key; what follows a ``~`` is kept, it counts copies."""
    key, mark, rest = text.partition("~")
    return names.keyed(f"report {key}")[:24] + mark + rest


def _policy_line(line: str, names: Pseudonyms) -> str:
    """Return a line of a policy file with its names replaced."""
    if control := _CONTROL.search(line):  # it is what is wrong with the line
        return control[0] + _policy_line(_CONTROL.sub("", line), names)
    if _NOT_UTF8.search(line):
        return _FORM.sub(_form, line)
    if _POLICY_LINE.fullmatch(line.strip()):
        return line
    match = _MX_LINE.fullmatch(line.strip())
    if match and as_host(match[2]):
        return match[1] + names.host(match[2]) + ("." if match[2].endswith(".") else "")
    if line.lstrip().startswith("#"):
        return "# …"
    made = redacted_text(line, names)
    # A field of another name stays a field.
    return "x" + made.removeprefix(LEFT_OUT) if _FIELD.match(line) and made.startswith(f"{LEFT_OUT}:") else made


def _form(match: re.Match[str]) -> str:
    """Return what shows the form of a part of a line that is not UTF-8, so that its faults stay; no word, no number of it.

    A host name or an address does not end in one letter: the last check does not take the form for one.
    """
    return match["kept"] or {"bytes": "\udcff", "mailbox": "name", "number": "1"}.get(match.lastgroup or "", "x")


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
    return replace(whole, providers=())


def names_in_probe(probe: Probe) -> set[str]:
    """Return the names and addresses that a probe is about."""
    names = {probe.domain, probe.policy_host.host, *(mx.host for mx in probe.mx_hosts)}
    names |= {attempt.request.address for attempt in probe.policy_host.attempts}
    names |= {attempt.request.address for mx in probe.mx_hosts for attempt in mx.attempts}
    if probe.reference is not None:
        names |= {probe.reference.request.mx, probe.reference.request.address}
    names |= {record.text for record in (*probe.policy_host.a.records, *probe.policy_host.aaaa.records)}
    return {name for name in names if name}


class _Redaction:
    """Walks through the evidence; of a kind of evidence that is not listed here, all texts are scrubbed."""

    def __init__(self, names: Pseudonyms) -> None:
        self._names = names
        host, address = names.host, names.address
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
            (TlsSession, "sni"): host,
            (Validation, "name"): host,
            (Validation, "completed_by"): host,
            (IssuerFetch, "url"): lambda _: _LEFT_OUT,
            (Vantage, "nameservers"): address,
            (Vantage, "helo_name"): host,
            (Vantage, "trust_store"): lambda _: _LEFT_OUT,
            (Vantage, "trust_store_sha256"): lambda _: "",
        }

    def of(self, value: Any, text: Callable[[str], str] | None = None) -> Any:
        """Return a value with every text in it replaced."""
        if isinstance(value, Certificate):
            return self._certificate(value)
        if isinstance(value, HttpResponse):
            return self._response(value)
        if isinstance(value, DnsRecord):
            names = self._names
            return replace(
                value, name=names.host(value.name), type=redacted_text(value.type, names), text=self._record(value)
            )
        if is_dataclass(value) and not isinstance(value, type):
            made = {
                field.name: self.of(getattr(value, field.name), self._texts.get((type(value), field.name)))
                for field in fields(value)
            }
            return replace(value, **made)
        if isinstance(value, tuple):
            return tuple(self.of(part, text) for part in value)
        if type(value) is str:
            return value and (text(value) if text else redacted_text(value, self._names))
        return b"" if isinstance(value, bytes) else value

    def _url(self, url: str) -> str:
        match = re.match(_HTTPS, url)
        return f"https://{self._names.host(match[1])}/.well-known/mta-sts.txt" if match else _LEFT_OUT

    def _certificate(self, certificate: Certificate) -> Certificate:
        host = self._names.host
        subject = ", ".join(f"CN={host(name)}" for name in certificate.common_names) or (
            "(a name)" if certificate.subject else ""
        )
        return replace(
            certificate,
            der=b"",
            sha256=certificate.sha256 and self._names.hexadecimal(certificate.sha256),
            subject=subject,
            issuer=subject if certificate.self_issued else _LEFT_OUT if certificate.issuer else "",
            serial="",
            common_names=tuple(map(host, certificate.common_names)),
            dns_names=tuple(map(host, certificate.dns_names)),
            spki_sha256=certificate.spki_sha256 and self._names.hexadecimal(certificate.spki_sha256),
            issuer_urls=(),
            key=redacted_text(certificate.key, self._names),
            signature=redacted_text(certificate.signature, self._names),
            problem=redacted_text(certificate.problem, self._names),
        )

    def _response(self, response: HttpResponse) -> HttpResponse:
        size = len(response.body)
        # Of a file that is too large, no more counts than what it is instead of a policy.
        large = response.truncated or size > MAX_TEXT
        body = response.body[:_READ] if large else response.body
        wide = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        # What is wrong with the encoding stays wrong: the finding about it is what the document is about.
        encoding, errors = ("utf-16", "replace") if wide else ("utf-8", "surrogateescape")
        text = body.decode(encoding, errors)
        mark = "\ufeff" * text.startswith("\ufeff")
        text = text.removeprefix(mark)
        lines = [_policy_line(line, self._names) if line.strip() else line for line in re.split(r"(\r\n|\n|\r)", text)]
        headers = tuple(
            (key, value if _TYPE.fullmatch(value) else redacted_text(value, self._names))
            for key, value in response.headers
            if key.lower() == "content-type"
        )
        made = "".join([mark, *lines]).encode(encoding, errors)
        return replace(response, headers=headers, body=made.ljust(size) if large else made)

    def _record(self, record: DnsRecord) -> str:
        names = self._names
        if record.type in ("A", "AAAA"):
            return names.address(record.text)
        if record.type in ("MX", "CNAME", "NS"):
            first, _, rest = record.text.rpartition(" ")
            return f"{redacted_text(first, names)} {names.host(rest)}" if first else names.host(rest)
        if record.type == "SOA":
            return _LEFT_OUT
        return ";".join(map(self._field, record.text.split(";")))

    def _field(self, field: str) -> str:
        """Return a field of a TXT record: ids and the addresses for reports keep their form."""
        if match := _ID_FIELD.fullmatch(field):
            digits = self._names.keyed(f"id {match[2]}")[:14]
            # One that is too long stays too long.
            return f"{match[1]}{digits.ljust(33, '0') if len(match[2]) > 32 else digits}{match[3]}"
        made, at = "", 0
        for match in _REPORTS_TO.finditer(field):
            if not match.lastgroup:
                continue
            host = self._names.host(match["mail"] or match["https"])
            made += redacted_text(field[at : match.start()], self._names)
            made += f"mailto:reports@{host}" if match["mail"] else f"https://{host}/"
            at = match.end()
        return made + redacted_text(field[at:], self._names)
