"""One colour per result type, told apart with any eyes: contrast (WCAG 2.2, 1.4.11) and simulated colour blindness."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mtasts_nb import plots
from mtasts_nb.plots import _style
from mtasts_nb.vocabulary import UNATTRIBUTED, UNKNOWN, ResultType

KINDS = [kind.value for kind in ResultType]

# G. M. Machado et al., "A Physiologically-based Model for Simulation of Color Vision Deficiency" (2009), severity 1.
SIGHT = {
    "usual": np.eye(3),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "tritanopia": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> np.ndarray:
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    light, dark = sorted((float(linear(colour) @ _TO_XYZ[1]) for colour in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(colour: str, sight: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of a colour as an eye sees it."""
    x = _TO_XYZ @ np.clip(sight @ linear(colour), 0, 1) / np.array([0.95047, 1, 1.08883])
    f = np.where(x > 216 / 24389, np.cbrt(x), (24389 / 27 * x + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: str, other: str, sight: np.ndarray) -> float:
    return float(np.linalg.norm(lab(one, sight) - lab(other, sight)))


ALL_STYLES = {
    **{name: _style.style_of(name) for name in (*KINDS, UNATTRIBUTED, UNKNOWN, "not-registered")},
    "other": _style.OTHER,
    "unnamed": _style.UNNAMED,
    "report": _style.REPORT,
    **{f"failed share {number}": style for number, style in enumerate(_style.FAILED_SHARES)},
    "rate": _style.Style(_style.RATE),
    **{f"mode {mode}": _style.Style(colour) for mode, colour in _style.MODES.items()},
    "interval": _style.Style(_style.INTERVAL_LIMIT),
    "share": _style.Style(_style.BLUE),
    "sessions": _style.SESSIONS,
    **{f"rank {rank}": _style.Style(colour) for rank, colour in enumerate(_style.RANKED_COLOURS)},
}


@pytest.mark.parametrize("name", ALL_STYLES)
def test_stands_out_from_the_panel(name: str) -> None:
    assert contrast(ALL_STYLES[name].colour, _style.PANEL) >= 3


def test_letters_and_unknown_days_stand_out() -> None:
    assert contrast(_style.NO_REPORT_HATCH, _style.NO_REPORT.colour) >= 3
    for ink in (_style.INK, _style.QUIET_INK):
        assert contrast(ink, _style.PANEL) >= 4.5


@pytest.mark.parametrize("sight", SIGHT)
def test_result_types_of_one_hatch_are_far_apart(sight: str) -> None:
    for one, other in itertools.combinations(KINDS, 2):
        first, second = _style.style_of(one), _style.style_of(other)
        least = 24 if first.hatch == second.hatch else 14
        assert distance(first.colour, second.colour, SIGHT[sight]) >= least, (one, other)


@pytest.mark.parametrize("sight", SIGHT)
def test_neighbours_in_a_stack_are_far_apart(sight: str) -> None:
    ranked = [_style.Style(colour) for colour in _style.RANKED_COLOURS]
    for order in ([_style.style_of(kind) for kind in _style.RESULT_ORDER], [*ranked, _style.OTHER]):
        for first, second in itertools.pairwise(order):
            assert distance(first.colour, second.colour, SIGHT[sight]) >= 20 or first.hatch != second.hatch


def test_every_series_is_told_apart_without_colour_by_family() -> None:
    hatches = {kind: _style.style_of(kind).hatch for kind in KINDS}
    assert {hatches[kind] for kind in KINDS if ResultType(kind).on_policy_host} == {"////"}
    assert {hatches[kind] for kind in ("tlsa-invalid", "dnssec-invalid", "dane-required")} == {"----"}
    looks = [_style.style_of(kind) for kind in (*KINDS, UNATTRIBUTED, UNKNOWN)]
    assert len(set(looks)) == len(looks)


def test_colour_of_is_what_a_figure_uses_and_takes_any_text() -> None:
    assert {plots.colour_of(kind) for kind in KINDS}.isdisjoint({plots.colour_of("made-up")})
    assert len({plots.colour_of(kind) for kind in KINDS}) == 11
    for text in ("", "$", "\ud800", "x" * 10_000):
        assert plots.colour_of(text) == plots.colour_of("made-up")


def test_a_colour_has_one_meaning() -> None:
    """On one page a colour is a result type, a reporter, a mode or a share; hatches keep reporters, hosts and domains apart."""
    meanings = (
        {_style.style_of(kind).colour for kind in KINDS},
        set(_style.RANKED_COLOURS),
        {*_style.MODES.values(), _style.MODE_UNKNOWN},
        {_style.REPORT.colour, *(style.colour for style in _style.FAILED_SHARES)},
    )
    assert sum(map(len, meanings)) == len(set().union(*meanings))
    hatches = [hatch for own in _style.RANKED_HATCHES.values() for hatch in own]
    assert len(hatches) == len(set(hatches))


@pytest.mark.parametrize("sight", SIGHT)
def test_reporters_are_far_apart_and_not_taken_for_result_types(sight: str) -> None:
    for one, other in itertools.combinations(_style.RANKED_COLOURS, 2):
        assert distance(one, other, SIGHT[sight]) >= 22
    for one, kind in itertools.product(_style.RANKED_COLOURS, KINDS):
        assert distance(one, _style.style_of(kind).colour, SIGHT[sight]) >= 13


DARK = dict(_style._TABLE["colours"].values())
DARK_PANEL = "#14181d"


def test_every_colour_has_a_counterpart_on_a_dark_page() -> None:
    """In the table a colour has both; elsewhere in the code of figures is only what needs none, or has its own by rule."""
    written = {
        colour
        for path in Path(_style.__file__).parent.glob("*.py")
        for colour in re.findall("[\"']#[0-9a-f]{6}[\"']", path.read_text(encoding="utf-8"))
    }
    # Of a dark figure of a caller; of shades with numbers in them, and the numbers; and of an example in a docstring.
    others = {_style.PALE_INK, "#e3edf6", "#6aa3d0", "#08306b", "#010101", "#fefefe", "#0d0c49", "#ffffff"}
    assert {colour[1:-1] for colour in written} <= others | {"#ca633d", "#6e7681"}


def test_a_result_type_has_its_colour_in_the_table_and_a_colour_is_there_once() -> None:
    assert set(_style._TABLE["result-types"]) == set(KINDS)
    assert len(DARK) == len(_style._TABLE["colours"])


@pytest.mark.parametrize("name", [name for name in ALL_STYLES if name != "interval"])
def test_stands_out_from_a_dark_panel(name: str) -> None:
    colour = DARK[ALL_STYLES[name].colour]
    assert contrast(DARK_PANEL if colour == "var(--ground)" else colour, DARK_PANEL) >= 3


def test_letters_on_a_dark_page_can_be_read() -> None:
    for ink in (_style.INK, _style.QUIET_INK):
        assert contrast(DARK[ink], DARK_PANEL) >= 4.5


@pytest.mark.parametrize("sight", SIGHT)
def test_result_types_are_apart_on_a_dark_page(sight: str) -> None:
    for one, other in itertools.combinations(KINDS, 2):
        first, second = _style.style_of(one), _style.style_of(other)
        least = 19 if first.hatch == second.hatch else 11
        assert distance(DARK[first.colour], DARK[second.colour], SIGHT[sight]) >= least, (one, other)


def test_shades_carry_readable_numbers() -> None:

    for part in np.linspace(0, 1, 101):
        shade = _style.SHADES(float(part))
        assert contrast(_style.ink_on(shade), shade) >= 4.5
