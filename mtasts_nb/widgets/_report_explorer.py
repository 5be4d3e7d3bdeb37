"""Lists to choose from an archive; figure, table and code follow."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets

from ..markup import html_text
from ..plots import show
from ._selection import GROUPINGS, Exploration, Selection
from ._static import Choice, Live, buttons, error, picture, said

if TYPE_CHECKING:
    from ..reports import Archive

__all__ = ["ReportExplorer"]

_LISTS = {
    "domain": "Domain",
    "policy_type": "Policy type",
    "reporter": "Reporter",
    "mx": "MX host",
    "result_type": "Result type",
}


class ReportExplorer(Live):
    """Choose days, domain, reporter, MX host and result type; the figure, the table and the code to paste follow.

    Parameters
    ----------
    archive : Archive
        What `load` gave.
    name : str
        The name of the variable that holds it, for the code.
    start, end : date, optional
        First and last UTC day at first.
    domain, policy_type, reporter, mx, result_type : str, optional
        What is chosen at first; None is all.
    by : {"result_type", "receiving_mx_hostname", "organization_name"}
        What the failures are told apart by at first.

    Attributes
    ----------
    exploration : Exploration
        The state machine behind the controls.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> explorer = ReportExplorer(sts.load(sts.sample_dir(), progress=False), domain="suedwind.example")
    >>> explorer.selection.domain, len(explorer.archive.failures) > 0
    ('suedwind.example', True)
    """

    def __init__(self, archive: Archive, *, name: str = "archive", **chosen: Any) -> None:
        self.exploration = Exploration(archive, Selection(**chosen), name=name)
        self._settling = False
        selection = self.exploration.selection
        # No bounds: the control would move a day outside of them by itself, and nobody would be told.
        self._days = {
            key: ipywidgets.DatePicker(
                description=text, value=getattr(selection, key), style={"description_width": "8em"}
            )
            for key, text in (("start", "First day"), ("end", "Last day"))
        }
        self._lists = {
            key: Choice(text, self.exploration.options(key), getattr(selection, key), partial(self._changed, key))
            for key, text in _LISTS.items()
        }
        self._by = buttons("Told apart by", [(text, key) for key, (text, _) in GROUPINGS.items()], selection.by)
        self._all = ipywidgets.Button(description="Choose all again", tooltip="Take back every choice")
        self._words = ipywidgets.HTML()
        self._shown = ipywidgets.HTML()
        self._code = ipywidgets.Textarea(
            description="Code",
            rows=6,
            style={"description_width": "8em"},
            layout={"width": "100%", "max_width": "60em"},
        )
        wrap = {"flex_flow": "row wrap"}
        super().__init__(
            [
                ipywidgets.HBox(list(self._days.values()), layout=wrap),
                ipywidgets.HBox(list(self._lists.values()), layout=wrap),
                self._by,
                self._all,
                self._words,
                self._shown,
                self._code,
            ]
        )
        for key, control in {**self._days, "by": self._by}.items():
            control.observe(lambda change, key=key: self._changed(key, change["new"]), names="value")
        self._all.on_click(lambda _: self.choose(**dict.fromkeys([*self._days, *self._lists])))
        self._refresh()

    @property
    def selection(self) -> Selection:
        """What is chosen now."""
        return self.exploration.selection

    @property
    def archive(self) -> Archive:
        """The part of the archive that is chosen now."""
        return self.exploration.chosen

    def choose(self, **changes: Any) -> None:
        """Choose as with the controls; None takes a choice back."""
        self.exploration.choose(**changes)
        self._refresh()

    def _changed(self, key: str, value: Any) -> None:
        if not self._settling:
            self.choose(**{key: value})

    def _refresh(self) -> None:
        """Make every control, and all that follows from them, say what is chosen."""
        self._settling = True
        try:
            selection = self.exploration.selection
            for key, control in self._days.items():
                control.value = getattr(selection, key)
            for key, control in self._lists.items():
                control.offer(self.exploration.options(key), getattr(selection, key))
            self._by.value = selection.by
        finally:
            self._settling = False
        self._words.value = self._said()
        self._shown.value = self._content()
        self._code.value = self.exploration.code

    def _said(self) -> str:
        return error(self.exploration.problem) if self.exploration.problem else said(self.exploration.words)

    def _content(self) -> str:
        if self.exploration.problem or not len(self.archive.sessions):
            return ""
        drawn = [show(figure) for figure in self.exploration.figures()]
        pictures = "".join(picture(one.svg or one.png or b"", one.alt) for one in drawn)
        return pictures + self.exploration.table._repr_html_()

    def __repr__(self) -> str:
        return f"<ReportExplorer: {self.exploration.words}>"

    def _repr_html_(self) -> str:
        code = f"<p>The same by code:</p><pre>{html_text(self.exploration.code)}</pre>"
        return self._said() + self._content() + code
