"""A probe in a terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from ..markup import display_width, terminal_text
from ._summary import Light, fundamentals, mx_rows, vantage_line

if TYPE_CHECKING:
    from ._probe import Probe

__all__ = ["as_text"]

_MARKS = {Light.GOOD: "[ok]", Light.PARTLY: "[part]", Light.FAULT: "[FAULT]", Light.UNKNOWN: "[?]"}
_WIDE = 100
_INDENT = " " * 12


def as_text(probe: Probe) -> str:
    """Return the probe as lines of at most about 100 characters: fundamentals, MX hosts, findings."""
    mode = f"mode {probe.mode.value}" if probe.mode else "no MTA-STS policy that senders see"
    lines = [f"{terminal_text(probe.domain)}: {mode}", ""]
    for row in fundamentals(probe):
        lines += _entry(_MARKS[row.light], terminal_text(row.title), terminal_text(row.text, 600))
    lines.append("")
    rows = mx_rows(probe)
    if not rows:
        lines.append(f"MX hosts: {terminal_text(probe.mx.detail)}")
    host = None
    for one in rows:
        if one.host != host:
            host = one.host
            permitted = {"yes": ", permitted by the policy", "no": ", NOT permitted by the policy"}.get(
                one.permitted, ""
            )
            lines.append(f"MX {terminal_text(one.preference)} {terminal_text(one.host, 253)}{permitted}")
        lines += _entry(f"  {_MARKS[one.light]}", terminal_text(one.address, 300), terminal_text(one.seen, 600))
    if probe.providers:
        shown = ", ".join(f"{one.name} ({one.role})" for one in probe.providers)
        lines += ["", f"Providers: {terminal_text(shown)}"]
    lines += [
        "",
        str(probe.findings),
        "",
        *textwrap.wrap(terminal_text(vantage_line(probe), 600), _WIDE, break_on_hyphens=False),
    ]
    return "\n".join(lines)


def _entry(mark: str, title: str, text: str) -> list[str]:
    head = f"{mark:<10}{title}"
    if display_width(head) + len(text) + 2 <= _WIDE:
        return [f"{head}  {text}"]
    return [
        head,
        *textwrap.wrap(text, _WIDE, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False),
    ]
