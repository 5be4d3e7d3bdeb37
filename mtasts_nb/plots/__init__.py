"""Figures of TLS reports: ``(source, *, …, ax=None) -> Axes``, one colour per result type, alt text for each.

None of them touches pyplot: a figure shows itself as the last value of a notebook cell, or by `show`, and is gone when
nothing refers to it any more.
"""

from __future__ import annotations

from ._coverage import reporter_coverage
from ._flowchart import flowchart
from ._forecast import forecast
from ._heat import mx_by_result
from ._incident import incident
from ._over_time import failures_by_mx, failures_over_time
from ._policy_history import policy_history
from ._share import success_share
from ._show import Picture, alt_text, show, to_png, to_svg
from ._style import colour_of

__all__ = [
    "Picture",
    "alt_text",
    "colour_of",
    "failures_by_mx",
    "failures_over_time",
    "flowchart",
    "forecast",
    "incident",
    "mx_by_result",
    "policy_history",
    "reporter_coverage",
    "show",
    "success_share",
    "to_png",
    "to_svg",
]
