"""A domain field, a button, and the result of the probe."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from ..markup import one_line, span
from ..settings import ProbeSettings
from ._static import WRAP, Live, button, error, free_files, status

if TYPE_CHECKING:
    from ..probe import Probe

__all__ = ["DomainProbe", "Phase", "ProbeRun", "Stop"]

#: Called to end a probe that has begun.
Stop = Callable[[], None]
#: Probes a domain; hands over, once begun, what ends it.
Prober = Callable[[str, ProbeSettings, Callable[[Stop], None]], "Probe"]
#: Seconds between two steps of the progress bar.
_TICK = 0.5
#: Seconds in which the last letters of a field arrive after Enter.
_LETTERS = 0.5
_FIELD = {"width": "28em", "max_width": "100%"}


def _probe(domain: str, settings: ProbeSettings, begun: Callable[[Stop], None]) -> Probe:
    from ..probe import probe

    return probe(domain, settings, on_start=begun)


class Phase(StrEnum):
    """How far a run is."""

    IDLE = "idle"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class ProbeRun:
    """One probe as a state machine: idle, running, then done, failed or stopped. Knows no widget.

    Parameters
    ----------
    settings : ProbeSettings
        How to reach the world.
    probe : Probe, optional
        An earlier probe; then the run is done from the start.
    prober : callable
        Probes a domain.
    clock : callable
        Gives seconds that only ever grow.

    Attributes
    ----------
    phase : Phase
        How far the run is.
    domain : str
        The last domain asked for.
    probe : Probe or None
        The last completed probe; a later one that fails does not replace it.
    message : str
        One sentence on the phase.
    on_change : callable
        Called without arguments after each change, in the thread that made it.
    """

    def __init__(
        self,
        settings: ProbeSettings,
        probe: Probe | None = None,
        *,
        prober: Prober = _probe,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.probe = probe
        self.domain = probe.domain if probe else ""
        self.phase = Phase.DONE if probe else Phase.IDLE
        self.message = _done(probe) if probe else "No domain was probed yet."
        self.on_change: Callable[[], None] = lambda: None
        self._prober, self._clock = prober, clock
        self._begun = clock()
        self._stop: Stop | None = None
        self._stopping = False
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def seconds(self) -> float:
        """How long the present run has taken; 0 where none is running."""
        return self._clock() - self._begun if self.phase is Phase.RUNNING else 0.0

    @property
    def share(self) -> float:
        """How much of the time it may take has passed, 0 to 1."""
        return min(1.0, self.seconds / self.settings.deadline)

    @property
    def progress(self) -> str:
        """How far the present run is, as a sentence."""
        return f"Probing {self.domain}: {span(round(self.seconds))} so far, {span(self.settings.deadline)} at most."

    def run(self, domain: str) -> Probe | None:
        """Probe now and wait for the end; return the probe, None where it failed or was stopped."""
        return self._run() if self._begin(domain) else None

    def start(self, domain: str) -> bool:
        """Probe in a thread; return whether it began. Only one probe runs at a time."""
        if not self._begin(domain):
            return False
        self._thread = threading.Thread(target=self._run, name="mtasts-nb-probe", daemon=True)
        self._thread.start()
        return True

    def stop(self) -> None:
        """End the present probe soon; nothing happens where none is running."""
        with self._lock:
            if self.phase is not Phase.RUNNING:
                return
            self._stopping, stop = True, self._stop
        if stop is not None:
            stop()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end of a probe in a thread; return whether it has ended."""
        if self._thread is None:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def save(self, path: str | Path = "") -> str:
        """Write the probe to a file, by default named after the domain; return a sentence. No file is replaced.

        Raises
        ------
        ValueError
            There is nothing to save.
        OSError
            It cannot be written.
        """
        if self.probe is None:
            raise ValueError("there is nothing to save yet: probe a domain first.")
        (file,) = free_files(path, self.probe.domain, ".json")
        self.probe.save(file)
        return f"Saved to {one_line(file.resolve())}. Read it again with sts.load_probe({str(file)!r})."

    def _begin(self, domain: str) -> bool:
        with self._lock:
            if self.phase is Phase.RUNNING:
                return False
            self._asked = domain.strip()
            self.domain = one_line(self._asked, 253)
            self._stop, self._stopping, self._begun = None, False, self._clock()
            self.phase = Phase.RUNNING
        self.message = self.progress
        self.on_change()
        return True

    def _run(self) -> Probe | None:
        if not self._asked:
            self._end(
                Phase.FAILED, "give a domain: the part after the @ of a mail address, for example nordwind.example."
            )
            return None
        try:
            result = self._prober(self._asked, self.settings, self._can_stop)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the reader sees it where they asked
            kind = "" if isinstance(failure, ValueError) else f"{type(failure).__name__}: "
            self._end(Phase.FAILED, one_line(f"{kind}{failure}", 600))
            return None
        except BaseException:
            self._end(Phase.STOPPED, self._stopped())  # the stop button of the notebook, while `run` waits
            raise
        if self._stopping:
            # What was cut short is "not observed" throughout: it must not replace an earlier probe.
            self._end(Phase.STOPPED, self._stopped())
            return None
        self.probe = result
        self._end(Phase.DONE, _done(result))
        return result

    def _stopped(self) -> str:
        kept = f" The earlier probe of {self.probe.domain} is kept." if self.probe else ""
        return f"The probe of {self.domain} was stopped.{kept}"

    def _can_stop(self, stop: Stop) -> None:
        with self._lock:
            self._stop, now = stop, self._stopping
        if now:
            stop()

    def _end(self, phase: Phase, message: str) -> None:
        with self._lock:
            self.phase, self.message, self._stop = phase, message, None
        self.on_change()


