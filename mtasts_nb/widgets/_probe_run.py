"""One look at a domain as a state machine: idle, running, then done, failed or stopped. Knows no widget."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from ..markup import one_line, span
from ..settings import ProbeSettings

if TYPE_CHECKING:
    from ..probe import Probe

__all__ = ["Phase", "ProbeRun", "Stop", "take_a_look"]

#: Called to end a look that has begun.
Stop = Callable[[], None]
#: Looks at a domain; hands over, once begun, what ends it.
Look = Callable[[str, ProbeSettings, Callable[[Stop], None]], "Probe"]


class Phase(StrEnum):
    """Where a run is."""

    IDLE = "idle"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


def take_a_look(domain: str, settings: ProbeSettings, begun: Callable[[Stop], None]) -> Probe:
    """Return the probe of a domain; `begun` is given what ends it early."""
    from ..probe import probe

    return probe(domain, settings, on_start=begun)


class ProbeRun:
    """A look at a domain, its phase, and what came of it.

    Parameters
    ----------
    settings : ProbeSettings
        How to reach the world.
    probe : Probe, optional
        A look taken before; then the run is done from the start.
    look : callable
        Takes the look.
    clock : callable
        Gives seconds that only ever grow.

    Attributes
    ----------
    phase : Phase
        Where the run is.
    domain : str
        What was asked for last.
    probe : Probe or None
        The last look that was completed; a later one that fails leaves it.
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
        look: Look = take_a_look,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.probe = probe
        self.domain = probe.domain if probe else ""
        self.phase = Phase.DONE if probe else Phase.IDLE
        self.message = self._done(probe) if probe else "Nothing was looked at yet."
        self.on_change: Callable[[], None] = lambda: None
        self._look = look
        self._clock = clock
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
        """How far the present run is, in words."""
        return f"Looking at {self.domain}: {span(round(self.seconds))} so far, {span(self.settings.deadline)} at most."

    def run(self, domain: str) -> Probe | None:
        """Look now and wait for the end; return the probe, None where it failed or was stopped."""
        return self._run() if self._begin(domain) else None

    def start(self, domain: str) -> bool:
        """Look in a thread; return whether it began. Only one look runs at a time."""
        if not self._begin(domain):
            return False
        self._thread = threading.Thread(target=self._run, name="mtasts-nb-look", daemon=True)
        self._thread.start()
        return True

    def stop(self) -> None:
        """End the present look soon; nothing happens where none is running."""
        with self._lock:
            if self.phase is not Phase.RUNNING:
                return
            self._stopping, stop = True, self._stop
        if stop is not None:
            stop()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end of a look in a thread; return whether it has ended."""
        if self._thread is None:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def save(self, path: str | Path, *, replace: bool = False) -> str:
        """Write the probe to a file; return a sentence that says so.

        Raises
        ------
        ValueError
            There is nothing to save, no name, or a file of that name and not `replace`.
        OSError
            It cannot be written.
        """
        if self.probe is None:
            raise ValueError("there is nothing to save yet: look at a domain first.")
        if not str(path).strip():
            raise ValueError("give the file a name, for example domain.json.")
        file = Path(str(path).strip()).expanduser()
        if file.exists() and not replace:
            raise ValueError(f"{one_line(file)} is there already: choose another name, or tick “replace”.")
        self.probe.save(file)
        return f"Saved to {one_line(file.resolve())}. Read it again with sts.load_probe({str(file)!r})."

    def _begin(self, domain: str) -> bool:
        with self._lock:
            if self.phase is Phase.RUNNING:
                return False
            self.domain = one_line(domain.strip(), 253)
            self._asked = domain.strip()
            self._stop, self._stopping, self._begun = None, False, self._clock()
            self.phase = Phase.RUNNING
        self.message = self.progress
        self.on_change()
        return True

    def _run(self) -> Probe | None:
        if not self._asked:
            self._end(
                Phase.FAILED, "give a domain: what stands after the @ of a mail address, for example nordwind.example."
            )
            return None
        try:
            seen = self._look(self._asked, self.settings, self._can_stop)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the reader sees it where they asked
            kind = "" if isinstance(failure, ValueError) else f"{type(failure).__name__}: "
            self._end(Phase.FAILED, one_line(f"{kind}{failure}", 600))
            return None
        except BaseException:
            # The stop button of the notebook, while `run` waits.
            self._end(Phase.STOPPED, self._stopped)
            raise
        if self._stopping:
            # What was cut short is "not observed" all over: not worth to stand in place of an earlier look.
            self._end(Phase.STOPPED, self._stopped)
            return None
        self.probe = seen
        self._end(Phase.DONE, self._done(seen))
        return seen

    @property
    def _stopped(self) -> str:
        kept = f" The look at {self.probe.domain} before it is kept." if self.probe else ""
        return f"The look at {self.domain} was stopped.{kept}"

    def _can_stop(self, stop: Stop) -> None:
        with self._lock:
            self._stop, now = stop, self._stopping
        if now:
            stop()

    def _end(self, phase: Phase, message: str) -> None:
        with self._lock:
            self.phase, self.message, self._stop = phase, message, None
        self.on_change()

    @staticmethod
    def _done(seen: Probe) -> str:
        return f"Looked at {seen.domain} in {span(max(1, round(seen.seconds)))}. {seen.findings.summary()}"
