"""One probe of a domain: which steps wait for which; all others run at the same time.

::

    TXT _mta-sts ─────────────────────────┐
    TXT _smtp._tls ───────────────────────┤
    A, AAAA mta-sts ──→ GET per address ──┤
    MX ──→ A, AAAA, TLSA per host ──→ SMTP per address ──┤
    NS ──→ A, AAAA per server ──→ the same questions there ──┘
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC
from functools import partial
from itertools import repeat

import httpcore
from OpenSSL import SSL

from .. import knowledge
from .._version import __version__
from ..settings import ProbeSettings
from ..vocabulary import Status
from ._attempts import DnsAttempt, DnsQuery, HttpRequest, SmtpAttempt, SmtpRequest
from ._evidence import Evidence, MxHost, PolicyHost, Provider, Vantage, is_host_name, policy_domain
from ._probe import Probe
from .findings import no_answer_on_port_25, without_ipv6, without_port_25, without_resolver
from .wire._dns import Resolver, system_nameservers
from .wire._https import IssuerFetcher, fetch_policy
from .wire._missing import completed_chains
from .wire._network import Network
from .wire._smtp import Conversations
from .wire._threads import ThreadGroup, Throttle
from .wire._tls import TrustStore, match_tlsa

__all__ = ["observe", "probe", "recognise"]

#: Most MX hosts that are probed, by preference.
MOST_MX = 10
#: Most addresses of one host that are connected to, per family.
MOST_ADDRESSES = 4
#: Most authoritative servers that are queried.
MOST_NAMESERVERS = 8


def probe(
    domain: str,
    settings: ProbeSettings | None = None,
    *,
    on_start: Callable[[Callable[[], None]], None] | None = None,
) -> Probe:
    """Return what the DNS, the policy host and the MX hosts of a domain answer to a sender, now.

    The call blocks until every step has ended or timed out (`settings.timeout` per step, `settings.deadline` for all), in
    a script and inside a running event loop alike. The stop button of a notebook ends it at once.

    Parameters
    ----------
    domain : str
        The part after the @ of a mail address; A-labels or U-labels.
    settings : ProbeSettings, optional
        How to reach the servers. The default is the real internet through the system's resolvers.
    on_start : callable, optional
        Called once the probe has begun, with a function that ends it at once from any thread: what was not observed by
        then is *not observed*.

    Raises
    ------
    ValueError
        `domain` is not a domain. A domain that does not exist, or does not answer, is a `Probe` nevertheless.

    Examples
    --------
    >>> from mtasts_nb.lab import Lab
    >>> with Lab() as lab:
    ...     result = probe("nordwind.example", lab.settings)
    >>> result.mode.value, result.findings.summary()
    ('enforce', 'No findings.')
    """
    started = None if on_start is None else (lambda network: on_start(network.stop))
    return Probe.of(observe(policy_domain(domain), settings or ProbeSettings(), on_start=started))


def observe(
    domain: str,
    settings: ProbeSettings,
    throttle: Throttle | None = None,
    conversations: Conversations | None = None,
    on_start: Callable[[Network], None] | None = None,
) -> Evidence:
    """Return the evidence about a domain whose name is valid."""
    network = Network(settings, throttle)
    threads = ThreadGroup(f"probe {domain}")
    try:
        if on_start is not None:
            on_start(network)
        return _Run(domain, settings, network, threads, conversations or Conversations()).evidence()
    finally:
        # By now every step has ended, unless the stop button was pressed: then this ends them.
        network.stop()
        threads.join(5.0)
        network.close()


class _Run:
    def __init__(
        self, domain: str, settings: ProbeSettings, network: Network, threads: ThreadGroup, conversations: Conversations
    ) -> None:
        self._conversations = conversations
        self._domain = domain
        self._settings = settings
        self._network = network
        self._threads = threads
        self._started = settings.now().astimezone(UTC)
        self._begun = time.monotonic()
        self._nameservers = settings.nameservers or system_nameservers()
        self._resolver = Resolver(network, self._nameservers)
        self._store = TrustStore(settings.trust_roots, self._started)
        self._issuers = IssuerFetcher(network, self._resolver, self._store)
        self._limits: list[str] = []

    def evidence(self) -> Evidence:
        """Do all steps and return what was observed."""
        domain, start = self._domain, self._threads.start
        sts_future = start(partial(self._resolver.ask, f"_mta-sts.{domain}", "TXT"))
        tlsrpt_future = start(partial(self._resolver.ask, f"_smtp._tls.{domain}", "TXT"))
        policy_future = start(self._policy_host)
        authoritative_future = start(self._authoritative)
        mx_future = start(self._mx)
        sts, tlsrpt, policy_host = sts_future.result(), tlsrpt_future.result(), policy_future.result()
        mx, mx_hosts = mx_future.result()
        authoritative = authoritative_future.result()
        self._note_dropped(sts, tlsrpt, *(host.tlsa for host in mx_hosts if host.tlsa), *authoritative)
        sts, tlsrpt, mx, a, aaaa = without_resolver((sts, tlsrpt, mx, policy_host.a, policy_host.aaaa))
        policy_host = replace(policy_host, a=a, aaaa=aaaa)
        policy_host, mx_hosts, ipv6_closed = without_ipv6(policy_host, mx_hosts)
        policy_host, mx_hosts = completed_chains(policy_host, mx_hosts, self._store)
        reference = None
        if no_answer_on_port_25(attempt for host in mx_hosts for attempt in host.attempts):
            reference = self._reference()
        mx_hosts, port_25_closed = without_port_25(mx_hosts, reference)
        observed = Evidence(
            domain=domain,
            started=self._started,
            seconds=time.monotonic() - self._begun,
            vantage=self._vantage(),
            sts=sts,
            tlsrpt=tlsrpt,
            mx=mx,
            authoritative=authoritative,
            policy_host=policy_host,
            mx_hosts=mx_hosts,
            port_25_closed=port_25_closed,
            reference=reference,
            ipv6_closed=ipv6_closed,
            limits_hit=tuple(sorted(self._limits)),
            providers=recognise(mx_hosts, policy_host),
        )
        if observed.dnssec_hidden:
            # A zone may be signed without a DS record at its parent: then no resolver sets AD. The root is never so.
            observed = replace(observed, signed_name=self._resolver.ask(self._settings.signed_name, "SOA"))
        return observed

    def _vantage(self) -> Vantage:
        s = self._settings
        return Vantage(
            nameservers=tuple(self._nameservers), trust_store=self._store.name, trust_store_sha256=self._store.sha256,
            helo_name=s.helo_name, ipv4=s.ipv4, ipv6=s.ipv6, dns_port=s.dns_port, https_port=s.https_port,
            smtp_port=s.smtp_port, timeout=s.timeout, deadline=s.deadline, allow_private=s.allow_private,
            routed=bool(s.routes),
            versions=(
                f"mtasts-nb {__version__}", f"Python {platform.python_version()}", f"httpcore {httpcore.__version__}",
                SSL.OpenSSL_version(SSL.OPENSSL_VERSION).decode("ascii", "replace"),
            ),
        )  # fmt: skip

    def _note_dropped(self, *attempts: DnsAttempt) -> None:
        for attempt in attempts:
            if attempt.answer is not None and attempt.answer.records_dropped:
                query, at = attempt.query, f" at {attempt.query.server}" if attempt.query.server else ""
                self._limits.append(f"{query.name}: {attempt.answer.records_dropped} more {query.type} records{at}")

    def _addresses(self, host: str) -> tuple[DnsAttempt, DnsAttempt]:
        a, aaaa = self._threads.all([partial(self._resolver.ask, host, kind) for kind in ("A", "AAAA")])
        return a, aaaa

    def _chosen(self, host: str, a: DnsAttempt, aaaa: DnsAttempt) -> list[str]:
        """Return the addresses of a host to connect to."""
        chosen: list[str] = []
        for wanted, attempt in ((self._settings.ipv4, a), (self._settings.ipv6, aaaa)):
            if wanted:
                addresses = list(dict.fromkeys(attempt.texts))
                chosen += addresses[:MOST_ADDRESSES]
                dropped = attempt.answer.records_dropped if attempt.answer else 0
                if more := len(addresses[MOST_ADDRESSES:]) + dropped:
                    self._limits.append(f"{host}: {more} more {attempt.query.type} records")
        return chosen

    def _policy_host(self) -> PolicyHost:
        host = f"mta-sts.{self._domain}"
        a, aaaa = self._addresses(host)
        port = self._settings.https_port
        at = host if port == 443 else f"{host}:{port}"
        requests = [
            HttpRequest(url=f"https://{at}/.well-known/mta-sts.txt", host=host, address=address, port=port)
            for address in self._chosen(host, a, aaaa)
        ]
        attempts = self._threads.all(
            [
                partial(fetch_policy, self._network, request, self._issuers, old=request is requests[0])
                for request in requests
            ]
        )
        return PolicyHost(host=host, a=a, aaaa=aaaa, attempts=tuple(attempts))

    def _mx(self) -> tuple[DnsAttempt, tuple[MxHost, ...]]:
        mx = self._resolver.ask(self._domain, "MX")
        hosts: list[MxHost] = []
        for text in mx.texts:
            preference, _, name = text.partition(" ")
            hosts.append(MxHost(host=name or ".", preference=int(preference), problem=_mx_problem(name)))
        if not hosts and mx.answer is not None and mx.status is Status.COMPLETED and mx.answer.rcode == "NOERROR":
            hosts = [MxHost(host=self._domain, preference=0, implicit=True)]
        best: dict[str, MxHost] = {}
        for host in hosts:  # a host that is listed twice has the better preference
            best.setdefault(host.host, host)
        hosts = list(best.values())
        dropped = mx.answer.records_dropped if mx.answer else 0
        if more := len(hosts[MOST_MX:]) + dropped:
            self._limits.append(f"{self._domain}: {more} more MX hosts")
            hosts = [host if n < MOST_MX else replace(host, problem="limit") for n, host in enumerate(hosts)]
        return mx, tuple(self._threads.all([partial(self._mx_host, host) for host in hosts]))

    def _mx_host(self, mx: MxHost) -> MxHost:
        if mx.problem:
            return mx
        tlsa_future = self._threads.start(
            partial(self._resolver.ask, f"_{self._settings.smtp_port}._tcp.{mx.host}", "TLSA")
        )
        a, aaaa = self._addresses(mx.host)
        requests = [
            SmtpRequest(mx=mx.host, address=address, port=self._settings.smtp_port)
            for address in self._chosen(mx.host, a, aaaa)
        ]
        attempts = self._threads.all(
            [
                # Old TLS versions are a setting of the host: one address shows it.
                partial(self._conversations.hold, self._network, request, self._issuers, beside)
                for request, beside in zip(requests, (self._threads.start, *repeat(None, len(requests))), strict=False)
            ]
        )
        tlsa = tlsa_future.result()
        matched = tuple(
            replace(attempt, tlsa=match_tlsa(tlsa.texts, attempt.tls)) if attempt.tls and tlsa.texts else attempt
            for attempt in attempts
        )
        return replace(mx, a=a, aaaa=aaaa, tlsa=tlsa, attempts=matched)

    def _reference(self) -> SmtpAttempt | None:
        """Return the conversation with the user's reference host; None without one, or if its address is not known."""
        host = self._settings.reference_mx
        if not host:
            return None
        address = next(iter(self._chosen(host, *self._addresses(host))), None)
        if address is None:
            return None
        request = SmtpRequest(mx=host, address=address, port=self._settings.smtp_port)
        return self._conversations.hold(self._network, request, self._issuers)

    def _authoritative(self) -> tuple[DnsAttempt, ...]:
        """Ask every authoritative server of the zone that has the domain the three questions."""
        zone = self._domain
        servers: tuple[str, ...] = ()
        while not servers and zone.count(".") >= 1:
            servers = self._resolver.ask(zone, "NS").texts
            zone = zone.partition(".")[2]
        if len(servers) > MOST_NAMESERVERS:
            self._limits.append(f"{self._domain}: {len(servers) - MOST_NAMESERVERS} more name servers")
        by_server = self._threads.all([partial(self._ask_server, server) for server in servers[:MOST_NAMESERVERS]])
        return tuple(attempt for attempts in by_server for attempt in attempts)

    def _ask_server(self, server: str) -> list[DnsAttempt]:
        a, aaaa = self._addresses(server)
        # One address is enough: the servers are compared, not the paths to them.
        address = next(iter(self._chosen(server, a, aaaa)), None)
        questions = ((f"_mta-sts.{self._domain}", "TXT"), (f"_smtp._tls.{self._domain}", "TXT"), (self._domain, "MX"))
        if address is None:
            query = DnsQuery(name=self._domain, type="MX", server=server)
            failed = a.status is not Status.NOT_OBSERVED
            return [
                DnsAttempt(
                    query=query, status=Status.FAILED if failed else Status.NOT_OBSERVED, reason="no-address",
                    detail=f"the name server {server} has no address",
                )
            ]  # fmt: skip
        ask = self._resolver.ask_server
        return self._threads.all([partial(ask, server, address, name, kind) for name, kind in questions])


