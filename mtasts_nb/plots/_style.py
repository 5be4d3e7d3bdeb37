"""One place for sizes, colours, hatches and letters, so that a result type looks the same in every figure.

The panel is opaque white: the colours are chosen against it. A page that `publish` makes gives each its counterpart on a
dark page (`colours.toml` has both). Each has a contrast of 3:1 or more with its panel (WCAG 2.2, 1.4.11) and keeps its distance from the others under deuteranopia, protanopia and
tritanopia. Colour is never the only sign: a hatch distinguishes the families, and the legend is in stack order.

Text in a figure is visible, on one line, without mathtext, and no wider than its space.
"""

from __future__ import annotations

import re
import tomllib
import zlib
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache, partial, wraps
from importlib import resources
from typing import Any, Final, ParamSpec
from weakref import WeakKeyDictionary

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb, to_rgba
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font, LoadFlags

from ..markup import number, one_line
from ..vocabulary import UNATTRIBUTED, UNKNOWN, Mode, ResultType

__all__ = ["colour_of"]

# Which window or server shows figures is the user's choice, and no part of a figure.
_USERS: Final = ("backend", "interactive", "toolbar", "webagg", "docstring", "figure.max_open", "savefig.directory")
#: matplotlib's own settings. A `matplotlibrc` of the user, or in a folder of reports, changes no figure.
DEFAULTS: Final[dict[Any, Any]] = {
    name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith(_USERS)
}
_P = ParamSpec("_P")
#: How to draw again what is on an Axes of its own, for as long as the Axes lives: narrower, for a phone.
AGAIN: WeakKeyDictionary[Axes, Callable[[], Axes]] = WeakKeyDictionary()


def with_defaults(draw: Callable[_P, Axes]) -> Callable[_P, Axes]:
    """Decorate what draws a figure: matplotlib's own settings hold, and the figure can be drawn again."""

    @wraps(draw)
    def drawn(*args: _P.args, **kwargs: _P.kwargs) -> Axes:
        with mpl.rc_context(DEFAULTS):
            axes = draw(*args, **kwargs)
        if kwargs.get("ax") is None:
            AGAIN[axes] = partial(drawn, *args, **kwargs)
        return axes

    return drawn


#: Ships with matplotlib, so that a figure is the same on every machine.
FONT: Final = "DejaVu Sans"
TITLE_SIZE: Final = 11.5
TEXT_SIZE: Final = 9.0
#: Inches. A figure is then about as wide as a column of text in a notebook or on a page; and as a phone.
WIDTH: Final = 8.2
NARROW: Final = 3.75
PNG_DPI: Final = 160
HATCH_WIDTH: Final = 0.8

#: The width of a new figure, in inches.
FIGURE_WIDTH: Final[ContextVar[float]] = ContextVar("figure_width", default=WIDTH)

_TABLE: Final = tomllib.loads((resources.files(__package__) / "colours.toml").read_text(encoding="utf-8"))
#: Name to colour.
COLOURS: Final[dict[str, str]] = {name: light for name, (light, _) in _TABLE["colours"].items()}

PANEL: Final = COLOURS["panel"]
INK: Final = COLOURS["ink"]
QUIET_INK: Final = COLOURS["quiet-ink"]
PALE_INK: Final = "#f0f3f6"
GRID: Final = COLOURS["grid"]
FRAME: Final = COLOURS["frame"]
ROW: Final = COLOURS["row"]
MARK: Final = COLOURS["mark"]

