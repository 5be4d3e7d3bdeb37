"""A new key at an MX host with TLSA records: its record first, then the wait, then the key (RFC 7671 §8.1)."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from ..knowledge import renewal_clients
from ..markup import one_line, plural, span, when
from ..probe import DaneState, MxHost, Probe, dane_state, tlsa_record
from ..vocabulary import Status
from ._plan import Plan, PlanStep

__all__ = ["TlsaHost", "TlsaRolloverPlan", "plan_tlsa_rollover"]

#: What stands for the digest of a key that is not made yet.
NEXT: Final = "DIGEST-OF-THE-NEXT-KEY"
_TTL: Final = 3600
#: By matching type (RFC 6698 §2.1.3); 0 is the key itself.
_DIGESTS: Final = {1: "sha256", 2: "sha512"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsaHost:
    """The TLSA records of one MX host, compared with the key that it uses.

    Attributes
    ----------
    host, name : str
        The MX host, and where its TLSA records are: ``_25._tcp.`` and the host, or where a CNAME there leads.
    state : DaneState
        Whether senders apply DANE to it.
    ttl : int
        Of the records, in seconds.
    observed : bool
        Whether a TLS session with the host was observed, so that records could be compared.
    current, anchors : tuple of str
        Records that match: of its own key or certificate (usage 3), of a CA in its chain (usage 2).
    next : tuple of str
        Records of usage 3 that match nothing now: for a next key, or left over from an earlier one.
    matching : int
        The matching type of the records to add: that in use, since senders may ignore a weaker digest beside a stronger
        one (RFC 7671 §9).
    present : str
        The record of the present key, usage 3 and selector 1; empty where no key was observed.
    """

    host: str
    name: str
    state: DaneState
    ttl: int
    observed: bool
    current: tuple[str, ...]
    anchors: tuple[str, ...]
    next: tuple[str, ...]
    matching: int
    present: str

    @property
    def broken(self) -> bool:
        """Whether no record matches: senders that validate DANE do not deliver now."""
        return self.observed and self.state is DaneState.USABLE and not self.current and not self.anchors

    @property
    def pins_certificate(self) -> bool:
        """Whether a record is of the whole certificate: it is wrong after each renewal, even with the same key."""
        return any(record.split()[1] == "0" for record in self.current)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TlsaRolloverPlan(Plan):
    """The way to a new key; see `Plan` for what it shares with other plans.

    Attributes
    ----------
    hosts : tuple of TlsaHost
        The MX hosts with TLSA records.
    install_after : datetime
        When every resolver has the next key's record, UTC: two TTLs after it is published (RFC 7671 §8.1).
    ready : bool
        Whether a record for a next key is published at each host that needs one.
    """

    hosts: tuple[TlsaHost, ...]
    install_after: datetime
    ready: bool


def plan_tlsa_rollover(
    probe: Probe, *, next_key: str | bytes | None = None, client: str | None = None
) -> TlsaRolloverPlan:
    """Return the way to a new key at MX hosts with TLSA records, without a moment at which no record matches.

    Current and next key are published together, the wait is two TTLs, then the key is changed, then the old record goes
    (RFC 7671 §8.1). A host whose records are of a CA (usage 2) needs this only when the CA changes its certificate.

    Parameters
    ----------
    probe : Probe
        A probe of the domain.
    next_key : str or bytes, optional
        The next public key, or a certificate with it, as PEM: its record is then in the text to publish. Never the
        private key.
    client : {"certbot", "acme.sh", "caddy"}, optional
        What renews the certificate; None: notes about all three.

    Returns
    -------
    TlsaRolloverPlan
        Without steps, and with a note, where no MX host has TLSA records.

    Raises
    ------
    ValueError
        The next key is no public key, or there is no such client.

    Examples
    --------
    >>> from mtasts_nb.lab import Lab
    >>> from mtasts_nb.probe import probe
    >>> with Lab("dane-no-next-key") as lab:
    ...     plan = plan_tlsa_rollover(probe("nordwind.example", lab.settings))
    >>> plan.ready, [step.what for step in plan.steps][:2]
    (False, ['Make the next key, and compute the data of its record.', 'Publish the records of the current and the next key, both.'])
    """
    clients = renewal_clients()
    if client is not None and client.lower() not in clients:
        raise ValueError(f"There are no notes about the client {client!r}; there is {', '.join(clients)}.")
    key = None if next_key is None else _public_key(next_key)
    hosts = tuple(_host(probe, mx) for mx in probe.mx_hosts if mx.tlsa is not None and mx.tlsa.texts)
    ttl = max((host.ttl for host in hosts), default=_TTL)
    install = probe.started + timedelta(seconds=2 * ttl)
    own = [host for host in hosts if host.current or (host.observed and not host.anchors)]
    ready = bool(own) and all(host.next for host in own) and not any(host.broken for host in own)
    chosen = [clients[client.lower()]] if client else list(clients.values())
    return TlsaRolloverPlan(
        title="A new key at hosts with TLSA records: its record first, then the key.",
        domain=probe.domain,
        made=probe.started,
        steps=tuple(_steps(probe, hosts, own, key, install, ttl, ready=ready)),
        notes=(
            *_notes(probe, hosts),
            *(
                f"{each.title} makes {'a new key at each renewal' if each.new_key else 'no new key at a renewal'} by default. "
                f"To keep the key: {each.keep} To change it: {each.roll}"
                for each in (chosen if hosts else ())
            ),
        ),
        hosts=hosts,
        install_after=install,
        ready=ready,
    )


def _public_key(pem: str | bytes) -> bytes:
    data = pem.encode() if isinstance(pem, str) else pem
    try:
        key = (
            x509.load_pem_x509_certificate(data).public_key()
            if b"BEGIN CERTIFICATE" in data
            else load_pem_public_key(data)
        )
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, TypeError):
        raise ValueError(
            "next_key is no public key: expected PEM, as `openssl pkey -in next.key -pubout` prints it."
        ) from None


def _host(probe: Probe, mx: MxHost) -> TlsaHost:
    lookup = mx.tlsa
    texts = lookup.texts if lookup else ()
    answer = lookup.answer if lookup else None
    sessions = [attempt for attempt in mx.attempts if attempt.session is not None and attempt.session.chain]
    matching = {match.record for attempt in sessions for match in attempt.tlsa if match.matches}
    usable = [text for text in texts if _parsed(text)]
    own = [text for text in usable if text.startswith("3")]
    current = tuple(text for text in own if text in matching)
    parameters = _parsed(next(iter(current or own), "")) or (3, 1, 1, b"")
    leaves = [each.session.chain[0].der for each in sessions if each.session]
    key = next(filter(None, map(_key_of, leaves)), None)
    return TlsaHost(
        host=mx.host,
        name=(answer.cname_chain[-1] if answer and answer.cname_chain else f"_25._tcp.{mx.host}"),
        state=dane_state(probe, mx),
        ttl=(answer.ttl if answer and answer.ttl else _TTL),
        observed=bool(sessions),
        current=current,
        anchors=tuple(text for text in usable if text.startswith("2") and text in matching),
        next=tuple(text for text in own if text not in matching) if sessions and (current or matching) else (),
        matching=parameters[2],
        present=_record(parameters[2], key) if key else "",
    )


def _parsed(text: str) -> tuple[int, int, int, bytes] | None:
    try:
        return tlsa_record(text)
    except ValueError:
        return None


def _key_of(der: bytes) -> bytes | None:
    """Return the public key of a certificate of a stranger; None where it cannot be read."""
    try:
        return (
            x509.load_der_x509_certificate(der)
            .public_key()
            .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _record(matching: int, key: bytes | None) -> str:
    """Return a key's record: of the key, not of a certificate, which may not exist yet."""
    if key is None:
        return f"3 1 {matching} {NEXT}"
    return f"3 1 {matching} {hashlib.new(_DIGESTS[matching], key).hexdigest() if matching else key.hex()}"


