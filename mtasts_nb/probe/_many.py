"""Many domains in one run: several at the same time, but never many connections to one server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import TYPE_CHECKING, overload

from ..markup import plural
from ..render import Rendered, frame
from ..settings import ProbeSettings
from ..vocabulary import Severity
from ._evidence import policy_domain
from ._probe import Probe
from ._run import observe
from .wire._network import Network
from .wire._smtp import Conversations
from .wire._threads import Throttle

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Probes", "probe_many"]

#: Domains probed at the same time, and connections to one server (address and port) at the same time.
AT_ONCE = 16
PER_SERVER = 4


class Probes(Rendered, Sequence[Probe]):
    """Probes of several domains, in the order given.

    Attributes
    ----------
    rejects : tuple of (str, str)
        What was given and is not a domain, with the reason.

    Examples
    --------
    >>> Probes(())
    <Probes: 0 domains>
    """

    def __init__(self, probes: Iterable[Probe], rejects: Iterable[tuple[str, str]] = ()) -> None:
        self._probes = tuple(probes)
        self.rejects = tuple(rejects)

    @overload
    def __getitem__(self, index: int) -> Probe: ...
    @overload
    def __getitem__(self, index: slice) -> Probes: ...
    def __getitem__(self, index: int | slice) -> Probe | Probes:
        """Return one probe, or the probes of a slice."""
        return Probes(self._probes[index]) if isinstance(index, slice) else self._probes[index]

    def __len__(self) -> int:
        return len(self._probes)

    def __iter__(self) -> Iterator[Probe]:
        return iter(self._probes)

    def of(self, domain: str) -> Probe:
        """Return the probe of one domain; KeyError if it is not in this run."""
        name = policy_domain(domain)
        for probe in self._probes:
            if probe.domain == name:
                return probe
        raise KeyError(f"{name} is not among the {plural(len(self), 'domain')} of this run.")

    def to_frame(self) -> pd.DataFrame:
        """Return one row per domain: domain, mode, errors, warnings, advice, codes, mx_hosts, providers, seconds."""
        columns = ["domain", "mode", "errors", "warnings", "advice", "codes", "mx_hosts", "providers", "seconds"]
        return frame([self.row(probe) for probe in self._probes], columns)

    @staticmethod
    def row(probe: Probe) -> dict[str, object]:
        """Return a probe in one row, by the columns of `to_frame`."""
        return {
            "domain": probe.domain,
            "mode": probe.mode.value if probe.mode else None,
            "errors": len(probe.findings.of(Severity.ERROR)),
            "warnings": len(probe.findings.of(Severity.WARNING)),
            "advice": len(probe.findings.of(Severity.ADVICE)),
            "codes": ", ".join(dict.fromkeys(probe.findings.codes)),
            "mx_hosts": ", ".join(mx.host for mx in probe.mx_hosts),
            "providers": ", ".join(dict.fromkeys(provider.name for provider in probe.providers)),
            "seconds": probe.seconds,
        }

    def __repr__(self) -> str:
        return f"<Probes: {plural(len(self), 'domain')}>"


def probe_many(domains: Iterable[str], settings: ProbeSettings | None = None, *, progress: bool = True) -> Probes:
    """Return a probe of each domain, 16 at the same time, with at most four connections to one server at a time.

    An MX host that serves several of the domains is connected to once per address; their probes share the evidence.

    Parameters
    ----------
    domains : iterable of str
        As for `probe`; each is probed once. What is not a domain is in `Probes.rejects`.
    settings : ProbeSettings, optional
        As for `probe`; `deadline` is for each domain, from the time its probe begins.
    progress : bool
        Show a progress bar.

    Examples
    --------
    >>> from mtasts_nb.lab import Lab
    >>> with Lab() as lab:
    ...     probes = probe_many(["nordwind.example", "not a domain"], lab.settings, progress=False)
    >>> len(probes), len(probes.rejects), probes.of("nordwind.example").findings.summary()
    (1, 1, 'No findings.')
    """
    names: dict[str, None] = {}
    rejects: list[tuple[str, str]] = []
    for text in domains:
        try:
            names[policy_domain(text)] = None
        except ValueError as error:
            rejects.append((str(text), str(error)))
    return Probes(_run(list(names), settings or ProbeSettings(), progress=progress), rejects)


def _run(names: list[str], settings: ProbeSettings, *, progress: bool) -> list[Probe]:
    throttle = Throttle(per_server=PER_SERVER)
    conversations = Conversations()
    networks: list[Network] = []
    stopped = threading.Event()

    def started(network: Network) -> None:
        networks.append(network)
        if stopped.is_set():
            network.stop()

    pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="probe many")
    futures: list[Future[Probe]] = [
        pool.submit(_probe, name, settings, throttle, conversations, started) for name in names
    ]
    try:
        _watch(futures, progress=progress)
        return [future.result() for future in futures]
    finally:
        # Work is left only after the stop button or a bug in one probe: it ends at once.
        stopped.set()
        for future in futures:
            future.cancel()
        for network in networks:
            network.stop()
        pool.shutdown(wait=True)


def _probe(
    domain: str,
    settings: ProbeSettings,
    throttle: Throttle,
    conversations: Conversations,
    started: Callable[[Network], None],
) -> Probe:
    return Probe.of(observe(domain, settings, throttle, conversations, started))


def _watch(futures: list[Future[Probe]], *, progress: bool) -> None:
    waiting = set(futures)
    with ExitStack() as stack:
        advance: Callable[[int], object] = id
        if progress:
            from tqdm.auto import tqdm

            advance = stack.enter_context(tqdm(total=len(futures), desc="probing", unit="domain")).update
        while waiting:
            done, waiting = wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED)
            advance(len(done))
            for future in done:
                future.result()  # a bug in one probe is not waited out
