"""What all widgets share: a live view where there is a kernel, the same content as plain HTML where there is none."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import ipywidgets

from ..markup import html_text
from ..render import NO_FORMULAS, style

__all__ = ["LABEL", "WRAP", "Choice", "Live", "button", "buttons", "error", "free_files", "picture", "status"]

#: The mark by which a front end knows a live view.
VIEW: Final = "application/vnd.jupyter.widget-view+json"

# Documents in a widget have render's sheet; this is about controls. A published page takes a style element out.
STYLE: Final = (
    ".sts-widget .sts-scroll{overflow:auto;max-height:48em}.sts-widget img{max-width:100%;height:auto}"
    ".sts-widget .sts-scroll img{max-width:none}.sts-widget input::placeholder{color:inherit;opacity:.85}"
    ".sts-widget .widget-toggle-buttons{display:flex;flex-flow:row wrap;align-items:center}"
    ".sts-widget textarea{white-space:pre;overflow-x:auto;font-family:ui-monospace,Menlo,Consolas,monospace}"
    ".sts-widget .widget-html-content{line-height:1.45;overflow-x:auto}"
    ".sts-widget button:focus-visible{outline:3px solid #0a58a8;outline-offset:1px}"
    # Panes of one height: what is below them stays where it is, whatever they show.
    ".sts-widget .sts-pane,.sts-widget .sts-pane .sts-scroll{height:24em;max-height:none;margin:0}"
    ".sts-widget .sts-pane .widget-html-content{overflow:visible}"
    ".sts-widget .widget-toggle-buttons>.widget-label{text-align:right;margin-right:8px}"
    ".sts-widget .sts-fit img{max-width:100%!important}.sts-widget .sts-half img{zoom:.5}"
    ".sts-widget .sts-large img{zoom:1.5}"
)
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9.-]")
#: A row of controls that wraps on a narrow screen, and the width of labels.
WRAP: Final = {"flex_flow": "row wrap"}
LABEL: Final = {"description_width": "8em"}


class Live(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets ships no types
    """A box of controls that also shows itself as static HTML.

    A front end with a kernel shows the live view; `publish`, and a front end without a kernel, show the HTML.
    """

    def __init__(self, children: list[Any], **options: Any) -> None:
        super().__init__([ipywidgets.HTML(f"<style>{style()}{STYLE}</style>"), *children], **options)
        for name in ("sts-doc", *NO_FORMULAS.split()):
            self.add_class(name)
        self.add_class("sts-widget")

    def _repr_html_(self) -> str:
        raise NotImplementedError

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        live: dict[str, Any] = super()._repr_mimebundle_(**options) or {}
        return {**live, "text/plain": repr(self), "text/html": f'<div class="{NO_FORMULAS}">{self._repr_html_()}</div>'}


class Choice(ipywidgets.Combobox):  # type: ignore[misc]
    """A list of named values, chosen with the mouse, by the arrow keys, or by a part of a name and Enter.

    Not a drop-down list: in JupyterLab the arrow keys and letters pressed in one move and change cells. Here they go
    to a text field, which is empty until something is typed; its placeholder is what is chosen.

    Parameters
    ----------
    description : str
        The label.
    choices : list of (str, Any)
        Labels, each different from all others, with their values.
    chosen : Any
        One of the values.
    on_choice : callable, optional
        Called with the new value when a person chooses.
    """

    def __init__(
        self,
        description: str,
        choices: Sequence[tuple[str, Any]],
        chosen: Any,
        on_choice: Callable[[Any], None] = lambda _: None,
    ) -> None:
        self.choices: list[tuple[str, Any]] = []
        self.chosen: Any = None
        self._on_choice = on_choice
        super().__init__(
            description=description,
            tooltip="Type a part of a name and press Enter, or choose from the list",
            style=LABEL,
            layout={"width": "32em", "max_width": "100%"},
        )
        self.offer(choices, chosen)
        self.observe(
            lambda change: self._take(label for label, _ in self.choices if label == change["new"]), names="value"
        )
        self.on_msg(self._entered)

    def offer(self, choices: Sequence[tuple[str, Any]], chosen: Any) -> None:
        """Offer these values, of which one is chosen; nothing is, where it is not among them."""
        self.choices = list(choices)
        self.options = [label for label, _ in self.choices]
        self.chosen = next((value for _, value in self.choices if value == chosen), None)
        label = next((label for label, value in self.choices if value == chosen), "nothing to choose")
        self.placeholder = f"{label} ▾"

    def pick(self, value: Any) -> None:
        """Choose as a person would."""
        self.value = next(label for label, each in self.choices if each == value)

    def _entered(self, _: Any, content: dict[str, Any], __: Any) -> None:
        part = self.value.strip().casefold()
        if content.get("event") == "submit" and part:
            self._take(label for label, _ in self.choices if part in label.casefold())

    def _take(self, labels: Iterable[str]) -> None:
        """Choose the first of the labels; none where nothing fits what was typed so far."""
        label = next(iter(labels), None)
        if label is not None:
            self.value = ""
            chosen = next(value for each, value in self.choices if each == label)
            self.offer(self.choices, chosen)
            self._on_choice(chosen)


def buttons(description: str, choices: Sequence[tuple[str, Any]], chosen: Any) -> Any:
    """Return a few values as buttons side by side, of which one is pressed."""
    return ipywidgets.ToggleButtons(
        description=description,
        options=list(choices),
        value=chosen,
        style={**LABEL, "button_width": "auto"},
    )


def button(text: str, style: str = "") -> Any:
    """Return a button as wide as its text."""
    return ipywidgets.Button(description=text, button_style=style, layout={"width": "auto", "min_width": "8em"})


def free_files(name: str | Path, default: str, *endings: str) -> list[Path]:
    """Return one path for each ending, all with the same name and none of which exists: a number is added if need be.

    The name may be given with one of the endings; an empty one is the default. Characters that a file name should not
    have are taken out of the default, which may come from a stranger.

    Examples
    --------
    >>> [file.name for file in free_files("", "diagnosis-nordwind.example", ".html", ".json")]
    ['diagnosis-nordwind.example.html', 'diagnosis-nordwind.example.json']
    """
    text = str(name).strip()
    for ending in endings:
        text = text.removesuffix(ending)
    stem = text or _UNSAFE.sub("", default)[:120].strip("-.")
    for number in itertools.count(1):
        numbered = stem if number == 1 else f"{stem}-{number}"
        files = [Path(f"{numbered}{ending}").expanduser() for ending in endings]
        if not any(file.exists() for file in files):
            return files
    raise AssertionError("itertools.count has no end")


def status(text: str) -> str:
    """Return a sentence that a screen reader reads out when it changes."""
    return f'<p role="status">{html_text(text, 1000)}</p>'


def error(text: str) -> str:
    """Return the message of something that did not work, read out at once, and marked by a word, not by colour alone."""
    return f'<p role="alert" class="sts-bad">Did not work: {html_text(text, 1000)}</p>'


def picture(content: str | bytes, alt: str, *, scrolls: bool = False) -> str:
    """Return an SVG or a PNG as an image element: in one, an SVG can neither run nor load anything.

    One that `scrolls` is shown in its own size in a frame, which takes the keyboard's focus, so that it can be scrolled
    without a mouse; any other is made to fit.
    """
    kind, raw = ("png", content) if isinstance(content, bytes) else ("svg+xml", content.encode("utf-8"))
    encoded = base64.b64encode(raw).decode("ascii")
    frame = ' class="sts-scroll" role="region" tabindex="0" aria-label="Figure, scrolls"' if scrolls else ""
    return f'<figure{frame}><img src="data:image/{kind};base64,{encoded}" alt="{html_text(alt)}"></figure>'
