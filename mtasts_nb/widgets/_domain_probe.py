"""A domain field, a button, and what the probe saw."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import ipywidgets

from ..settings import ProbeSettings
from ._probe_run import Look, Phase, ProbeRun, take_a_look
from ._static import Live, error, said

if TYPE_CHECKING:
    from ..probe import Probe

__all__ = ["DomainProbe"]

#: Seconds between two steps of the progress bar.
_TICK = 0.5


class DomainProbe(Live):
    """A domain field and a button that looks at it as a sender does; progress, findings, and a snapshot to save.

    The look runs beside the notebook: other cells can be run, and the stop button ends it. What it saw is in `.probe`
    for the cells below. A look that fails shows its message in the widget.

    Parameters
    ----------
    domain : str
        What the field holds at first.
    settings : ProbeSettings, optional
        How to reach the world; the default is the real internet.
    probe : Probe, optional
        A look taken before, shown at once.

    Attributes
    ----------
    run_state : ProbeRun
        The state machine behind the controls.

    Examples
    --------
    >>> from mtasts_nb.lab import Lab
    >>> with Lab("mx-certificate-expired") as lab:
    ...     shown = DomainProbe("nordwind.example", lab.settings)
    ...     seen = shown.run()
    >>> seen is shown.probe, "mx-certificate-expired" in shown.probe.findings.codes
    (True, True)
    """

    def __init__(
        self,
        domain: str = "",
        settings: ProbeSettings | None = None,
        probe: Probe | None = None,
        *,
        look: Look = take_a_look,
    ) -> None:
        self.run_state = ProbeRun(settings or ProbeSettings(), probe, look=look)
        self._domain = ipywidgets.Text(
            value=domain or self.run_state.domain,
            description="Domain",
            placeholder="what stands after the @, for example nordwind.example",
            layout={"width": "28em", "max_width": "100%"},
        )
        self._go = ipywidgets.Button(description="Look", button_style="primary", tooltip="Ask what a sender would ask")
        self._stop = ipywidgets.Button(description="Stop", disabled=True, tooltip="End the look that is running")
        self._bar = ipywidgets.FloatProgress(max=1.0, description="Time", layout={"width": "28em", "max_width": "100%"})
        self._status = ipywidgets.HTML()
        self._result = ipywidgets.HTML()
        self._file = ipywidgets.Text(
            description="File", placeholder="domain.json", layout={"width": "22em", "max_width": "100%"}
        )
        self._replace = ipywidgets.Checkbox(
            description="replace a file of that name", indent=False, layout={"width": "auto"}
        )
        self._save = ipywidgets.Button(description="Save snapshot", tooltip="Write all evidence to a JSON file")
        self._saved = ipywidgets.HTML()
        wrap = {"flex_flow": "row wrap"}
        self._keeping = ipywidgets.HBox([self._file, self._replace, self._save], layout=wrap)
        super().__init__(
            [
                ipywidgets.HBox([self._domain, self._go, self._stop], layout=wrap),
                self._bar,
                self._status,
                self._result,
                self._keeping,
                self._saved,
            ]
        )
        self._go.on_click(lambda _: self.start())
        self._stop.on_click(lambda _: self.run_state.stop())
        self._save.on_click(lambda _: self._write())
        # Enter in the field is as good as the button.
        self._domain.on_msg(self._typed)
        self.run_state.on_change = self._refresh
        self._refresh()

    @property
    def probe(self) -> Probe | None:
        """The last look that was completed; None before there is one."""
        return self.run_state.probe

    def run(self) -> Probe | None:
        """Look at the domain in the field and wait for the end; return the probe, None where it failed."""
        return self.run_state.run(self._domain.value)

    def start(self) -> None:
        """Look at the domain in the field, beside the notebook."""
        if self.run_state.start(self._domain.value):
            threading.Thread(target=self._tick, name="mtasts-nb-tick", daemon=True).start()

    def _typed(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if content.get("event") == "submit":
            self.start()

    def _tick(self) -> None:
        while not self.run_state.wait(_TICK):
            self._bar.value = self.run_state.share
            if self.run_state.phase is Phase.RUNNING:
                self._status.value = said(self.run_state.progress)

    def _write(self) -> None:
        try:
            self._saved.value = said(self.run_state.save(self._file.value, replace=self._replace.value))
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
        return (error if self.run_state.phase is Phase.FAILED else said)(self.run_state.message)

    def __repr__(self) -> str:
        return f"<DomainProbe: {self.run_state.message}>"

    def _repr_html_(self) -> str:
        seen = self.run_state.probe
        return self._message() + (seen._repr_html_() if seen else "")