def _zone(host: TlsaHost, records: Sequence[str]) -> str:
    return "\n".join(f"{host.name}. {host.ttl} IN TLSA {record}" for record in dict.fromkeys(records))


def _steps(
    probe: Probe,
    hosts: Sequence[TlsaHost],
    own: Sequence[TlsaHost],
    key: bytes | None,
    install: datetime,
    ttl: int,
    *,
    ready: bool,
) -> Iterator[PlanStep]:
    made = probe.started
    broken = [host for host in hosts if host.broken]
    if broken:
        yield PlanStep(
            when=made,
            what="Publish the record of the present key now: no record matches it.",
            where=", ".join(host.name for host in broken),
            text="\n".join(_zone(host, (host.present,)) for host in broken),
            command=_dig(broken[0]),
            expect="this record",
            why="Senders that validate DANE do not deliver to a host whose records do not match; they queue the mail.",
            rfc="RFC 7672 §2.2, §8.1",
        )
    if own and not ready and key is None:
        yield _make_key(made, own[0])
    if own and not ready:
        yield PlanStep(
            when=made,
            what="Publish the records of the current and the next key, both.",
            where=", ".join(host.name for host in own),
            text="\n".join(
                _zone(host, (*(host.current or filter(None, (host.present,))), _record(host.matching, key)))
                for host in own
            ),
            command=_dig(own[0]),
            expect="both records, with the flag ad, from a resolver that validates DNSSEC",
            why="A sender may have the old records cached. A key whose record it does not have yet fails there.",
            rfc="RFC 7671 §8.1",
        )
    if own:
        yield from _change(probe.domain, own, key, install, ttl)
    if anchored := [host for host in hosts if host.anchors]:
        yield _anchor_step(made, anchored[0], install)


def _dig(host: TlsaHost) -> str:
    return f"dig +dnssec TLSA {shlex.quote(host.name)}"