def _done(probe: Probe) -> str:
    return f"Probed {probe.domain} in {span(max(1, round(probe.seconds)))}. {probe.findings.summary()}"


class DomainProbe(Live):
    """A domain field and a button that probes it as a sender does; progress, findings, and a snapshot to save.

    The probe runs beside the notebook: other cells can be run, and the stop button ends it. Its result is in `.probe`
    for the cells below. A probe that fails shows its message in the widget.

    Parameters
    ----------
    domain : str
        The domain in the field at first.
    settings : ProbeSettings, optional
        How to reach the world; the default is the real internet.
    probe : Probe, optional
        An earlier probe, shown at once.
    domains : sequence of str
        Domains that the field suggests, for example those that reports are about; any other can be typed.

    Attributes
    ----------
    run_state : ProbeRun
        The state machine behind the controls.

    Examples
    --------
    >>> from mtasts_nb.lab import Lab
    >>> with Lab("mx-certificate-expired") as lab:
    ...     view = DomainProbe("nordwind.example", lab.settings)
    ...     result = view.run()
    >>> result is view.probe, "mx-certificate-expired" in view.probe.findings.codes
    (True, True)
    """

    def __init__(
        self,
        domain: str = "",
        settings: ProbeSettings | None = None,
        probe: Probe | None = None,
        *,
        domains: Sequence[str] = (),
        prober: Prober = _probe,
    ) -> None:
        self.run_state = ProbeRun(settings or ProbeSettings(), probe, prober=prober)
        self._domain = ipywidgets.Combobox(
            value=domain or self.run_state.domain,
            options=list(domains),
            description="Domain",
            placeholder="the part after the @, for example nordwind.example",
            layout=_FIELD,
        )
        self._go = button("Probe", "primary")
        self._stop = button("Stop")
        self._bar = ipywidgets.FloatProgress(max=1.0, description="Time", layout=_FIELD)
        self._status, self._result, self._saved = (ipywidgets.HTML() for _ in range(3))
        self._file = ipywidgets.Text(description="File", placeholder="domain.json", layout=_FIELD)
        self._save = button("Save snapshot")
        self._keeping = ipywidgets.HBox([self._file, self._save, self._saved], layout=WRAP)
        top = ipywidgets.HBox([self._domain, self._go, self._stop], layout=WRAP)
        super().__init__([top, self._bar, self._status, self._result, self._keeping])
        self._go.on_click(lambda _: self.start())
        self._stop.on_click(lambda _: self.run_state.stop())
        self._save.on_click(lambda _: self._write())
        self._domain.on_msg(self._typed)
        self.run_state.on_change = self._refresh
        self._refresh()

    @property
    def probe(self) -> Probe | None:
        """The last completed probe; None before there is one."""
        return self.run_state.probe

    def run(self) -> Probe | None:
        """Probe the domain in the field and wait for the end; return the probe, None where it failed."""
        return self.run_state.run(self._domain.value)

    def start(self) -> None:
        """Probe the domain in the field, beside the notebook."""
        if self.run_state.start(self._domain.value):
            threading.Thread(target=self._tick, name="mtasts-nb-tick", daemon=True).start()

    def _typed(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if content.get("event") == "submit":  # Enter in the field is as good as the button
            # It overtakes letters that were typed just before it, which ipywidgets sends only when the kernel is idle.
            late = threading.Timer(_LETTERS, self.start)
            late.daemon = True
            late.start()

    def _tick(self) -> None:
        while not self.run_state.wait(_TICK):
            self._bar.value = self.run_state.share
            if self.run_state.phase is Phase.RUNNING:
                self._status.value = status(self.run_state.progress)

    def _write(self) -> None:
        try:
            self._saved.value = status(self.run_state.save(self._file.value))
        except (OSError, ValueError) as failure:
            self._saved.value = error(str(failure))

    def _refresh(self) -> None:
        state = self.run_state
        running = state.phase is Phase.RUNNING
        self._go.disabled, self._stop.disabled = running, not running
        self._bar.layout.visibility = "visible" if running else "hidden"
        self._bar.value = state.share
        self._status.value = self._message()
        self._keeping.layout.display = None if state.probe else "none"
        if state.probe and not running:
            self._result.value = state.probe._repr_html_()
            self._file.placeholder = f"{state.probe.domain}.json"
            self._saved.value = ""

    def _message(self) -> str:
        return (error if self.run_state.phase is Phase.FAILED else status)(self.run_state.message)

    def __repr__(self) -> str:
        return f"<DomainProbe: {self.run_state.message}>"

    def _repr_html_(self) -> str:
        return self._message() + (self.probe._repr_html_() if self.probe else "")
