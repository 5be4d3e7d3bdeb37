"""Texts and hosts as people compare them: a text beside its correction, a host beside the pattern that covers it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ..render import Code, Document, Inline, Preformatted, Rendered, Strong, Table, document, frame
from ._coverage import near_miss
from ._fault import MAX_TEXT, Raw, as_raw, as_text
from ._names import mx_host_names, mx_matches
from ._policy import Policy, lint_policy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Beside", "MxRow", "MxTable", "beside", "mx_table"]

_ROWS = 400


@dataclass(frozen=True, slots=True)
class Beside(Rendered):
    """A text as it is, and as it should be.

    Attributes
    ----------
    before : str
        The text as it is.
    after : str or None
        The corrected text; None where nothing has to be, or can be, proposed.
    """

    before: str
    after: str | None

    def rows(self) -> list[tuple[str, str, bool]]:
        """Return pairs of lines, and whether they differ."""
        old = self.before.replace("\r\n", "\n").rstrip("\n").split("\n")
        new = old if self.after is None else self.after.rstrip("\n").split("\n")
        rows: list[tuple[str, str, bool]] = []
        for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            for offset in range(max(b - a, d - c)):
                left = old[a + offset] if a + offset < b else ""
                right = new[c + offset] if c + offset < d else ""
                rows.append((left, right, tag != "equal"))
        return rows


def beside(before: Raw, after: str | None) -> Beside:
    """Return a text and its correction, side by side.

    Parameters
    ----------
    before : str or bytes
        The text as it is.
    after : str or None
        The corrected text, as in `Findings.corrected`.

    Examples
    --------
    >>> beside("version: STSv1\\nmode: Enforce\\n", "version: STSv1\\nmode: enforce\\n").rows()
    [('version: STSv1', 'version: STSv1', False), ('mode: Enforce', 'mode: enforce', True)]
    """
    text = as_text(as_raw(before))
    return Beside(text[:MAX_TEXT], None if after == text else after)


@dataclass(frozen=True, slots=True)
class MxRow:
    """One MX host: the pattern that covers it, or the nearest one and why it fails; no pattern where none is similar."""

    mx_host: str
    covered: bool
    pattern: str | None
    why_not: str | None


class MxTable(tuple[MxRow, ...], Rendered):
    """Which pattern covers which MX host."""

    __slots__ = ()

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame: `mx_host`, `covered` (bool), `pattern`, `why_not` (missing where covered)."""
        table = frame([asdict(row) for row in self], ["mx_host", "covered", "pattern", "why_not"])
        return table.astype({"mx_host": "string", "covered": "bool", "pattern": "string", "why_not": "string"})

    def __repr__(self) -> str:
        return f"<MxTable: {sum(row.covered for row in self)} of {len(self)} hosts covered>"


def mx_table(policy: Raw | Policy, mx_hosts: Iterable[str] | str) -> MxTable:
    """Return which pattern of a policy covers which MX host, and why not where none does (RFC 8461 §4.1).

    Parameters
    ----------
    policy : str, bytes or Policy
        The policy; of one with faults, what can be understood.
    mx_hosts : list of str, or str with one host per line
        As for `validate`.

    Examples
    --------
    >>> mx_table("mx: *.nordwind.example", ["mx1.nordwind.example", "nordwind.example"])[1].why_not
    '`*.nordwind.example` matches hosts below `nordwind.example`, not `nordwind.example` itself.'
    """
    patterns = list(policy.mx) if isinstance(policy, Policy) else lint_policy(policy).mx
    rows = []
    for host in mx_host_names(mx_hosts):
        pattern = next((pattern for pattern in patterns if mx_matches(pattern, host)), None)
        miss = None if pattern else near_miss(host, patterns)
        why_not = None if pattern else miss.why if miss else "No pattern is similar."
        rows.append(MxRow(host, pattern is not None, pattern or (miss.pattern if miss else None), why_not))
    return MxTable(rows)


@document.register
def _(texts: Beside) -> Document:
    if texts.after is None:
        return Document((Preformatted(texts.before.rstrip()),))

    def cell(text: str, changed: bool) -> Inline:
        return Strong(text) if changed and text else Code(text)

    rows = [
        {"before": cell(left, changed), "after": cell(right, changed)} for left, right, changed in texts.rows()[:_ROWS]
    ]
    return Document((Table({"before": "As it is", "after": "Corrected"}, rows, width=300),))


@document.register
def _(table: MxTable) -> Document:
    columns = {"mx_host": "MX host", "covered": "Covered", "pattern": "Pattern", "why_not": "Why not"}
    return Document((Table(columns, [asdict(row) for row in table]),))