BLUE: Final = COLOURS["blue"]
ORANGE: Final = COLOURS["orange"]
TEAL: Final = COLOURS["teal"]
WINE: Final = COLOURS["wine"]
GREY: Final = COLOURS["grey"]
SLATE: Final = COLOURS["slate"]
#: Behind the days of an incident, and at its first and last day.
INCIDENT: Final = COLOURS["incident"]
INCIDENT_EDGE: Final = COLOURS["incident-edge"]
EVENT: Final = COLOURS["event"]
#: Between two bounds: of a forecast, of what was measured, of an interval with its limits.
FORECAST_BAND: Final = COLOURS["forecast-band"]
MEASURED_BAND: Final = COLOURS["measured-band"]
INTERVAL: Final = COLOURS["interval"]
INTERVAL_LIMIT: Final = COLOURS["interval-limit"]
#: The mode of a policy.
MODES: Final = {
    Mode.ENFORCE: COLOURS["mode-enforce"],
    Mode.TESTING: COLOURS["mode-testing"],
    Mode.NONE: COLOURS["mode-none"],
}
MODE_UNKNOWN: Final = COLOURS["mode-unknown"]
#: One hue, from pale to dark: order without colour vision, and in print.
SHADES: Final = LinearSegmentedColormap.from_list("failed", ["#e3edf6", "#6aa3d0", "#08306b"])


@dataclass(frozen=True, slots=True)
class Style:
    """How a series is filled: a colour, and a hatch for readers and printers without colour."""

    colour: str
    hatch: str = ""


def _hatch(kind: ResultType) -> str:
    """Return lines across for DANE, slanted lines for the policy host, none for what fails at the MX."""
    return "----" if kind.needs_dane else "////" if kind.on_policy_host else ""


_KNOWN: Final = {
    **{kind.value: Style(COLOURS[_TABLE["result-types"][kind.value]], _hatch(kind)) for kind in ResultType},
    UNATTRIBUTED: Style(SLATE),
    UNKNOWN: Style(SLATE, "xxxx"),
}
#: Known by name: bottom to top in a stack. What the registry does not know comes above, `other` last.
RESULT_ORDER: Final = tuple(_KNOWN)
# No dots or stars: as SVG they take a thousand times the space of a line.
_UNREGISTERED: Final = ("+++", "||||", "\\\\\\", "xx||", "//--", "\\\\--")

#: The rest of many series, folded into one.
OTHER: Final = Style(COLOURS["other"], "|||")
#: Failures for which a report names no MX, or a report that names no reporter.
UNNAMED: Final = Style(SLATE, "////")
#: Reporters, MX hosts and policy domains, by rank among all of a source: no result type and no mode has these colours, and
#: each kind of name has hatches of its own.
RANKED_COLOURS: Final = tuple(COLOURS[f"rank-{number}"] for number in range(1, 7))
RANKED_HATCHES: Final = {
    "organization_name": ("", "----", "xxxx"),
    "receiving_mx_hostname": ("\\\\\\\\", "////", "++++"),
    "policy_domain": ("||||", "||--", "||//"),
}
#: Days without any report: unknown, which is not zero.
NO_REPORT: Final = Style(COLOURS["no-report"], "\\\\\\\\")
NO_REPORT_HATCH: Final = COLOURS["no-report-hatch"]
#: A report, and how much of it failed; the darker and the taller, the more.
REPORT: Final = Style(COLOURS["report"])
FAILED_SHARES: Final = (Style(COLOURS["failed-little"]), Style(COLOURS["failed-some"]), Style(COLOURS["failed-most"]))
RATE: Final = COLOURS["failed-some"]
SESSIONS: Final = Style(COLOURS["sessions"])
#: A report that shows no policy, and one that does not say which.
NO_POLICY: Final = Style(PANEL, "xxxx")
POLICY_NOT_GIVEN: Final = Style(FRAME)


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
    known = _KNOWN.get(result_type)
    if known:
        return known
    # Any name must do, and the same name must look the same in every figure: the hatch comes from the name.
    return Style(GREY, _UNREGISTERED[zlib.crc32(result_type.encode("utf-8", "replace")) % len(_UNREGISTERED)])


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
    """Return the text colour, nearly black or white, that reads better on a background: 4.5:1 or more.

    Examples
    --------
    >>> ink_on("white"), ink_on("#0d0c49")
    ('#010101', '#fefefe')
    """
    # From here on black has more contrast than white: both 4.58:1.
    # Not quite black and white: those turn round on a dark page, and the background does not.
    return "#010101" if luminance(colour) > 0.179 else "#fefefe"


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
        top=False, right=False, left=True, bottom=True, labeltop=False, labelright=False, direction="out", length=3,
        width=0.8, pad=3, color=FRAME, labelsize=TEXT_SIZE, labelcolor=outside, labelfontfamily=FONT,
    )  # fmt: skip
    ax.set_axisbelow(True)
    ax.grid(visible=False)
    if grid:
        ax.yaxis.grid(visible=True, color=GRID, linewidth=0.8, linestyle="-")
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set(size=TEXT_SIZE, color=outside, family=FONT)