def _mx_problem(name: str) -> str:
    if name in ("", "."):
        return "null"
    if name.count(".") == 3 and all(part.isdigit() and int(part) < 256 for part in name.split(".")):
        return "ip-literal"
    return "" if is_host_name(name) else "invalid-name"


def recognise(mx: Sequence[MxHost], policy_host: PolicyHost) -> tuple[Provider, ...]:
    """Return the providers that MX names, CNAMEs and headers show, each role once per provider."""
    providers: dict[tuple[str, str], Provider] = {}
    for known in knowledge.providers():
        for role, evidence in _traces(known, mx, policy_host):
            providers.setdefault((known.name, role), Provider(name=known.name, role=role, evidence=evidence))
    return tuple(providers.values())


def _traces(known: knowledge.Provider, mx: Sequence[MxHost], policy_host: PolicyHost) -> Iterator[tuple[str, str]]:
    for host in mx:
        if _is_below(host.host, known.mx):
            yield "mx", f"MX {host.host}"
            break
    for name in policy_host.cname_chain:
        if _is_below(name, known.cname):
            yield "policy host", f"CNAME {name}"
            return
    for attempt in policy_host.attempts:
        for header, wanted in known.headers:
            value = attempt.response.header(header) if attempt.response else ""
            if value and wanted in value.lower():
                yield "policy host", f"header {header}: {value[:80]}"
                return


def _is_below(name: str, domains: Sequence[str]) -> bool:
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)
