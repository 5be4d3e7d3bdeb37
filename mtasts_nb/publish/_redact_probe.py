"""A probe whose names are replaced: the evidence as far as it names nobody, from which findings are drawn anew."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

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
    SmtpReply,
    SmtpRequest,
    TlsaMatch,
    TlsSession,
    Validation,
    Vantage,
    Verdict,
)
from ._redact_archive import policy_line

if TYPE_CHECKING:
    from ._redact_names import Pseudonyms

__all__ = ["names_in_probe", "redacted_probe"]

_LEFT_OUT = "(left out)"
_ID = re.compile(r"(\bid\s*=\s*)([A-Za-z0-9]+)(?=\s*(;|$))")
_MAILTO = re.compile(r"mailto:[^\s,;!]+@([^\s,;!]+)", re.IGNORECASE)
_HTTPS = re.compile(r"https://([^\s,;!/]+)[^\s,;!]*", re.IGNORECASE)
_HOLE = re.compile("\ue000(\\d+)\ue001")
_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+( *; *charset=[a-z0-9-]+)?", re.IGNORECASE)
#: Fields that hold codes, versions and the like of our own making.
_OURS = frozenset(
    {
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
    }
)


def redacted_probe(probe: Probe, names: Pseudonyms) -> Probe:
    """Return the probe with pseudonyms.

    Kept are times, statuses, reasons, stages, TLS versions and ciphers, dates and keys' strengths of certificates, verify
    codes, and the words of the protocols in replies. Left out are the certificates themselves, serial numbers, issuers,
    addresses to fetch from, headers but Content-Type, who provides, and other free text.
    """
    whole: Probe = _Redaction(names).of(probe)
    return replace(whole, domain=names.host(probe.domain), providers=(), vantage=_vantage(probe.vantage, names))


def names_in_probe(probe: Probe) -> set[str]:
    """Return the names and addresses that a probe is about."""
    found = {probe.domain, probe.policy_host.host, *(mx.host for mx in probe.mx_hosts)}
    found |= {attempt.request.address for attempt in probe.policy_host.attempts}
    found |= {attempt.request.address for mx in probe.mx_hosts for attempt in mx.attempts}
    found |= {record.text for record in (*probe.policy_host.a.records, *probe.policy_host.aaaa.records)}
    return {name for name in found if name}


def _vantage(vantage: Vantage, names: Pseudonyms) -> Vantage:
    return replace(
        vantage,
        nameservers=tuple(names.address(one) for one in vantage.nameservers),
        trust_store=_LEFT_OUT,
        trust_store_sha256="",
        helo_name=names.host(vantage.helo_name),
    )


class _Redaction:
    """Walks through the evidence; a kind of evidence that is not known here has all its texts scrubbed."""

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
            (Validation, "name_detail"): free,
            (Verdict, "text"): free,
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
                one.name: self.of(
                    getattr(value, one.name),
                    self._texts.get((type(value), one.name), _same if one.name in _OURS else None),
                )
                for one in fields(value)
            }
            return replace(value, **made)
        if isinstance(value, tuple):
            return tuple(self.of(one, text) for one in value)
        if type(value) is str:
            return value if not value else (text or self._names.scrubbed)(value)
        return b"" if isinstance(value, bytes) else value

    def _url(self, url: str) -> str:
        return _HTTPS.sub(lambda match: f"https://{self._names.host(match[1])}/.well-known/mta-sts.txt", url)

    def _certificate(self, one: Certificate) -> Certificate:
        host = self._names.host
        subject = ", ".join(f"CN={host(name)}" for name in one.common_names) or ("(a name)" if one.subject else "")
        return replace(
            one,
            der=b"",
            sha256=self._names.key(one.sha256) if one.sha256 else "",
            subject=subject,
            issuer=subject if one.self_issued else _LEFT_OUT if one.issuer else "",
            serial="",
            common_names=tuple(map(host, one.common_names)),
            dns_names=tuple(map(host, one.dns_names)),
            spki_sha256=self._names.key(one.spki_sha256) if one.spki_sha256 else "",
            issuer_urls=(),
            problem=self._names.scrubbed(one.problem),
        )

    def _response(self, response: HttpResponse) -> HttpResponse:
        text = response.body.decode("utf-8", "surrogateescape")
        lines = [policy_line(line, self._names) if line.strip() else line for line in re.split(r"(\r\n|\n|\r)", text)]
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
