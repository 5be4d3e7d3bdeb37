"""Texts and hosts as a person looks at them: before beside after, host beside pattern."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, overload

from mtasts_nb.markup import html_table, html_text, one_line, terminal_text

from ._coverage import near_miss
from ._fault import MAX_TEXT, Raw
from ._hosts import mx_host_names
from ._names import mx_matches
from ._policy import Policy
from ._policy_lint import lint_policy
from ._sts_record import as_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Beside", "MxRow", "MxTable", "beside", "mx_table"]


@dataclass(frozen=True, slots=True)
class Beside:
    """A text as it is, and as it should be; a table in a notebook, marked lines in a terminal.

    Attributes
    ----------
    before : str
        The text as it is.
    after : str or None
        The text put right; None where nothing needs to be, or nothing can be, proposed.
    """

    before: str
    after: str | None

    def _rows(self) -> list[tuple[str, str, bool]]:
        """Return pairs of lines, and whether they differ."""
        old = self.before.replace("\r\n", "\n").rstrip("\n").split("\n")
        if self.after is None:
            return [(line, "", False) for line in old]
        new = self.after.rstrip("\n").split("\n")
        rows: list[tuple[str, str, bool]] = []
        for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            for offset in range(max(b - a, d - c)):
                left = old[a + offset] if a + offset < b else ""
                right = new[c + offset] if c + offset < d else ""
                rows.append((left, right, tag != "equal"))
        return rows

    def __str__(self) -> str:
        if self.after is None:
            return "\n".join(one_line(left, 300) for left, _, _ in self._rows())
        lines = []
        for left, right, changed in self._rows():
            if not changed:
                lines.append(f"  {one_line(left, 300)}")
                continue
            lines += [f"- {one_line(left, 300)}"] if left else []
            lines += [f"+ {one_line(right, 300)}"] if right else []
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        def cell(text: str, changed: bool) -> str:
            shown = html_text(text, 300)
            return f"<td><code>{f'<mark>{shown}</mark>' if changed and text else shown}</code></td>"

        if self.after is None:
            return f"<pre>{html_text(self.before.rstrip(), 8000)}</pre>"
        rows = "".join(
            f"<tr>{cell(left, changed)}{cell(right, changed)}</tr>" for left, right, changed in self._rows()[:400]
        )
        return (
            '<table class="sts"><thead><tr><th scope="col">As it is</th><th scope="col">Corrected</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )


def beside(before: Raw, after: str | None) -> Beside:
    """Return a text and its correction, to look at side by side.

    Parameters
    ----------
    before : str or bytes
        The text as it is.
    after : str or None
        The text put right, as in `Findings.corrected`.

    Examples
    --------
    >>> print(beside("version: STSv1\\nmode: Enforce\\n", "version: STSv1\\nmode: enforce\\n"))
      version: STSv1
    - mode: Enforce
    + mode: enforce
    """
    text = as_text(before if isinstance(before, str) else bytes(before))
    return Beside(text[:MAX_TEXT], None if after == text else after)


@dataclass(frozen=True, slots=True)
class MxRow:
    """One MX host: the pattern that permits it, or the nearest one and why it fails; no pattern where none is near."""

    mx_host: str
    permitted: bool
    pattern: str | None
    why_not: str | None


class MxTable(Sequence[MxRow]):
    """Which pattern permits which MX host; a table in a notebook and in a terminal."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Iterable[MxRow]) -> None:
        self._rows = tuple(rows)

    @overload
    def __getitem__(self, index: int) -> MxRow: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[MxRow, ...]: ...
    def __getitem__(self, index: int | slice) -> MxRow | tuple[MxRow, ...]:
        """Return one row, or the rows of a slice."""
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame: `mx_host`, `permitted` (bool), `pattern`, `why_not` (missing where permitted)."""
        import pandas as pd

        frame = pd.DataFrame(
            [asdict(row) for row in self._rows], columns=["mx_host", "permitted", "pattern", "why_not"]
        )
        return frame.astype({"mx_host": "string", "permitted": "bool", "pattern": "string", "why_not": "string"})

    def __str__(self) -> str:
        return "\n".join(
            f"{terminal_text(row.mx_host)}: "
            + (f"permitted by {terminal_text(row.pattern)}" if row.permitted else f"not permitted. {row.why_not}")
            for row in self._rows
        )

    def __repr__(self) -> str:
        return f"<MxTable: {sum(row.permitted for row in self._rows)} of {len(self._rows)} hosts permitted>"

    def _repr_html_(self) -> str:
        return html_table(
            (asdict(row) for row in self._rows),
            {"mx_host": "MX host", "permitted": "Permitted", "pattern": "Pattern", "why_not": "Why not"},
        )


def mx_table(policy: Raw | Policy, mx_hosts: Iterable[str] | str) -> MxTable:
    """Return which pattern of a policy permits which MX host, and why not where none does (RFC 8461 §4.1).

    Parameters
    ----------
    policy : str, bytes or Policy
        The policy; what can be understood of one with faults.
    mx_hosts : list of str, or str with one host per line
        As for `validate`.

    Examples
    --------
    >>> print(mx_table("mx: *.nordwind.example", ["mx1.nordwind.example", "nordwind.example"]))
    mx1.nordwind.example: permitted by *.nordwind.example
    nordwind.example: not permitted. *.nordwind.example permits hosts below nordwind.example, not nordwind.example itself.
    """
    patterns = list(policy.mx) if isinstance(policy, Policy) else lint_policy(policy).mx
    rows = []
    for host in mx_host_names(mx_hosts):
        found = next((pattern for pattern in patterns if mx_matches(pattern, host)), None)
        miss = None if found else near_miss(host, patterns)
        why_not = None if found else miss[2].replace("`", "") if miss else "No pattern comes near."
        rows.append(MxRow(host, found is not None, found or (miss[0] if miss else None), why_not))
    return MxTable(rows)
