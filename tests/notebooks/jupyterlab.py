"""A JupyterLab on loopback, and its page in a browser: what the browser tests of the notebooks drive."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import mtasts_nb as sts

__all__ = ["DARK", "LIGHT", "error_outputs", "jupyterlab", "open_in_lab", "run_all", "theme"]

LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"
#: The news toast covers buttons; a windowed notebook has only those cells in the page that can be seen.
_SETTINGS: Final = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}


@contextlib.contextmanager
def jupyterlab(folder: Path) -> Iterator[str]:
    """Start JupyterLab in a folder with copies of the guided notebooks; give its address."""
    work, home = folder / "work", folder / "home"
    shutil.copytree(sts.notebooks_dir(), work, ignore=shutil.ignore_patterns(".*"))
    shutil.copy(work / "08_glossary.ipynb", work / "scratch.ipynb")
    for name, content in _SETTINGS.items():
        file = home / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))
    folders = {
        "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_DATA_DIR": "data", "IPYTHONDIR": "ipython",
    }  # fmt: skip
    environment = {**os.environ, **{name: str(home / part) for name, part in folders.items()}}
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root",
        "--IdentityProvider.token=", f"--notebook-dir={work}", "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            address = next(line.split()[-1] for line in server.stderr if "http://127.0.0.1:" in line)
            # What it says later must be read too, or it waits for that.
            reader = threading.Thread(target=deque, args=(server.stderr, 0), daemon=True)
            reader.start()
            yield address.partition("/lab")[0].rstrip("/")
        finally:
            server.terminate()
            server.wait(30)
            reader.join(30)


def open_in_lab(page: Any, address: str, name: str) -> None:
    """Open a notebook and wait for its kernel."""
    page.goto(f"{address}/doc/tree/{name}.ipynb?reset")
    page.wait_for_function("window.jupyterapp && document.querySelector('.jp-NotebookPanel .jp-Cell')")
    page.wait_for_function(
        """async () => {
            const session = window.jupyterapp.shell.currentWidget?.sessionContext;
            return session && await session.ready.then(() => session.session?.kernel?.status === 'idle');
        }""",
        timeout=60_000,
    )


def run_all(page: Any) -> None:
    """Run every cell, and wait for the last."""
    page.set_default_timeout(120_000)
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(
        """() => [...document.querySelectorAll('.jp-CodeCell')].every(
            cell => /\\[\\d+\\]/.test(cell.querySelector('.jp-InputPrompt').textContent)
                || cell.querySelector('[data-mime-type="application/vnd.jupyter.error"], .jp-RenderedText[data-mime-type*="stderr"]')
        ) || document.querySelector('[data-mime-type="application/vnd.jupyter.error"]')""",
        timeout=120_000,
    )


def error_outputs(page: Any) -> list[str]:
    """Return the text of each error and each line of stderr."""
    kinds = ("application/vnd.jupyter.error", "application/vnd.jupyter.stderr")
    chosen = ", ".join(f'[data-mime-type="{kind}"]' for kind in kinds)
    found: list[str] = page.locator(chosen).all_inner_texts()
    return found


def theme(page: Any, name: str) -> None:
    """Change the theme, and wait for its style sheet."""
    page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name)
    light = str(name == LIGHT).lower()
    page.wait_for_function(f"document.body.dataset.jpThemeLight === '{light}'")
