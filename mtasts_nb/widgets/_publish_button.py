"""A button that publishes the notebook that it is in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import ipywidgets

from ..errors import MtaStsNbError
from ..markup import one_line
from ._static import LABEL, WRAP, Live, button, error, free_files, status

__all__ = ["PublishButton"]

_RUNNING: Final = "The saved notebook is run again from top to bottom. You can go on working."


class PublishButton(Live):
    """A button that writes the notebook it is in as one HTML file, your own sentences included.

    Save the notebook first: the file is what is published. It is run again beside the notebook. No file is replaced. On
    the published page, the button is not there.

    Parameters
    ----------
    publish : callable
        `sts.publish`.
    name : str
        The file's name where none is given.

    Examples
    --------
    >>> asked = []
    >>> shown = PublishButton(lambda out, **options: asked.append(options) or out, "/tmp/no-such-folder/report")
    >>> shown.start().join()
    >>> asked
    [{'redact': None, 'progress': False}]
    """

    def __init__(self, publish: Callable[..., Path], name: str = "report") -> None:
        self._publish, self._default = publish, name
        self._name = ipywidgets.Text(description="File name", placeholder=name, style=LABEL)
        self._redact = ipywidgets.Checkbox(
            description="redact names, to send it outside", indent=False, layout={"width": "auto"}
        )
        self._go = button("Publish this notebook", "primary")
        self._status = ipywidgets.HTML(status("Save the notebook first (Ctrl+S): the saved file is published."))
        super().__init__(
            [ipywidgets.HBox([self._name, self._redact, self._go], layout=WRAP), self._status],
        )
        self._go.on_click(lambda _: self.start())

    def start(self) -> threading.Thread:
        """Publish in a thread, which is returned."""
        # Not disabled while it runs: the keyboard focus would be lost with it.
        self._status.value = status(_RUNNING)
        thread = threading.Thread(target=self._run, name="mtasts-nb-publish-button", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        try:
            (target,) = free_files(self._name.value or self._default, self._default, ".html")
            file = self._publish(target, redact=self._redact.value or None, progress=False)
            self._status.value = status(f"Written: {one_line(Path(file).resolve())}.")
        except (MtaStsNbError, OSError, ValueError) as failure:
            self._status.value = error(str(failure))

    def __repr__(self) -> str:
        return "<PublishButton>"

    def _repr_html_(self) -> str:
        return ""
