"""A probe in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..markup import html_table, html_text
from ._summary import Light, MxRow, fundamentals, mx_rows, vantage_line

if TYPE_CHECKING:
    from ._probe import Probe

__all__ = ["as_html"]

_CLASSES = {Light.GOOD: "sts-good", Light.PARTLY: "sts-bad", Light.FAULT: "sts-bad", Light.UNKNOWN: "sts-quiet"}
_SIGNS = {Light.GOOD: "✓", Light.PARTLY: "◐", Light.FAULT: "✗", Light.UNKNOWN: "?"}
# Colour in the notebook only: the published page has its own sheet, and takes this one out.
_STYLE = (
    "<style>.sts-probe .sts-good{color:#1a7f37}.sts-probe .sts-bad{color:#c0282d;font-weight:600}"
    ".sts-probe .sts-quiet{opacity:.75}.sts-probe table{margin:.4em 0}"
    ".sts-probe td,.sts-probe th{text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    ".sts-probe th[scope=row]{min-width:9em}.sts-probe span.sts-quiet{font-weight:400}.sts-probe caption{text-align:left}"
    # A text to paste wraps: unwrapped it takes the width of a phone from all that stands beside it.
    ".sts-probe pre{white-space:pre-wrap;overflow-wrap:anywhere}"
    "@media(prefers-color-scheme:dark){.sts-probe .sts-good{color:#56d364}.sts-probe .sts-bad{color:#ff7b72}}</style>"
)


def as_html(probe: Probe) -> str:
    """Return the probe as HTML: the three fundamentals, then MX by MX, then the findings."""
    mode = f"mode {probe.mode.value}" if probe.mode else "no MTA-STS policy that senders see"
    summary = probe.findings.summary()
    parts = [
        f"<p><strong>{html_text(probe.domain)}</strong>: {html_text(mode)}. {html_text(summary)}</p>",
        _fundamentals(probe),
        _mx(probe),
    ]
    if probe.providers:
        shown = "; ".join(f"{one.name} ({one.role}, by {one.evidence})" for one in probe.providers)
        parts.append(f"<p>Providers: {html_text(shown, 600)}</p>")
    if probe.findings:
        parts.append(probe.findings._repr_html_())
    parts.append(f'<p class="sts-quiet">{html_text(vantage_line(probe), 600)}</p>')
    return f'{_STYLE}<div class="sts-probe">{"".join(parts)}</div>'


def _state(light: Light) -> str:
    return f'<span class="{_CLASSES[light]}">{_SIGNS[light]} {html_text(light.value)}</span>'


def _table(caption: str, headings: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    """Return a table of two columns of ready HTML: it fits a phone without scrolling sideways."""
    head = "".join(f'<th scope="col">{text}</th>' for text in headings)
    body = "".join(f'<tr><th scope="row">{first}</th><td>{second}</td></tr>' for first, second in rows)
    return f'<table class="sts"><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _fundamentals(probe: Probe) -> str:
    rows = [
        (html_text(row.title, 300), f"{_state(row.light)}<br>{html_text(row.text, 700)}") for row in fundamentals(probe)
    ]
    return _table("The three fundamentals, in order, and reporting.", ("Step", "Seen"), rows)


def _mx(probe: Probe) -> str:
    rows = mx_rows(probe)
    if not rows:
        return html_table([{"seen": probe.mx.detail}], {"seen": "MX records"})
    by_host: dict[str, list[MxRow]] = {}
    for row in rows:
        by_host.setdefault(row.host, []).append(row)
    caption = "Each MX host, each address: senders try them by preference, lowest first."
    cells = [(_host(of_host[0]), "<br>".join(map(_seen_at, of_host))) for of_host in by_host.values()]
    return _table(caption, ("MX host", "Seen"), cells)


def _host(row: MxRow) -> str:
    permitted = {"yes": "permitted by the policy", "no": "not permitted by the policy"}.get(row.permitted, "")
    more = ", ".join(text for text in (f"preference {row.preference}", permitted) if text)
    return f'{html_text(row.host, 253)}<br><span class="sts-quiet">{html_text(more)}</span>'


def _seen_at(row: MxRow) -> str:
    return f"{_state(row.light)} at {html_text(row.address, 300)}<br>{html_text(row.seen, 700)}"
