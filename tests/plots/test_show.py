"""Figures as SVG, PNG and notebook output: repeatable, inert, small, with their alternative text; and no leaks."""

from __future__ import annotations

import base64
import gc
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure

from mtasts_nb import plots
from mtasts_nb.plots import _show
from mtasts_nb.render import NARROW_SVG, PUBLISHING
from mtasts_nb.reports import Archive

INJECTED = "</title></svg><script>alert(1)</script><image href='https://attacker.example/x'/>\x00$a$"
EXPIRED = "certificate-expired"
EVERY = (
    plots.failures_over_time,
    plots.failures_by_mx,
    plots.success_share,
    plots.mx_by_result,
    plots.reporter_coverage,
)
#: Settings of a caller that must not reach our figures.
LOUD = {
    "svg.fonttype": "none", "font.size": 30, "font.family": "serif", "axes.facecolor": "red", "axes.edgecolor": "red",
    "savefig.bbox": "tight", "axes.grid": True, "axes.linewidth": 4, "axes.labelpad": 30, "axes.labelsize": 30,
    "axes.titlelocation": "right", "axes.titlepad": 30, "axes.spines.top": True, "axes.xmargin": 0.4,
    "hatch.linewidth": 5, "lines.linewidth": 9, "patch.linewidth": 4, "xtick.direction": "in", "xtick.top": True,
    "xtick.minor.visible": True, "xtick.labelsize": 30, "ytick.right": True, "figure.dpi": 200,
    "figure.autolayout": True, "legend.shadow": True, "legend.fancybox": False, "legend.fontsize": 3,
    "timezone": "Pacific/Auckland",
}  # fmt: skip


@pytest.fixture(scope="module")
def hostile(archive: Callable[..., Archive], session: type) -> Archive:
    return archive(
        session(day, ((INJECTED, INJECTED, 5), (EXPIRED, None, 3)), reporter=INJECTED, domain=INJECTED.lower())
        for day in range(3)
    )


def test_svg_is_one_inert_element_with_its_label(hostile: Archive) -> None:
    for draw in (
        plots.failures_over_time,
        plots.failures_by_mx,
        plots.success_share,
        plots.mx_by_result,
        plots.reporter_coverage,
    ):
        ax = draw(hostile)
        svg = plots.to_svg(ax)
        root = ET.fromstring(svg)
        assert svg.startswith("<svg ")
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.get("role") == "img"
        assert root.get("aria-label") == plots.alt_text(ax)
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert tags <= {"svg", "defs", "style", "g", "path", "use", "clipPath", "rect", "pattern", "title"}
        links = [value for element in root.iter() for key, value in element.items() if key.endswith("href")]
        assert all(link.startswith("#") for link in links)
        rest = svg.replace("http://www.w3.org/2000/svg", "").replace("http://www.w3.org/1999/xlink", "")
        rest = rest.replace(root.get("aria-label").replace("&", "&amp;"), "")
        assert "url(http" not in rest
        assert "<script" not in svg
        assert "2026-11" not in svg.replace(root.get("aria-label"), "")


_SCRIPT = """
import hashlib, sys
from datetime import date
import mtasts_nb as sts
report = b'{"organization-name": "Example Post", "report-id": "1", "date-range": {"start-datetime": "2026-02-08T00:00:00Z", "end-datetime": "2026-02-08T23:59:59Z"}, "policies": [{"policy": {"policy-type": "sts", "policy-domain": "nordwind.example"}, "summary": {"total-successful-session-count": 150, "total-failure-session-count": 2}, "failure-details": [{"result-type": "tlsa-invalid", "failed-session-count": 2}]}]}'
archive = sts.load(report, progress=False)
parts = [f(sts.plots.failures_over_time(archive)) for f in (sts.plots.to_svg, sts.plots.to_png)]
print(*(hashlib.sha256(p.encode() if isinstance(p, str) else p).hexdigest() for p in parts), "matplotlib.pyplot" in sys.modules)
"""


def test_files_are_the_same_in_every_process_and_pyplot_is_never_loaded() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-W", "error", "-c", _SCRIPT], env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Pacific/Auckland"))
    }  # fmt: skip
    assert len(told) == 1
    assert told.pop().split()[-1] == "False"


def test_a_callers_settings_do_not_change_the_file(hostile: Archive) -> None:
    import matplotlib as mpl

    for draw in EVERY:
        usual = plots.to_svg(draw(hostile))
        with mpl.rc_context(LOUD):
            assert plots.to_svg(draw(hostile)) == usual


