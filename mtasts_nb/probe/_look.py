"""One look at a domain: which steps wait for which, and all that need not wait side by side.

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
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from functools import partial

import httpx
from OpenSSL import SSL

from .._version import __version__
from ..settings import ProbeSettings
from ..vocabulary import Status
from ._certificates import TrustStore
from ._closed import without_ipv6, without_port_25, without_resolver
from ._crew import Crew
from ._dane import match_tlsa
from ._dns import Resolver, system_nameservers
from ._domain import is_host_name, policy_domain
from ._evidence import DnsAttempt, DnsQuery, HttpRequest, MxHost, PolicyHost, SmtpRequest, Vantage
from ._https import IssuerFetcher, fetch_policy
from ._network import Network, Throttle
from ._probe import Probe
from ._providers import recognise
from ._smtp import Conversations

__all__ = ["MOST_ADDRESSES", "MOST_MX", "MOST_NAMESERVERS", "look", "probe"]

#: Most MX hosts that are visited, by preference.
MOST_MX = 10
#: Most addresses of one host that are visited, per family.
MOST_ADDRESSES = 4
#: Most authoritative servers that are asked.
MOST_NAMESERVERS = 8


def probe(
    domain: str,
    settings: ProbeSettings | None = None,
    *,
    on_start: Callable[[Callable[[], None]], None] | None = None,
) -> Probe:
    """Return what the DNS, the policy host and the MX hosts of a domain answer to a sender, now.

    The call blocks until every step has ended or run out of time (`settings.timeout` per step, `settings.deadline` for
    all), in a script and inside a running event loop alike. The stop button of a notebook ends it at once.

    Parameters
    ----------
    domain : str
        The part after the @ of a mail address; A-labels or U-labels.
    settings : ProbeSettings, optional
        How to reach the world. The default is the real internet through the system's resolvers.
    on_start : callable, optional
        Called once the look has begun, with a function that ends it at once from any thread: what was not seen by then
        is *not observed*.

    Raises
    ------
    ValueError
        `domain` is not a domain. A domain that does not exist, or does not answer, is a `Probe` all the same.

    Examples
    --------
    >>> from mtasts_nb.lab import Lab
    >>> with Lab() as lab:
    ...     seen = probe("nordwind.example", lab.settings)
    >>> seen.mode.value, seen.findings.summary()
    ('enforce', 'No findings.')
    """
    handed_over = None if on_start is None else (lambda network: on_start(network.stop))
    return look(policy_domain(domain), settings or ProbeSettings(), on_start=handed_over)


def look(
    domain: str,
    settings: ProbeSettings,
    throttle: Throttle | None = None,
    conversations: Conversations | None = None,
    on_start: Callable[[Network], None] | None = None,
) -> Probe:
    """Return the probe of a domain whose name is in order."""
    network = Network(settings, throttle)
    crew = Crew(f"probe {domain}")
    try:
        if on_start is not None:
            on_start(network)
        return _Look(domain, settings, network, crew, conversations or Conversations()).run()
    finally:
        # By now every step has ended, unless the stop button was pressed: then this ends them.
        network.stop()
        crew.join(5.0)
        network.close()


class _Look:
    def __init__(
        self, domain: str, settings: ProbeSettings, network: Network, crew: Crew, conversations: Conversations
    ) -> None:
        self._conversations = conversations
        self._domain = domain
        self._settings = settings
        self._network = network
        self._crew = crew
        self._started = settings.now().astimezone(UTC)
        self._begun = time.monotonic()
        self._nameservers = settings.nameservers or system_nameservers()
        self._resolver = Resolver(network, self._nameservers)
        self._store = TrustStore(settings.trust_roots, self._started)
        self._issuers = IssuerFetcher(network, self._resolver)
        self._limits: list[str] = []

    def run(self) -> Probe:
        """Do all steps and put the evidence together."""
        domain, start = self._domain, self._crew.start
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
        mx_hosts, port_25_closed = without_port_25(mx_hosts)
        return Probe(
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
            ipv6_closed=ipv6_closed,
            limits_hit=tuple(sorted(self._limits)),
            providers=recognise(mx_hosts, policy_host),
        )

    def _vantage(self) -> Vantage:
        s = self._settings
        return Vantage(
            nameservers=tuple(self._nameservers), trust_store=self._store.name, trust_store_sha256=self._store.sha256,
            helo_name=s.helo_name, ipv4=s.ipv4, ipv6=s.ipv6, dns_port=s.dns_port, https_port=s.https_port,
            smtp_port=s.smtp_port, timeout=s.timeout, deadline=s.deadline, allow_private=s.allow_private,
            routed=bool(s.routes),
            versions=(
                f"mtasts-nb {__version__}", f"Python {platform.python_version()}", f"httpx {httpx.__version__}",
                SSL.OpenSSL_version(SSL.OPENSSL_VERSION).decode("ascii", "replace"),
            ),
        )  # fmt: skip

    def _note_dropped(self, *attempts: DnsAttempt) -> None:
        for attempt in attempts:
            if attempt.answer is not None and attempt.answer.records_dropped:
                query, at = attempt.query, f" at {attempt.query.server}" if attempt.query.server else ""
                self._limits.append(f"{query.name}: {attempt.answer.records_dropped} more {query.type} records{at}")

    def _addresses(self, host: str) -> tuple[DnsAttempt, DnsAttempt]:
        a, aaaa = self._crew.all([partial(self._resolver.ask, host, kind) for kind in ("A", "AAAA")])
        return a, aaaa

    def _chosen(self, host: str, a: DnsAttempt, aaaa: DnsAttempt) -> list[str]:
        """Return the addresses of a host that are visited."""
        chosen: list[str] = []
        for wanted, attempt in ((self._settings.ipv4, a), (self._settings.ipv6, aaaa)):
            if wanted:
                found = list(dict.fromkeys(attempt.texts))
                chosen += found[:MOST_ADDRESSES]
                dropped = attempt.answer.records_dropped if attempt.answer else 0
                if more := len(found[MOST_ADDRESSES:]) + dropped:
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
        attempts = self._crew.all(
            [partial(fetch_policy, self._network, request, self._store, self._issuers) for request in requests]
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
        for host in hosts:  # a host that is named twice is tried at its better preference
            best.setdefault(host.host, host)
        hosts = list(best.values())
        dropped = mx.answer.records_dropped if mx.answer else 0
        if more := len(hosts[MOST_MX:]) + dropped:
            self._limits.append(f"{self._domain}: {more} more MX hosts")
            hosts = [host if n < MOST_MX else replace(host, problem="limit") for n, host in enumerate(hosts)]
        return mx, tuple(self._crew.all([partial(self._mx_host, host) for host in hosts]))

    def _mx_host(self, mx: MxHost) -> MxHost:
        if mx.problem:
            return mx
        tlsa_future = self._crew.start(
            partial(self._resolver.ask, f"_{self._settings.smtp_port}._tcp.{mx.host}", "TLSA")
        )
        a, aaaa = self._addresses(mx.host)
        requests = [
            SmtpRequest(mx=mx.host, address=address, port=self._settings.smtp_port)
            for address in self._chosen(mx.host, a, aaaa)
        ]
        attempts = self._crew.all(
            [
                partial(self._conversations.hold, self._network, request, self._store, self._issuers)
                for request in requests
            ]
        )
        tlsa = tlsa_future.result()
        matched = tuple(
            replace(attempt, tlsa=match_tlsa(tlsa.texts, attempt.tls)) if attempt.tls and tlsa.texts else attempt
            for attempt in attempts
        )
        return replace(mx, a=a, aaaa=aaaa, tlsa=tlsa, attempts=matched)

    def _authoritative(self) -> tuple[DnsAttempt, ...]:
        """Put the three questions to every authoritative server of the zone that holds the domain."""
        zone = self._domain
        servers: tuple[str, ...] = ()
        while not servers and zone.count(".") >= 1:
            servers = self._resolver.ask(zone, "NS").texts
            zone = zone.partition(".")[2]
        if len(servers) > MOST_NAMESERVERS:
            self._limits.append(f"{self._domain}: {len(servers) - MOST_NAMESERVERS} more name servers")
        found = self._crew.all([partial(self._ask_server, server) for server in servers[:MOST_NAMESERVERS]])
        return tuple(attempt for attempts in found for attempt in attempts)

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
        return self._crew.all([partial(ask, server, address, name, kind) for name, kind in questions])


def _mx_problem(name: str) -> str:
    if name in ("", "."):
        return "null"
    if name.count(".") == 3 and all(part.isdigit() and int(part) < 256 for part in name.split(".")):
        return "ip-literal"
    return "" if is_host_name(name) else "invalid-name"
