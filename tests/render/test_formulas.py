"""In a real JupyterLab no text of a stranger becomes a formula: MathJax there takes ``$…$`` in any HTML."""

from __future__ import annotations

from typing import Any

from mtasts_nb.render import Document, Items, Paragraph, Table, frame, to_html
from mtasts_nb.reports import load
from mtasts_nb.widgets import ReportExplorer
from tests.archive_of import report_of

#: All that the configuration of JupyterLab takes for a formula.
FORMULAS = (
    r"$\href{javascript:alert(1)}{x}$",
    r"$$\text{pwned}$$",
    r"\(x_1\)",
    r"\[y^2\]",
    r"\begin{equation}z\end{equation}",
)
ALL = " and ".join(FORMULAS)


def _outputs() -> dict[str, str]:
    document = Document((Paragraph(ALL), Items([ALL]), Table({"a": ALL}, [{"a": ALL}], caption=ALL)), title=ALL)
    archive = load(report_of(1, ALL, 3, {ALL: 5}, {"reason": ALL}), progress=False)
    widget: str = ReportExplorer(archive)._repr_mimebundle_()["text/html"]
    failures: Any = archive.failures
    return {
        "a document": to_html(document),
        "a frame": frame([(ALL,)], [ALL])._repr_html_(),
        "a table of an archive": failures._repr_html_(),
        "a widget": widget,
    }


def test_each_output_says_that_it_holds_no_formula() -> None:
    for what, html in _outputs().items():
        assert "$$" in html, what
        assert "mathjax_ignore" in html.split("$$", 1)[0], what
