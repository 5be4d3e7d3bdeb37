"""Run a notebook in a fresh kernel of the running interpreter, from a thread, and say well what went wrong."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from ..errors import PublishError, SourceError
from ..markup import one_line, span

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
        Whether to show a bar on a terminal once the run has taken two seconds.

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
    with tempfile.TemporaryDirectory(prefix="mtasts-nb-", ignore_cleanup_errors=True) as home:
        run = _Run(node, name, cwd, home, timeout, progress)
        run.wait()
    return node


class _Run:
    """One execution in a thread; `wait` hands its result or its error to the caller."""

    def __init__(self, node: Any, name: str, cwd: str, home: str, timeout: float, progress: bool) -> None:
        self.node, self.name, self.cwd, self.home, self.timeout, self.progress = (
            node,
            name,
            cwd,
            home,
            timeout,
            progress,
        )
        self.log = Path(home) / "kernel.log"
        self.error: BaseException | None = None
        self.done = threading.Event()
        self.current = 0
        self.loop: asyncio.AbstractEventLoop | None = None
        self.task: asyncio.Task[None] | None = None

    def wait(self) -> None:
        thread = threading.Thread(target=self._thread, name="mtasts-nb-publish")
        thread.start()
        try:
            # Not `join`: in Python 3.11 an interrupted join takes the thread for finished when it is not.
            self.done.wait()
        except BaseException:
            # Ctrl-C: let the kernel be shut down, then go on with the interruption.
            if self.loop is not None and self.task is not None:
                self.loop.call_soon_threadsafe(self.task.cancel)
            self.done.wait()
            raise
        finally:
            if self.done.is_set():
                thread.join()
        if self.error is not None:
            raise self._explained(self.error) from self.error

    def _thread(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 - handed over to the caller's thread
            self.error = error
        finally:
            self.done.set()

    async def _main(self) -> None:
        self.loop, self.task = asyncio.get_running_loop(), asyncio.current_task()
        await self._execute()

    async def _execute(self) -> None:
        from nbclient import NotebookClient
        from tqdm import tqdm

        codes = sum(cell.cell_type == "code" for cell in self.node.cells)
        with tqdm(
            total=codes, desc=self.name, unit="cell", delay=2, leave=False, disable=None if self.progress else True
        ) as bar:

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
                on_cell_executed=lambda **_: bar.update(),
            )
            # With a manager of ours nbclient would leave the kernel running.
            with self.log.open("wb") as log:
                await client.async_execute(
                    cwd=self.cwd, env=self._environment(), stdout=log, stderr=log, cleanup_kc=True
                )

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "IPYTHONDIR": self.home,  # no start-up files, no history: the same document for everybody
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "PYTHONHASHSEED": "0",  # the order of a set is the same in two runs
            "TQDM_DISABLE": "1",  # a progress bar has no place in a document
        }

    def _explained(self, error: BaseException) -> BaseException:
        """Return the error to raise: which notebook, which cell, what happened, what to do."""
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

        if isinstance(error, CellExecutionError):
            told = one_line(_ANSI.sub("", error.evalue), 600)
            if error.ename == SourceError.__name__:
                return SourceError(told)
            return PublishError(
                f"{self._cell(self.current)} failed with {one_line(error.ename, 80)}: {told} "
                f"Nothing was written. Open the notebook in JupyterLab and run it up to that cell to see why."
            )
        if isinstance(error, CellTimeoutError):
            return PublishError(
                f"{self._cell(self.current)} ran for longer than {span(self.timeout)} and was stopped. "
                "Nothing was written. Give fewer sources, or a longer timeout."
            )
        if isinstance(error, DeadKernelError):
            return PublishError(
                f"{self._cell(self.current)}: the kernel died, often because memory ran out{self._last_words()}. "
                "Nothing was written. Give fewer sources, or more memory."
            )
        if isinstance(error, Exception):
            return PublishError(
                f"The notebook {self.name} could not be run: {type(error).__name__}: {one_line(error, 300)}{self._last_words()}. "
                "Nothing was written. Check that ipykernel works: python -m ipykernel_launcher --version"
            )
        return error

    def _last_words(self) -> str:
        """Return the last line that the kernel's process wrote outside of any cell."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n") if self.log.exists() else []
        last = next((line for line in reversed(lines) if line.strip()), "")
        return f" (its last words: {one_line(_ANSI.sub('', last), 200)})" if last else ""

    def _cell(self, index: int) -> str:
        """Return how a person finds the cell again: its number as stored, and its first line."""
        cells = self.node.cells
        own = [i for i, cell in enumerate(cells) if not cell.metadata.get("mtasts_nb_added")]
        first = next((line for line in cells[index].source.splitlines() if line.strip()), "")
        number = own.index(index) + 1 if index in own else None
        where = f"cell {number} of {len(own)}" if number else "the cell with the parameters given"
        return f"Notebook {self.name}, {where} ({one_line(first, 80)})"


def _kernel_manager(home: str) -> Any:
    """Return a manager that starts this interpreter, not what an installed kernelspec may point to."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    # -P: the working directory is a stranger's folder of reports, not a place to import from.
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
    address = str(Path(home) / "k")
    private = {"transport": "ipc", "ip": address} if os.name == "posix" and len(address) < 90 else {}
    return RunningInterpreter(
        kernel_name="python3",
        autorestart=False,
        connection_file=str(Path(home) / "connection.json"),
        **private,
    )