def _make_key(made: datetime, host: TlsaHost) -> PlanStep:
    digest = f"openssl dgst -{_DIGESTS[host.matching]} -r" if host.matching else "xxd -p -c 0"
    return PlanStep(
        when=made,
        what="Make the next key, and compute the data of its record.",
        command="openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out next.key && "
        f"openssl pkey -in next.key -pubout -outform DER | {digest}",
        expect=f"the data that replaces {NEXT} below",
        why="The record depends on the key alone, so it can be published before there is a certificate.",
        rfc="RFC 7671 §5.1, §8.1",
    )


def _change(domain: str, own: Sequence[TlsaHost], key: bytes | None, install: datetime, ttl: int) -> Iterator[PlanStep]:
    first = own[0]
    following = first.next[0] if first.next else _record(first.matching, key)
    name = shlex.quote(first.host)
    yield PlanStep(
        when=install,
        what="Install the next key with its certificate, at every server of the host, and reload.",
        where=", ".join(host.host for host in own),
        command=f"openssl s_client -starttls smtp -connect {name}:25 -servername {name} -dane_tlsa_domain {name} "
        f"-dane_tlsa_rrdata {shlex.quote(following)} -dane_ee_no_namechecks </dev/null 2>/dev/null | grep -E 'DANE|Verif'",
        expect="Verification: OK, and DANE TLSA 3 … matched",
        why=f"Two TTLs ({span(2 * ttl)}) after both records were published, no resolver has the old set any more. If they were "
        "published longer ago, there is nothing to wait for. Before that, the new key fails for senders that validate DANE.",
        rfc="RFC 7671 §8.1",
        not_before=True,
    )
    yield PlanStep(
        when=install,
        what="Probe the domain from outside.",
        command=f"mtasts-nb probe {shlex.quote(domain)}",
        expect="no tlsa-mismatch at any host or address",
        why="One server of several with the old key, or one address, is enough to defer mail.",
        rfc="RFC 7672 §8.1",
        not_before=True,
    )
    yield PlanStep(
        when=install,
        what="Remove the record of the old key, and publish that of the key after the next in the same change.",
        where=", ".join(host.name for host in own),
        command=_dig(first),
        expect=f"the record of the key in use, and one for the next: 3 1 {first.matching} …",
        why="Then the next change, planned or after a loss of the key, needs no wait.",
        rfc="RFC 7671 §8.1, §8.4",
        not_before=True,
    )


def _anchor_step(made: datetime, host: TlsaHost, install: datetime) -> PlanStep:
    selector, digest = host.anchors[0].split()[1:3]
    part = "openssl pkey -pubin -outform DER" if selector == "1" else "openssl x509 -outform DER"
    read = "openssl x509 -in chain.pem -noout -pubkey | " if selector == "1" else "openssl x509 -in chain.pem | "
    summary = f"openssl dgst -{_DIGESTS.get(int(digest), 'sha256')} -r"
    return PlanStep(
        when=made,
        what="Before each renewed certificate is installed, compare its CA with the published record.",
        where=host.name,
        text="\n".join(f"{host.name}. {host.ttl} IN TLSA {record}" for record in host.anchors),
        command=f"{read}{part} | {summary}",
        expect="the data of a published record; chain.pem is the new chain without the leaf, and the server has to send it",
        why="The CA may issue from another intermediate at any renewal, without notice. Then publish that record beside "
        f"this one, and wait two TTLs (from now: {when(install)}) before the certificate is installed.",
        rfc="RFC 7671 §5.2, §8.1",
    )


def _notes(probe: Probe, hosts: Sequence[TlsaHost]) -> Iterator[str]:
    if not hosts:
        unknown = [mx.host for mx in probe.mx_hosts if mx.tlsa is not None and mx.tlsa.status is not Status.COMPLETED]
        if unknown:
            yield f"The TLSA records of {one_line(', '.join(unknown), 200)} could not be looked up; it is not known whether there are any."
        else:
            yield "No MX host has TLSA records, so a new key needs no preparation in the DNS."
        return
    unseen = [host.host for host in hosts if not host.observed]
    if unseen:
        yield f"No TLS session with {', '.join(unseen)} was observed: which record is of the present key is not known."
    insecure = [host.host for host in hosts if not host.state.applies]
    if insecure:
        yield (
            f"For {', '.join(insecure)} it is not known, or not the case, that senders apply DANE: {hosts[0].state.value}. "
            "The order is the same."
        )
    if anchored := [host.host for host in hosts if host.anchors and not host.current]:
        yield f"{', '.join(anchored)}: the records are of a CA (usage 2). A new key under the same CA certificate needs no change."
    if pinned := [host.host for host in hosts if host.pins_certificate]:
        yield (
            f"{', '.join(pinned)}: a record is of the whole certificate (selector 0), so each renewal breaks it, even with the "
            "same key. Use selector 1."
        )
    left = sum(len(host.next) for host in hosts)
    if left:
        yield (
            f"{plural(left, 'record')} of usage 3 {'matches' if left == 1 else 'match'} no key in use. The plan takes "
            f"{'it' if left == 1 else 'them'} for the next key; check that {'it is' if left == 1 else 'they are'}, and not left "
            "over from an earlier one."
        )
