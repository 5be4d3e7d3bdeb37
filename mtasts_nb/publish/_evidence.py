"""What the numbers rest on: every input by name and hash, what was rejected, and what was assumed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from ..markup import is_absent, number, one_line, plural
from ..render import Block, Code, Document, Fold, Paragraph, Preformatted, Rendered, Table, document
from ._page import EVIDENCE

if TYPE_CHECKING:
    import pandas as pd

    from ..reports import Archive

__all__ = ["Evidence", "evidence", "evidence_in"]

#: Longest list of reports in a page. At about 160 bytes a line this stays below 700 kB; the fingerprint covers all.
LINES = 4_000
#: Longest table of rejected inputs or assumptions, and how much of it is open.
ROWS = 200
_OPEN = 5
#: Between the steps of a member, as `reports` joins them.
_STEP = " > "
_OUTCOMES = ("loaded", "duplicate", "skipped", "rejected")


class Evidence(Rendered):
    """What an archive rests on; shows itself in a notebook.

    Parameters
    ----------
    archive : Archive
        What `load` returned.

    Attributes
    ----------
    archive : Archive
        The same.
    folder : str
        The folder that all sources have in common, with its separator; empty where there is none.
    lines : list of str
        ``<sha256>  <source>[ > <member>]`` of each report, without that folder, sorted.
    fingerprint : str
        SHA-256 over `lines`. Two archives with the same fingerprint hold the same reports under the same names.
    outcomes : dict of str to int
        How many inputs ended as loaded, duplicate, skipped, rejected.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        names = _names(archive.reports)
        start = os.path.commonprefix(names) if len(names) > 1 else ""  # noqa: RUF071 - cut at a separator below
        self.folder = start[: max(start.rfind("/"), start.rfind("\\")) + 1]
        hashes = archive.reports["sha256"].astype("str")
        self.lines = sorted(f"{sha256}  {name[len(self.folder) :]}" for sha256, name in zip(hashes, names, strict=True))
        self.fingerprint = hashlib.sha256("\n".join(self.lines).encode("utf-8", "surrogatepass")).hexdigest()
        counted = archive.inputs["outcome"].astype("string").value_counts()
        self.outcomes = {outcome: int(counted.get(outcome, 0)) for outcome in _OUTCOMES}

    def __repr__(self) -> str:
        return f"<Evidence: {self.summary()} fingerprint {self.fingerprint[:16]}…>"

    def summary(self) -> str:
        """Return how the inputs ended, as one sentence."""
        parts = ", ".join(f"{number(count)} {outcome}" for outcome, count in self.outcomes.items())
        return f"{plural(sum(self.outcomes.values()), 'input')}: {parts}."

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, dict[str, bool]]]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}, {"text/html": {EVIDENCE: True}}


def _names(reports: pd.DataFrame) -> list[str]:
    columns = (reports[name].astype("str") for name in ("source", "member"))
    return [
        one_line(source, 400) + (f"{_STEP}{one_line(member, 400)}" if member else "")
        for source, member in zip(*columns, strict=True)
    ]


@document.register
def _(evidence: Evidence) -> Document:
    archive, lines = evidence.archive, evidence.lines
    conflicts = int(archive.reports["conflict"].astype("boolean").sum())
    conflicting = (
        f" {plural(conflicts, 'report')} had the identity of another report, but different content; which of them counts "
        "does not depend on the order of the inputs."
    )
    left_out = (
        f" The list has the first {number(LINES)}; {number(len(lines) - LINES)} more are in the fingerprint only."
    )
    where = f" in {evidence.folder}" if evidence.folder else ""
    return Document(
        (
            Paragraph(evidence.summary() + (conflicting if conflicts else "")),
            _rejects(archive.rejects),
            _assumptions(archive.deviations),
            Paragraph(
                "SHA-256 over the list of all reports: ",
                Code(evidence.fingerprint),
                f".{left_out if len(lines) > LINES else ''}",
            ),
            Fold(
                f"{plural(len(lines), 'report')}{where}, each with its SHA-256",
                (Preformatted("\n".join(lines[:LINES]), scrolls=True),),
            ),
        )
    )


def _rejects(rejects: pd.DataFrame) -> Block:
    if not len(rejects):
        return Paragraph("Nothing was rejected.")
    caption = f"{plural(len(rejects), 'input')} could not be read; not included in any number."
    columns = {"source": "Input", "member": "Part", "reason": "Reason", "detail": "Detail"}
    return _table(rejects, columns, caption)


def _assumptions(deviations: pd.DataFrame) -> Block:
    if not len(deviations):
        return Paragraph("No assumptions were needed: every report loaded follows RFC 8460.")
    texts = deviations.astype({"field": "string", "treatment": "string"})
    # policies[0] and policies[7] are the same mistake.
    texts["field"] = texts["field"].str.replace(r"\[\d+\]", "[]", regex=True)
    grouped = (
        texts.groupby(["treatment", "field"], dropna=False, observed=True)
        .agg(times=("source", "size"), example=("value", "first"))
        .reset_index()
        .sort_values(["times", "treatment", "field"], ascending=[False, True, True])
    )
    caption = f"{plural(len(deviations), 'time')} a report did not follow RFC 8460 and was read anyway."
    columns = {"field": "Field", "treatment": "How it was read", "times": "Times", "example": "For example"}
    return _table(grouped, columns, caption, numeric=("times",))


def _table(frame: pd.DataFrame, columns: Mapping[str, str], caption: str, numeric: tuple[str, ...] = ()) -> Table:
    rows = [
        {str(key): None if is_absent(value) else value for key, value in row.items()}
        for row in frame.head(ROWS)[list(columns)].astype(object).to_dict("records")
    ]
    more = f" The first {ROWS} rows of {number(len(frame))} are shown." if len(frame) > ROWS else ""
    return Table(columns, rows, caption=caption + more, numeric=numeric, first=_OPEN, width=160)


def evidence(archive: Archive) -> Evidence:
    """Return what an archive rests on: inputs by outcome, names and hashes, what was rejected and assumed.

    Parameters
    ----------
    archive : Archive
        What `load` returned.

    Returns
    -------
    Evidence
        Shows itself in a notebook. A page that `publish` makes has it at its end, unless the notebook shows it.
    """
    return Evidence(archive)


def evidence_in(names: Mapping[str, Any], examples: Collection[str] = ()) -> Evidence | None:
    """Return the evidence of the archive that a notebook has read: the one named `archive`, else the largest; of no example."""
    from ..reports import Archive

    if isinstance(archive := names.get("archive"), Archive):
        return Evidence(archive)
    archives = [
        value
        for name, value in names.items()
        if isinstance(value, Archive) and not name.startswith("_") and name not in examples
    ]
    return Evidence(max(archives, key=lambda archive: len(archive.inputs))) if archives else None