# Two marks on a letter are a language, twenty cover the neighbouring lines.
_MARKS = re.compile(
    "([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{2})[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


@lru_cache(maxsize=2)
def _face(weight: str) -> FT2Font:
    # One of our own: matplotlib changes the size of those it keeps.
    face = FT2Font(findfont(FontProperties(family=FONT, weight=weight)))
    face.set_size(100, 72)
    return face


@lru_cache(maxsize=4096)
def _advance(char: str, weight: str) -> float:
    """Return how far one character moves the pen, in parts of the size."""
    # Hinting to whole pixels makes a line wider than the outlines say, more so in thin letters.
    glyph = _face(weight).load_char(ord(char), flags=LoadFlags.NO_HINTING)
    return (1.02 if weight == "bold" else 1.045) * glyph.linearHoriAdvance / 65536 / 100


@lru_cache(maxsize=4096)
def _drawable(char: str) -> bool:
    return _face("normal").get_char_index(ord(char)) != 0


def label(text: object, characters: int = 44) -> str:
    """Return text of any origin for a figure: one visible line, clipped, in letters that the font has.

    A dollar sign is escaped: matplotlib reads the text between two of them as mathematics.

    Examples
    --------
    >>> label("mx1\\n$x^2$"), label("見出し")
    ('mx1 \\\\$x^2\\\\$', '\\\\u898b\\\\u51fa\\\\u3057')
    """
    line = one_line(_MARKS.sub(r"\1", str(text)), characters) or "(empty)"
    drawn = "".join(char if _drawable(char) else char.encode("unicode_escape").decode() for char in line)
    return one_line(drawn, characters + 12).replace("$", r"\$")


def width(text: str, size: float, weight: str = "normal") -> float:
    """Return about how wide a line is drawn, in points.

    Examples
    --------
    >>> 20 < width("mx1.", 9.0) < 30
    True
    """
    return size * sum(_advance(char, weight) for char in text)


def fit(text: str, points: float, size: float) -> str:
    """Return text for a figure with its middle left out until it is at most about `points` wide.

    Examples
    --------
    >>> fit("a-very-long-name.nordwind.example", 90, 9.0)
    'a-very-l….example'
    """
    line = label(text, 200)
    if width(line, size) <= points:
        return line
    plain = line.replace(r"\$", "$")
    keep = len(plain)
    while keep > 4:
        keep -= 1
        short = f"{plain[: (keep + 1) // 2]}…{plain[-(keep // 2) :]}"
        if width(short, size) <= points:
            return short.replace("$", r"\$")
    return "…"


def wrap(text: str, points: float, size: float, weight: str = "normal") -> list[str]:
    """Return text as lines of at most about `points`, broken at spaces.

    Examples
    --------
    >>> wrap("1,234 failed sessions at 3 MX", 100, 9.0)
    ['1,234 failed sessions', 'at 3 MX']
    """
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size, weight) <= points:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def compact(count: int, points: float, size: float) -> str:
    """Return a count that fits: in full where there is room, else rounded with k, M, G or T.

    Examples
    --------
    >>> compact(12345, 90, 9.0), compact(12345, 20, 9.0)
    ('12,345', '12k')
    """
    full = number(count)
    if width(full, size) <= points:
        return full
    scaled = float(count)
    for unit in ("", "k", "M", "G", "T"):
        if scaled < 999.5:
            return f"{scaled:.0f}{unit}" if scaled >= 9.95 or not unit else f"{scaled:.1f}{unit}"
        scaled /= 1000
    return f"{scaled * 1000:.0f}T"
