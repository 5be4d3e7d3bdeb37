"""How an `Archive` is shown: what it contains, and what was rejected."""

from __future__ import annotations

from typing import Final

import pandas as pd

from ..markup import number, one_line, share
from ..render import Block, Document, Paragraph, Section, Table, Terms, document
from ._archive import Archive, outcomes, reporting_span, sessions_by_type

_MOST_NAMES: Final = 5


@document.register
def _(archive: Archive) -> Document:
    reports = archive.reports
    terms = [
        ("Span (UTC)", reporting_span(archive)),
        ("Reports", number(int(reports["duplicate_of"].isna().sum()))),
        ("Reporters", _names(reports["organization_name"])),
        ("Policy domains", _names(archive.sessions["policy_domain"])),
        *(
            (f"Sessions under {name}", f"{number(total)}, {number(failed)} of them failed ({share(failed, total)})")
            for name, total, failed in sessions_by_type(archive)[:_MOST_NAMES]
        ),
        ("Inputs", ", ".join(f"{number(count)} {name}" for name, count in outcomes(archive)) or "none"),
        ("Assumptions made in reading", number(len(archive.deviations))),
    ]
    if conflicts := int(reports["conflict"].sum()):
        terms.append(("Conflicting reports with the same identity", number(conflicts)))
    return Document((Section("TLS reports", (Terms(terms), *_rejects(archive))),))


def _rejects(archive: Archive) -> list[Block]:
    if not len(archive.rejects):
        return [Paragraph("No input was rejected.")] if len(archive.inputs) else []
    reasons = archive.rejects.groupby(["stage", "reason"], observed=True)["detail"].agg(["size", "first"])
    rows = reasons.sort_values("size", ascending=False).reset_index().to_dict("records")
    columns = {"reason": "Reason", "stage": "At stage", "size": "Inputs", "first": "Example"}
    return [
        Table(
            columns,
            [{str(name): cell for name, cell in row.items()} for row in rows],
            caption="Rejected inputs",
            numeric=("size",),
        )
    ]


def _names(names: pd.Series) -> str:
    """Return how many different names there are, and the first of them, the most frequent first."""
    counts = names.value_counts()
    counts = counts[counts > 0]
    listed = ", ".join(one_line(name, 60) or "(no name)" for name in counts.index[:_MOST_NAMES])
    more = ", …" if len(counts) > _MOST_NAMES else ""
    return f"{number(len(counts))}: {listed}{more}" if len(counts) else number(0)
