"""Run a notebook in a fresh kernel of the running interpreter, from a thread, and explain what went wrong."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ..errors import PublishError, SourceError
from ..files import private_folder
from ..markup import one_line, span
from ..render import PUBLISHING
from ._session import in_notebook

__all__ = ["execute"]

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_START_SECONDS = 120
# A package that is imported from a checkout which is not installed must be found by the kernel too.
_HOME = str(Path(__file__).resolve().parent.parent.parent)


def execute(node: Any, name: str, *, cwd: str, timeout: float, progress: bool) -> Any:
    """Return the notebook with the outputs of a fresh run.

    The kernel is the running interpreter, whatever kernelspecs are installed, with no start-up file of the user's.
    Works inside a running event loop, since the run has a thread and a loop of its own.

    Parameters
    ----------
    node : notebook
        Executed in place.
    name : str
        For messages.
    cwd : str
        The kernel's working directory; it is not put on its import path.
    timeout : float
        Longest run of one cell, in seconds.
    progress : bool
        Whether to show a bar: in a notebook, and on a terminal once the run has taken two seconds.

    Raises
    ------
    PublishError
        A cell failed or took too long, or the kernel did not start or died.
    SourceError
        A cell found nothing to read where the caller pointed.
    """
    for cell in node.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    # Made in this thread: what another one displays is in no cell's output.
    with private_folder() as home, _bar(node, name, progress=progress) as bar:
        run = _Run(node, name, home, timeout)
        with ThreadPoolExecutor(1, thread_name_prefix="mtasts-nb-publish") as executor:
            future = executor.submit(asyncio.run, run.main(cwd, bar.update))
            try:
                future.result()
            except Exception as error:
                raise run.explained(error) from error
            except BaseException:
                run.cancel()  # Ctrl-C: leaving the block waits until the kernel is shut down
                raise
    return node


def _bar(node: Any, name: str, *, progress: bool) -> Any:
    from tqdm.auto import tqdm

    codes = sum(cell.cell_type == "code" for cell in node.cells)
    here = in_notebook()
    disable = not progress or (False if here else None)  # None: where there is a terminal
    return tqdm(total=codes, desc=name, unit="cell", delay=0 if here else 2, leave=False, disable=disable)


class _Run:
    """One execution, and what is known about it when it fails."""

    def __init__(self, node: Any, name: str, home: Path, timeout: float) -> None:
        self.node, self.name, self.home, self.timeout = node, name, home, timeout
        self.log = home / "kernel.log"
        self.current = 0
        self.loop: asyncio.AbstractEventLoop | None = None
        self.task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """End the run soon; called from another thread."""
        if self.loop is not None and self.task is not None:
            self.loop.call_soon_threadsafe(self.task.cancel)

    async def main(self, cwd: str, done: Callable[[], object]) -> None:
        """Run every cell; call `done` after each."""
        from nbclient import NotebookClient

        self.loop, self.task = asyncio.get_running_loop(), asyncio.current_task()

        def started(cell_index: int, **_: object) -> None:
            self.current = cell_index

        client = NotebookClient(
            self.node,
            km=_kernel_manager(self.home),
            timeout=self.timeout,
            startup_timeout=_START_SECONDS,
            record_timing=False,
            store_widget_state=False,
            shutdown_kernel="immediate",
            coalesce_streams=True,
            on_cell_start=started,
            on_cell_executed=lambda **_: done(),
        )
        environment = {
            **{name: value for name, value in os.environ.items() if name != "JPY_SESSION_NAME"},
            PUBLISHING: "1",
            "IPYTHONDIR": str(self.home),  # no start-up files, no history: the same document for everyone
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "PYTHONHASHSEED": "0",  # the order of a set is the same in two runs
            "TQDM_DISABLE": "1",  # no progress bar in a document
        }
        # With a manager of ours nbclient would leave the kernel running.
        with self.log.open("wb") as log:
            await client.async_execute(cwd=cwd, env=environment, stdout=log, stderr=log, cleanup_kc=True)

    def explained(self, error: Exception) -> Exception:
        """Return the error to raise: which notebook, which cell, what happened, what to do."""
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

        if isinstance(error, CellExecutionError):
            message = one_line(_ANSI.sub("", error.evalue), 600)
            if error.ename == SourceError.__name__:
                return SourceError(message)
            return PublishError(
                f"{self._cell(self.current)} failed with {one_line(error.ename, 80)}: {message} "
                f"Nothing was written. Open the notebook in JupyterLab and run it up to that cell to see why."
            )
        if isinstance(error, CellTimeoutError):
            return PublishError(
                f"{self._cell(self.current)} ran for longer than {span(self.timeout)} and was stopped. "
                "Nothing was written. Give fewer sources, or a longer timeout."
            )
        if isinstance(error, DeadKernelError):
            return PublishError(
                f"{self._cell(self.current)}: the kernel died, often because it ran out of memory{self._last_line()}. "
                "Nothing was written. Give fewer sources, or more memory."
            )
        return PublishError(
            f"The notebook {self.name} could not be run: {type(error).__name__}: {one_line(error, 300)}{self._last_line()}. "
            "Nothing was written. Check that ipykernel works: python -m ipykernel_launcher --version"
        )

    def _last_line(self) -> str:
        """Return the last line that the kernel's process wrote outside of any cell."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n") if self.log.exists() else []
        last = next((line for line in reversed(lines) if line.strip()), "")
        return f" (last line of its log: {one_line(_ANSI.sub('', last), 200)})" if last else ""

    def _cell(self, index: int) -> str:
        """Return how a person finds the cell: its number as stored, and its first line."""
        cells = self.node.cells
        own = [i for i, cell in enumerate(cells) if not cell.metadata.get("mtasts_nb_added")]
        first = next((line for line in cells[index].source.splitlines() if line.strip()), "")
        where = f"cell {own.index(index) + 1} of {len(own)}" if index in own else "the cell with the parameters given"
        return f"Notebook {self.name}, {where} ({one_line(first, 80)})"


def _kernel_manager(home: Path) -> Any:
    """Return a manager that starts this interpreter, not what an installed kernelspec may point to."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    # -P: the working directory is a stranger's folder of reports, nothing to import from.
    start = (
        f"import sys; sys.path.append({_HOME!r}) if {_HOME!r} not in sys.path else None; "
        "from ipykernel.kernelapp import launch_new_instance as run; run()"
    )
    quiet = ["--InteractiveShellApp.ignore_cwd=True", "--Application.log_level=40"]
    argv = [sys.executable, "-P", "-c", start, *quiet, "-f", "{connection_file}"]

    class RunningInterpreter(AsyncKernelManager):  # type: ignore[misc, unused-ignore]
        @property
        def kernel_spec(self) -> KernelSpec:
            return KernelSpec(argv=argv, display_name="Python", language="python", interrupt_mode="signal")

    # Sockets in our private folder, where the system has them and their path is short enough: no other user of the
    # machine can reach the kernel, which a loopback port does not promise.
    address = str(home / "k")
    private = {"transport": "ipc", "ip": address} if os.name == "posix" and len(address) < 90 else {}
    return RunningInterpreter(
        kernel_name="python3", autorestart=False, connection_file=str(home / "connection.json"), **private
    )
