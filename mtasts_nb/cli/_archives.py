"""What several commands print of an archive: the verdicts that lead, counts and rejected inputs, and the same as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ..markup import number
from ..render import Block, Figures, Paragraph, document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from ..analysis import Table
    from ..reports import Archive, Mailbox
    from ..vocabulary import Verdict

__all__ = ["ROWS", "VERSION", "first_rows", "head", "open_archive", "rows", "to_json", "verdict_json", "verdicts"]

#: Most rows of one table in the terminal.
ROWS: Final = 10
#: So many domains that are fine are named; of more, only how many.
_FEW: Final = 3
#: Of what `--json` prints about an archive; it grows when a reader would misread it.
VERSION: Final = 1


def open_archive(sources: Sequence[str | Mailbox], dkim: str = "off") -> Archive:
    """Return the archive at the sources, with a bar on standard error; an error where there is no report."""
    from ..reports import load

    return load(*sources, dkim=dkim).require_reports()


def verdicts(archive: Archive) -> list[Verdict]:
    """Return the verdict on each policy domain, the most urgent first."""
    from ..analysis import reported_verdicts

    return sorted(reported_verdicts(archive).values(), key=lambda verdict: (verdict.level.rank, verdict.domain))


def head(archive: Archive, of: Sequence[Verdict]) -> list[Block]:
    """Return what is to be read first: the verdicts, of many that are fine only how many, and the figures."""
    from ..analysis import key_figures
    from ..vocabulary import Level, verdict_badge

    fine = [verdict for verdict in of if verdict.level is Level.FINE]
    named = [verdict for verdict in of if len(fine) <= _FEW or verdict.level is not Level.FINE]
    blocks = [block for verdict in named[:ROWS] for block in document(verdict).body]
    if len(named) > ROWS:
        blocks.append(Paragraph(f"{number(len(named) - ROWS)} more policy domains, none of them more urgent."))
    if len(fine) > _FEW:
        blocks.append(
            Paragraph(verdict_badge(Level.FINE), f" No problems found with {number(len(fine))} policy domains.")
        )
    return [*blocks, Figures(key_figures(archive).figures)]


def first_rows(table: Table, columns: str, hint: str = "") -> Block:
    """Return the first rows of a table, with the columns that fit a terminal."""
    more = f" The first {ROWS} of {len(table)} rows{hint}." if len(table) > ROWS else ""
    first = table.only(columns.split(), ROWS)
    return document(replace(first, caption=first.caption + more)).body[0]


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame as JSON objects: times in ISO 8601, None for what is missing."""
    result: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso"))
    return result


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON object."""
    import msgspec

    result: dict[str, Any] = msgspec.to_builtins(verdict)
    return result


def to_json(archive: Archive, of: Sequence[Verdict], **more: object) -> Mapping[str, object]:
    """Return what `head` shows, and the rejected inputs, as JSON object."""
    from ..reports import outcomes
    from ..reports.schema import OUTCOMES

    days = archive.sessions["day"]
    return {
        "version": VERSION,
        **more,
        "verdicts": [verdict_json(verdict) for verdict in of],
        "inputs": dict.fromkeys(OUTCOMES, 0) | dict(outcomes(archive)),
        "reporters": int(archive.sessions["organization_name"].nunique()),
        "first_day": None if days.empty else days.min().date().isoformat(),
        "last_day": None if days.empty else days.max().date().isoformat(),
        "assumptions": len(archive.deviations),
        "rejects": rows(archive.rejects),
    }
