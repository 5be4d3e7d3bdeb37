"""A notebook run in this process: what it says with other parameters needs no kernel of its own, and no second import.

Each notebook runs in a real kernel once, as it is stored; only variations run here.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from IPython.core.displayhook import CapturingDisplayHook
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbformat.v4 import new_output

__all__ = ["run_in_process"]


def run_in_process(node: Any, folder: Path) -> Any:
    """Return the notebook with the outputs of a run in a folder; what a cell raises is raised.

    The outputs are those of a kernel: one of stdout, then what was displayed.
    """
    before = InteractiveShell._instance
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(user_ns={"__name__": "__main__"})
    try:
        with contextlib.chdir(folder):
            for cell in node.cells:
                if cell.cell_type == "code":
                    with capture_output() as captured:
                        # What a cell ends with goes where what it displays goes.
                        shell.display_trap.hook = CapturingDisplayHook(shell, shell.display_pub.outputs)
                        result = shell.run_cell(cell.source)
                    result.raise_error()
                    cell.outputs = _outputs(captured)
    finally:
        shell.history_manager.end_session()
        InteractiveShell.clear_instance()
        if before is not None:
            InteractiveShell._instance = before
    return node


def _outputs(captured: Any) -> list[Any]:
    assert not captured.stderr, captured.stderr
    shown = [new_output("display_data", data=one.data, metadata=one.metadata or {}) for one in captured.outputs]
    return [new_output("stream", name="stdout", text=captured.stdout), *shown] if captured.stdout else shown
