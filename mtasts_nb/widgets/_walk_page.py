"""A walk as one HTML file, to keep or to pass on: no script, and nothing is loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final

from ..markup import html_text
from ._static import picture

if TYPE_CHECKING:
    from ..diagnosis import Walk
    from ..plots import Picture

__all__ = ["page"]

_STYLE: Final = (
    ":root{color-scheme:light dark;--ground:#fff;--text:#1a1f26;--quiet:#525c68;--line:#d3d9e0;--raised:#f5f7f9}"
    "@media(prefers-color-scheme:dark){:root{--ground:#14181d;--text:#e7eaee;--quiet:#a9b4c0;--line:#39434e;--raised:#1d232a}}"
    "*{box-sizing:border-box}html{font:100%/1.55 system-ui,-apple-system,Segoe UI,Roboto,Noto Sans,DejaVu Sans,sans-serif}"
    "body{margin:0 auto;max-width:56rem;padding:1.5rem 1.1rem 4rem;background:var(--ground);color:var(--text);overflow-wrap:break-word}"
    "h1{font-size:1.6rem;line-height:1.25}h3{margin-top:1.8rem}p,ol,dl{max-width:46rem}li{margin:.45rem 0}dt{font-weight:600;margin-top:.7rem}"
    "dd{margin:0}small,footer{color:var(--quiet)}"
    "pre{padding:.6rem .8rem;background:var(--raised);border:1px solid var(--line);border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere}"
    "code,pre{font:.875em/1.5 ui-monospace,SF Mono,Menlo,Consolas,DejaVu Sans Mono,monospace}pre code{font-size:1em}"
    "figure{margin:1rem 0;overflow-x:auto}figure img{max-width:none}:focus-visible{outline:3px solid #0a58a8;outline-offset:2px}"
    "@media print{figure img{max-width:100%;height:auto}pre,li,figure{break-inside:avoid}}"
)


def page(walk: Walk, drawn: Picture) -> str:
    """Return the page: what was asked, the picture, every step with who answered it, and the end."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    about = f"Diagnosis of {walk.clues.domain}" if walk.clues.domain else "Diagnosis"
    title = html_text(about, 300)
    ended = walk.chart.title(walk.place) if walk.cause else "not ended: a question is open"
    figure = picture(drawn.svg or "", drawn.alt, scrolls=True)
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">'
        f'<title>{title}</title><link rel="icon" href="data:,"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{title}</h1><p>The end of the way: <strong>{html_text(ended, 300)}</strong></p>"
        f"{figure}<h2>Step by step</h2>{walk.to_html()}</main>"
        "<footer><p>Made with mtasts-nb. This file holds no script and loads nothing from anywhere.</p></footer></body></html>\n"
    )