def test_a_notebook_shows_the_figure_with_its_alternative_text(hostile: Archive) -> None:
    ax = plots.failures_over_time(hostile)
    for shown in (ax, plots.show(ax), plots.show(ax.figure)):
        data, metadata = DisplayFormatter().format(shown)
        assert data["image/svg+xml"].startswith("<svg ")
        assert data["text/plain"] == plots.alt_text(ax)
        assert metadata["image/svg+xml"]["alt"] == plots.alt_text(ax)
        assert "image/png" not in data


def test_the_rendering_for_phones_is_made_while_a_page_is_published(
    hostile: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    ax = plots.failures_over_time(hostile)
    assert NARROW_SVG not in plots.show(ax)._repr_mimebundle_()[0]
    monkeypatch.setenv(PUBLISHING, "1")
    assert plots.show(ax)._repr_mimebundle_()[0][NARROW_SVG].startswith("<svg ")


def test_a_large_svg_is_shown_as_png(hostile: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_show, "_LARGEST_SVG", 1000)
    ax = plots.failures_over_time(hostile)
    data, metadata = plots.show(ax)._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == plots.alt_text(ax)


def test_a_year_is_small(archive: Callable[..., Archive], session: type) -> None:
    kinds = ("starttls-not-supported", EXPIRED, "tlsa-invalid", "sts-webpki-invalid")
    source = archive(
        session(day, tuple((kind, f"mx{n}.nordwind.example", 1 + (day * 37) % 90) for n, kind in enumerate(kinds) if day % 9 == n), reporter=f"R{who}")
        for day in range(365)
        for who in range(10)
        if (day + who) % 4
    )  # fmt: skip
    every = (
        plots.failures_over_time,
        plots.failures_by_mx,
        plots.success_share,
        plots.mx_by_result,
        plots.reporter_coverage,
    )
    sizes = {draw.__name__: len(plots.to_svg(draw(source))) for draw in every}
    assert max(sizes.values()) < 250_000, sizes
    assert sum(sizes.values()) < 900_000, sizes


def test_alternative_texts_of_one_figure_are_joined(hostile: Archive) -> None:
    figure = Figure((7, 9), layout="constrained")
    top, bottom = figure.subplots(2)
    plots.failures_over_time(hostile, ax=top)
    plots.success_share(hostile, ax=bottom)
    assert plots.alt_text(figure) == f"{plots.alt_text(top)} {plots.alt_text(bottom)}"
    assert plots.show(top).alt == plots.alt_text(figure)  # what is shown is the whole figure


def test_nothing_is_kept_of_a_figure_that_is_gone(hostile: Archive) -> None:
    gc.collect()
    before = len(_show._TEXTS)
    ax = plots.failures_over_time(hostile)
    plots.to_png(ax)
    assert len(_show._TEXTS) == before + 1
    del ax
    gc.collect()
    assert len(_show._TEXTS) == before


def test_an_axes_without_a_figure_is_refused(hostile: Archive) -> None:
    ax = plots.failures_over_time(hostile)
    ax.remove()
    with pytest.raises(ValueError, match="draw it again"):
        plots.show(ax)


HOSTILE_SETTINGS = """
font.size: 30
axes.facecolor: red
figure.facecolor: yellow
savefig.facecolor: green
lines.linewidth: 9
patch.linewidth: 5
text.color: pink
axes.grid: True
axes.spines.top: False
axes.xmargin: .4
text.hinting: none
figure.dpi: 50
savefig.dpi: 30
"""
DRAW_ALL = """
import hashlib, sys
import mtasts_nb as sts
from mtasts_nb import plots
from mtasts_nb.bundled import sample_dir
archive = sts.load(sample_dir(), progress=False)
for name in ("failures_over_time", "failures_by_mx", "success_share", "mx_by_result", "reporter_coverage", "policy_history"):
    figure = getattr(plots, name)(archive)
    print(name, hashlib.sha256(plots.to_svg(figure).encode()).hexdigest(), hashlib.sha256(plots.to_png(figure)).hexdigest())
"""


def test_settings_of_matplotlib_in_the_working_folder_change_no_figure(tmp_path: Path) -> None:
    """A folder of reports may hold a `matplotlibrc`, which matplotlib reads when it is imported there."""
    drawn = []
    for name, settings in (("plain", ""), ("hostile", HOSTILE_SETTINGS)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "matplotlibrc").write_text(settings)
        command = [sys.executable, "-c", DRAW_ALL]
        drawn.append(subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout)
    assert drawn[0].count("\n") == 6
    assert drawn[0] == drawn[1]
