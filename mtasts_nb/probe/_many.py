"""Many domains in one run: side by side, but never many connections to one server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import TYPE_CHECKING, overload

from ..markup import html_table, html_text, plural
from ..settings import ProbeSettings
from ..vocabulary import Severity
from ._domain import policy_domain
from ._look import look
from ._network import Network, Throttle
from ._probe import Probe
from ._smtp import Conversations

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Probes", "probe_many"]

#: Domains looked at side by side, and connections to one server (address and port) at a time.
SIDE_BY_SIDE = 16
PER_SERVER = 4


class Probes(Sequence[Probe]):
    """Probes of several domains, in the order asked for.

    Attributes
    ----------
    rejects : tuple of (str, str)
        What was asked for and is no domain, with the reason.

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
        """Return the probe of one domain; KeyError where it was not asked for."""
        name = policy_domain(domain)
        for one in self._probes:
            if one.domain == name:
                return one
        raise KeyError(f"{name} is not among the {plural(len(self), 'domain')} of this run.")

    def to_frame(self) -> pd.DataFrame:
        """Return one row per domain: domain, mode, errors, warnings, advice, codes, mx_hosts, providers, seconds."""
        import pandas as pd

        columns = ["domain", "mode", "errors", "warnings", "advice", "codes", "mx_hosts", "providers", "seconds"]
        return pd.DataFrame([_row(one) for one in self._probes], columns=columns)

    def __repr__(self) -> str:
        return f"<Probes: {plural(len(self), 'domain')}>"

    def _repr_html_(self) -> str:
        rows = sorted(
            (_row(one) for one in self._probes), key=lambda row: (-_count(row["errors"]), -_count(row["warnings"]))
        )
        headings = {"domain": "Domain", "mode": "Mode", "errors": "Errors", "warnings": "Warnings", "codes": "Findings",
                    "mx_hosts": "MX hosts", "providers": "Providers"}  # fmt: skip
        caption = f"{plural(len(self), 'domain')}, the worst first."
        left = "".join(f"<li>{html_text(text, 100)}: {html_text(reason)}</li>" for text, reason in self.rejects)
        more = f"<p>Not looked at:</p><ul>{left}</ul>" if left else ""
        return html_table(rows, headings, caption=caption, numeric=("errors", "warnings")) + more


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _row(one: Probe) -> dict[str, object]:
    counts = {severity: len(one.findings.of(severity)) for severity in Severity}
    return {
        "domain": one.domain,
        "mode": one.mode.value if one.mode else None,
        "errors": counts[Severity.ERROR],
        "warnings": counts[Severity.WARNING],
        "advice": counts[Severity.ADVICE],
        "codes": ", ".join(dict.fromkeys(one.findings.codes)),
        "mx_hosts": ", ".join(mx.host for mx in one.mx_hosts),
        "providers": ", ".join(dict.fromkeys(provider.name for provider in one.providers)),
        "seconds": one.seconds,
    }


def probe_many(domains: Iterable[str], settings: ProbeSettings | None = None, *, progress: bool = True) -> Probes:
    """Return a probe of each domain, 16 side by side, with at most four connections to one server at a time.

    An MX host that serves several of the domains is spoken to once per address; their probes share the evidence.

    Parameters
    ----------
    domains : iterable of str
        As for `probe`; repetitions are looked at once. What is no domain is in `Probes.rejects`.
    settings : ProbeSettings, optional
        As for `probe`; `deadline` counts for each domain by itself, from the moment its turn comes.
    progress : bool
        Show a progress bar.

    Examples
    --------
    >>> from mtasts_nb.lab import Lab
    >>> with Lab() as lab:
    ...     seen = probe_many(["nordwind.example", "not a domain"], lab.settings, progress=False)
    >>> len(seen), len(seen.rejects), seen.of("nordwind.example").findings.summary()
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

    pool = ThreadPoolExecutor(max_workers=SIDE_BY_SIDE, thread_name_prefix="probe many")
    futures: list[Future[Probe]] = [
        pool.submit(look, name, settings, throttle, conversations, started) for name in names
    ]
    try:
        _watch(futures, progress=progress)
        return [future.result() for future in futures]
    finally:
        # Only the stop button, or a bug in one probe, comes here with work left: it ends at once.
        stopped.set()
        for future in futures:
            future.cancel()
        for network in networks:
            network.stop()
        pool.shutdown(wait=True)


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
