"""A plan: what to publish or change, in which order and when, how to check it, and why."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING

from ..markup import html_text, plural, terminal_text, when
from ..vocabulary import Findings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Plan", "PlanStep", "wrapped"]

_WIDTH = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep:
    """One step of a plan.

    Attributes
    ----------
    when : datetime
        When, UTC; with `not_before`, the earliest moment at which it is safe.
    what : str
        What to do, in one sentence.
    place : str
        Where the text belongs: an address or a record's name.
    text : str
        The text to paste, as it is; empty where there is none.
    check : str
        How to see that it is done: a command for a POSIX shell, or words where there is none.
    expect : str
        What the check shows where all is well.
    why : str
        What goes wrong without it.
    rfc : str
        The section that decides, or another source.
    not_before : bool
        Whether `when` is the earliest moment; it may well be later.
    """

    when: datetime
    what: str
    place: str = ""
    text: str = ""
    check: str = ""
    expect: str = ""
    why: str = ""
    rfc: str = ""
    not_before: bool = False

    @property
    def is_command(self) -> bool:
        """Whether `check` is a command to copy."""
        return self.check.startswith(("curl ", "dig ", "openssl "))

    @property
    def moment(self) -> str:
        """When, in words."""
        return ("not before " if self.not_before else "") + when(self.when)


_FIELDS = tuple(one.name for one in fields(PlanStep))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Plan:
    """Steps in order; a list in a notebook, text in a terminal (`print`), a DataFrame by `to_frame`.

    Attributes
    ----------
    title : str
        What it is for.
    domain : str
        The policy domain; ``your.example`` where none was given.
    made : datetime
        The moment for which it was made, UTC; the dates count from it.
    steps : tuple of PlanStep
        In order of time.
    notes : tuple of str
        What else a reader must know, a sentence or two each.
    findings : Findings
        What `validate` says of the texts to paste. There is no error in them: a text with one is not proposed.
    """

    title: str
    domain: str
    made: datetime
    steps: tuple[PlanStep, ...]
    notes: tuple[str, ...] = ()
    findings: Findings = field(default_factory=Findings)

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame, one row per step: ``step`` (int64), ``when`` (datetime64[us, UTC]), ``not_before`` (bool),
        and as text what, place, text, check, expect, why, rfc.
        """  # noqa: D205 - the columns are the summary
        import pandas as pd

        rows = [
            {"step": number, **{name: getattr(step, name) for name in _FIELDS}}
            for number, step in enumerate(self.steps, 1)
        ]
        columns = ["step", "when", "not_before", *(name for name in _FIELDS if name not in ("when", "not_before"))]
        frame = pd.DataFrame(rows, columns=columns)
        frame["when"] = pd.to_datetime(frame["when"], utc=True).astype("datetime64[us, UTC]")
        kinds = {"step": "int64", "not_before": "bool"}
        return frame.astype({name: kinds.get(name, "str") for name in columns if name != "when"})

    def _lines(self) -> Iterator[str]:
        yield from wrapped(self.title)
        yield f"For {terminal_text(self.domain, 80)}, from {when(self.made)} on. {plural(len(self.steps), 'step')}."
        for number, step in enumerate(self.steps, 1):
            yield ""
            yield from wrapped(f"{number}. {step.what}", "   ")
            yield f"   when    {step.moment}"
            if step.place:
                yield f"   where   {terminal_text(step.place, 200)}"
            for line in step.text.splitlines():
                yield f"      | {terminal_text(line)}"
            if step.check:
                # A command stays on one line: it is there to be copied.
                yield f"   check   {terminal_text(step.check)}"
            for label, text in (("expect", step.expect), ("why", _with_source(step))):
                if text:
                    yield from wrapped(text, f"   {label:<8}", "           ")

    def _more(self) -> Iterator[str]:
        """Yield lines of what a kind of plan has beside its steps."""
        yield from ()

    def _more_html(self) -> str:
        """Return HTML of what a kind of plan has beside its steps."""
        return ""

    def __str__(self) -> str:
        notes = [line for note in self.notes for line in ("", *wrapped(note))]
        return "\n".join([*self._lines(), *self._more(), *notes])

    def __repr__(self) -> str:
        first = f", the first {self.steps[0].moment}" if self.steps else ""
        return f"<{type(self).__name__} for {terminal_text(self.domain, 80)}: {plural(len(self.steps), 'step')}{first}>"

    def _repr_html_(self) -> str:
        items = "".join(_item(step) for step in self.steps)
        notes = "".join(f"<p>{html_text(note, 2000)}</p>" for note in self.notes)
        return (
            f"<p><strong>{html_text(self.title)}</strong> For {html_text(self.domain, 120)}, from "
            f"{html_text(when(self.made))} on.</p><ol>{items}</ol>{self._more_html()}{notes}"
        )


def _with_source(step: PlanStep) -> str:
    return f"{step.why} ({step.rfc})" if step.why and step.rfc else step.why or step.rfc


def wrapped(text: str, first: str = "", later: str | None = None) -> list[str]:
    """Return a text as lines for a terminal: `first` before the first, `later` before the others."""
    shown = terminal_text(text, 4000)
    return textwrap.wrap(
        shown, _WIDTH, initial_indent="" if later is None else first, subsequent_indent=first if later is None else later,
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip


def _item(step: PlanStep) -> str:
    parts = [f"<p><strong>{html_text(step.what, 600)}</strong><br>{html_text(step.moment)}"]
    if step.place:
        parts.append(f" · <code>{html_text(step.place, 300)}</code>")
    parts.append("</p>")
    if step.text:
        parts.append(f"<pre>{html_text(step.text.rstrip(), 8000)}</pre>")
    if step.why:
        source = f' <small class="sts-quiet">{html_text(step.rfc)}</small>' if step.rfc else ""
        parts.append(f"<p>{html_text(step.why, 2000)}{source}</p>")
    if step.check:
        expect = f"<br>All is well if: {html_text(step.expect, 600)}" if step.expect else ""
        check = html_text(step.check, 1000)
        parts.append(f"<p>Check: {f'<code>{check}</code>' if step.is_command else check}{expect}</p>")
    return f"<li>{''.join(parts)}</li>"
