"""What the numbers rest on: every input by name and hash, what was refused, and what was assumed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..markup import folded_table, html_text, number, one_line, plural
from ._page import EVIDENCE

if TYPE_CHECKING:
    import pandas as pd

    from ..reports import Archive

__all__ = ["Evidence", "evidence", "evidence_in"]

#: Longest list of reports in a page. At about 160 bytes a line this stays below 700 kB; the fingerprint covers all.
LINES = 4_000
#: Longest table of refused inputs or assumptions, and how much of it is open.
ROWS = 200
_OPEN = 5
#: Between the steps of a member, as `reports` joins them.
_STEP = " > "
_OUTCOMES = ("loaded", "duplicate", "skipped", "rejected")


class Evidence:
    """What an archive rests on; shows itself in a notebook.

    Attributes
    ----------
    fingerprint : str
        SHA-256 over the sorted lines ``<sha256>  <source>[ > <member>]`` of all reports, without the folder that all
        sources have in common. Two archives with the same fingerprint hold the same reports under the same names.
    outcomes : dict of str to int
        How many inputs ended as loaded, duplicate, skipped, rejected.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._folder, names = _without_folder(_names(archive.reports))
        hashes = archive.reports["sha256"].astype("str")
        self._lines = sorted(f"{sha256}  {name}" for sha256, name in zip(hashes, names, strict=True))
        self.fingerprint = hashlib.sha256("\n".join(self._lines).encode("utf-8", "surrogatepass")).hexdigest()
        counted = archive.inputs["outcome"].astype("string").value_counts()
        self.outcomes = {outcome: int(counted.get(outcome, 0)) for outcome in _OUTCOMES}

    def __repr__(self) -> str:
        return f"<Evidence: {self.summary()} fingerprint {self.fingerprint[:16]}…>"

    def summary(self) -> str:
        """Return how the inputs ended, as one sentence."""
        total = sum(self.outcomes.values())
        parts = ", ".join(f"{number(count)} {outcome}" for outcome, count in self.outcomes.items())
        return f"{plural(total, 'input')}: {parts}."

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, dict[str, bool]]]:
        return {"text/html": self._html(), "text/plain": repr(self)}, {"text/html": {EVIDENCE: True}}

    def _html(self) -> str:
        reports = self._archive.reports
        conflicts = int(reports["conflict"].astype("boolean").sum())
        parts = [f"<p>{html_text(self.summary())}"]
        if conflicts:
            parts.append(
                f" {plural(conflicts, 'report')} came under an identity that another report has, with other content; "
                "which one counts does not depend on the order of the inputs."
            )
        parts.append("</p>")
        parts += self._rejects()
        parts += self._assumptions()
        shown = self._lines[:LINES]
        more = len(self._lines) - len(shown)
        left_out = (
            f" The list shows the first {number(LINES)}; {number(more)} more are in the fingerprint only."
            if more
            else ""
        )
        where = f" in {html_text(self._folder)}" if self._folder else ""
        parts.append(
            f"<p>SHA-256 over the list of all reports: <code>{self.fingerprint}</code>.{left_out}</p>"
            f"<details><summary>{html_text(plural(len(self._lines), 'report'))}{where}, each with its SHA-256</summary>"
            f'<pre class="sts-list">{html_text(chr(10).join(shown))}</pre></details>'
        )
        return "\n".join(parts)

    def _rejects(self) -> Iterable[str]:
        rejects = self._archive.rejects
        if not len(rejects):
            yield "<p>Nothing was rejected.</p>"
            return
        yield _table(
            rejects,
            {"source": "Input", "member": "Part", "reason": "Reason", "detail": "What was found"},
            f"{plural(len(rejects), 'input')} could not be read; what they held is in none of the numbers.",
        )

    def _assumptions(self) -> Iterable[str]:
        deviations = self._archive.deviations
        if not len(deviations):
            yield "<p>Nothing had to be assumed: every report loaded follows the form of RFC 8460.</p>"
            return
        texts = deviations.astype({"field": "string", "treatment": "string"})
        # policies[0] and policies[7] are the same slip.
        texts["field"] = texts["field"].str.replace(r"\[\d+\]", "[]", regex=True)
        grouped = (
            texts.groupby(["treatment", "field"], dropna=False, observed=True)
            .agg(times=("source", "size"), example=("value", "first"))
            .reset_index()
            .sort_values(["times", "treatment", "field"], ascending=[False, True, True])
        )
        yield _table(
            grouped,
            {"field": "Field", "treatment": "What was done", "times": "Times", "example": "For example"},
            f"{plural(len(deviations), 'time')} a report departed from RFC 8460 and was understood all the same.",
            numeric=("times",),
        )


def _names(reports: pd.DataFrame) -> list[str]:
    columns = (reports[name].astype("str") for name in ("source", "member"))
    return [
        one_line(source, 400) + (f"{_STEP}{one_line(member, 400)}" if member else "")
        for source, member in zip(*columns, strict=True)
    ]


def _without_folder(names: list[str]) -> tuple[str, list[str]]:
    """Return the folder that all names begin with, and the names without it."""
    start = os.path.commonprefix(names) if len(names) > 1 else ""  # noqa: RUF071 - cut at a separator below
    folder = start[: max(start.rfind("/"), start.rfind("\\")) + 1]
    return folder, [name[len(folder) :] for name in names]


def _table(frame: pd.DataFrame, headings: Mapping[str, str], caption: str, numeric: tuple[str, ...] = ()) -> str:
    shown = frame.head(ROWS)
    rows = [
        {str(key): None if value is None or value != value else value for key, value in row.items()}
        for row in shown[list(headings)].astype(object).to_dict("records")
    ]
    more = len(frame) - len(shown)
    note = f" The first {ROWS} rows of {number(len(frame))} are shown." if more else ""
    return folded_table(rows, headings, first=_OPEN, caption=caption + note, numeric=numeric, width=160)


def evidence(archive: Archive) -> Evidence:
    """Return what an archive rests on: inputs by outcome, names and hashes, what was rejected and assumed.

    Parameters
    ----------
    archive : Archive
        What `load` gave.

    Returns
    -------
    Evidence
        Shows itself in a notebook. A page that `publish` makes has it at its end, unless the notebook shows it.
    """
    return Evidence(archive)


def evidence_in(names: Mapping[str, Any]) -> Evidence | None:
    """Return the evidence of the archive that a notebook has read: the one named `archive`, else the largest."""
    from ..reports import Archive

    found = [value for name, value in names.items() if isinstance(value, Archive) and not name.startswith("_")]
    if isinstance(names.get("archive"), Archive):
        found = [names["archive"]]
    return Evidence(max(found, key=lambda archive: len(archive.inputs))) if found else None
