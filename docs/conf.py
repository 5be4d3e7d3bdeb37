"""Sphinx: the site is made from this folder, the notebooks as they run, and the registry of `mtasts_nb.knowledge`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

import generate  # noqa: E402 - found by the line above

import mtasts_nb  # noqa: E402

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "mtasts-nb"
author = "the mtasts-nb authors"
project_copyright = "the mtasts-nb authors"
version = release = mtasts_nb.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# The notebooks come with the outputs of the run that `generate` made.
nb_execution_mode = "off"
# The sections of a notebook are below its own title.
suppress_warnings = ["myst.header"]
nb_merge_streams = True
# Widgets need a kernel; what they show without one is in the outputs.
nb_ipywidgets_js = {}

autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "furo"
html_title = "mtasts-nb"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
# Without the run, a text that was changed is seen in seconds.
_RUN = os.environ.get("DOCS_RUN_NOTEBOOKS", "1") != "0"


def setup(app: Sphinx) -> None:
    """Write what is generated before Sphinx looks for files."""
    app.connect("config-inited", lambda app, _: generate.write(Path(app.srcdir) / "generated", run=_RUN))
