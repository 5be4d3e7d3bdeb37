"""One place for sizes, colours and hatches, so that a result type looks the same in every figure.

The panel is opaque white on any page, a dark one too: the colours are chosen against white. Each has a contrast of 3:1
or more with it (WCAG 2.2, 1.4.11) and keeps its distance from the others under deuteranopia, protanopia and
tritanopia. Colour is never the only sign: a hatch tells the families apart, and the legend is in stack order.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matplotlib.colors import to_rgb, to_rgba

from ..vocabulary import UNATTRIBUTED, UNKNOWN, ResultType

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["colour_of", "style_of"]

PANEL: Final = "#ffffff"
INK: Final = "#1f2328"
QUIET_INK: Final = "#57606a"
PALE_INK: Final = "#f0f3f6"
GRID: Final = "#e4e7eb"
FRAME: Final = "#8c959f"

#: Ships with matplotlib, so that a figure is the same on every machine.
FONT: Final = "DejaVu Sans"
TITLE_SIZE: Final = 11.5
TEXT_SIZE: Final = 9.0
#: Inches. A figure is then about as wide as a column of text in a notebook or on a page.
WIDTH: Final = 7.2
PNG_DPI: Final = 160
HATCH_WIDTH: Final = 0.8


@dataclass(frozen=True, slots=True)
class Style:
    """How a series is filled: a colour, and a hatch for readers and printers without colour."""

    colour: str
    hatch: str = ""


_DANE, _POLICY_HOST = "----", "////"

# Solid: seen at the MX. Lines across: DANE. Slanted lines: at the policy host, where a fault holds no mail back (RFC 8461 §5).
_RESULT_TYPES: Final = {
    ResultType.STARTTLS_NOT_SUPPORTED: Style("#752134"),
    ResultType.CERTIFICATE_HOST_MISMATCH: Style("#055f9f"),
    ResultType.CERTIFICATE_EXPIRED: Style("#ca633d"),
    ResultType.CERTIFICATE_NOT_TRUSTED: Style("#0d0c49"),
    ResultType.VALIDATION_FAILURE: Style("#19a28f"),
    ResultType.TLSA_INVALID: Style("#b36fe8", _DANE),
    ResultType.DNSSEC_INVALID: Style("#3d1f7e", _DANE),
    ResultType.DANE_REQUIRED: Style("#97467d", _DANE),
    ResultType.STS_POLICY_FETCH_ERROR: Style("#ab8f02", _POLICY_HOST),
    ResultType.STS_POLICY_INVALID: Style("#331b09", _POLICY_HOST),
    ResultType.STS_WEBPKI_INVALID: Style("#425900", _POLICY_HOST),
}
#: Known by name: bottom to top in a stack. What the registry does not know comes above, `other` last.
RESULT_ORDER: Final = (*(kind.value for kind in _RESULT_TYPES), UNATTRIBUTED, UNKNOWN)
_BY_NAME: Final = {
    **{kind.value: style for kind, style in _RESULT_TYPES.items()},
    UNATTRIBUTED: Style("#5c6370"),
    UNKNOWN: Style("#5c6370", "xxxx"),
}
# No dots or stars: as SVG they take a thousand times the space of a line.
_UNREGISTERED: Final = ("+++", "||||", "\\\\\\", "xx||", "//--", "\\\\--")

#: The rest of many series, folded into one.
OTHER: Final = Style("#858b94", "|||")
#: Failures for which a report names no MX, or a report that names no reporter.
UNNAMED: Final = Style("#5c6370", "////")
#: MX hosts and reporters, by rank: they have no colour of their own.
RANKED: Final = (
    Style("#055f9f"),
    Style("#ca633d"),
    Style("#0d0c49"),
    Style("#19a28f"),
    Style("#752134"),
    Style("#ab8f02"),
    Style("#3d1f7e", "----"),
    Style("#97467d", "----"),
)
#: Days without any report: unknown, which is not zero.
NO_REPORT: Final = Style("#f0f1f3", "\\\\\\\\")
NO_REPORT_HATCH: Final = "#80868f"
REPORT: Final = Style("#4384bd")
REPORT_WITH_FAILURES: Final = Style("#a3400f")


def style_of(result_type: str) -> Style:
    """Return colour and hatch of a result type, the same in every figure.

    Parameters
    ----------
    result_type : str
        A registered result type, ``unattributed``, ``unknown``, or any other text as a report had it.

    Examples
    --------
    >>> style_of("sts-policy-invalid").hatch
    '////'
    """
    known = _BY_NAME.get(result_type)
    if known:
        return known
    # Any name must do, and the same name must look the same in every figure: the hatch comes from the name.
    return Style("#6e7681", _UNREGISTERED[zlib.crc32(result_type.encode("utf-8", "replace")) % len(_UNREGISTERED)])


def colour_of(result_type: str) -> str:
    """Return the colour of a result type as ``#rrggbb``, the same in every figure and table.

    Parameters
    ----------
    result_type : str
        A registered result type (RFC 8460 §4.3), ``unattributed``, ``unknown``, or any other text as a report had it.

    Returns
    -------
    str
        At least 3:1 against white. Types that no registry knows share one grey.

    Examples
    --------
    >>> colour_of("certificate-expired"), colour_of("no-such-type")
    ('#ca633d', '#6e7681')
    """
    return style_of(result_type).colour


def luminance(colour: object) -> float:
    """Return the relative luminance of a colour (WCAG 2.2), 0 for black to 1 for white.

    Examples
    --------
    >>> luminance("#ffffff")
    1.0
    """
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]  # type: ignore[arg-type]
    return round(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2], 6)


def ink_on(colour: object) -> str:
    """Return the text colour, black or white, that reads better on a background: 4.5:1 or more.

    Examples
    --------
    >>> ink_on("white"), ink_on("#0d0c49")
    ('#000000', '#ffffff')
    """
    # From here on black has more contrast than white: both 4.58:1.
    return "#000000" if luminance(colour) > 0.179 else "#ffffff"


def ink_around(ax: Axes, *, quiet: bool = False) -> str:
    """Return the colour of letters outside the panel; a caller's figure may be dark."""
    figure = ax.get_figure(root=False)
    assert figure is not None
    red, green, blue, opacity = to_rgba(figure.get_facecolor())
    if opacity > 0.5 and luminance((red, green, blue)) <= 0.2:
        return PALE_INK
    return QUIET_INK if quiet else INK


def dress(ax: Axes, *, grid: bool = True) -> None:
    """Give an Axes the panel, frame, grid and letters that all figures share."""
    outside = ink_around(ax)
    ax.set_facecolor(PANEL)
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(FRAME)
        spine.set_linewidth(0.8)
    ax.minorticks_off()
    ax.tick_params(
        top=False,
        right=False,
        left=True,
        bottom=True,
        labeltop=False,
        labelright=False,
        direction="out",
        labelsize=TEXT_SIZE,
        labelcolor=outside,
        color=FRAME,
        length=3,
        width=0.8,
        labelfontfamily=FONT,
        pad=3,
    )
    ax.set_axisbelow(True)
    ax.grid(visible=False)
    if grid:
        ax.yaxis.grid(visible=True, color=GRID, linewidth=0.8, linestyle="-")
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set(size=TEXT_SIZE, color=outside, family=FONT)
