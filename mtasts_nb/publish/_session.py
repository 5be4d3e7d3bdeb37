"""The notebook that this code runs in: found from the kernel's session, and only as it is saved."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import PublishError
from ..markup import one_line
from ._notebook import Notebook

__all__ = ["in_notebook", "open_notebook", "require_saved"]


def open_notebook(shell: Any = None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the file of the notebook that this code runs in; None outside of one.

    Parameters
    ----------
    shell : IPython shell, optional
        The present one, if there is one.
    environment : mapping of str to str
        Jupyter's server puts the path into it when it starts a kernel.

    Raises
    ------
    PublishError
        There is no file at that path any more: the notebook was renamed or moved.
    """
    shell = shell or _shell()
    if not in_notebook(shell):  # a program that a notebook starts inherits the environment
        return None
    # VS Code gives the path as a variable.
    name = str(shell.user_ns.get("__vsc_ipynb_file__") or environment.get("JPY_SESSION_NAME", ""))
    if not name.endswith(".ipynb"):
        return None
    if not Path(name).is_file():
        raise PublishError(
            f"This notebook was {one_line(name)} when its kernel started, and there is no such file now. Restart the "
            "kernel, or give its path as notebook=…"
        )
    return Path(name)


def in_notebook(shell: Any = None) -> bool:
    """Return whether this code runs in a notebook's kernel."""
    return getattr(shell or _shell(), "kernel", None) is not None


def require_saved(notebook: Notebook, shell: Any = None) -> None:
    """Raise an error if the cell that ran last is not in the file: then the file is not what the reader sees.

    Raises
    ------
    PublishError
        The notebook is not saved.
    """
    shell = shell or _shell()
    ran = shell.history_manager.input_hist_raw[-1].strip()
    if ran and ran not in {cell.source.strip() for cell in notebook.node.cells}:
        raise PublishError(
            f"{notebook.name} has changes that are not saved, and the file is what is published. Save it (Ctrl+S, or "
            "Cmd+S), then publish again."
        )


def _shell() -> Any:
    module = sys.modules.get("IPython")  # not imported: not in a notebook
    return module.get_ipython() if module is not None else None
