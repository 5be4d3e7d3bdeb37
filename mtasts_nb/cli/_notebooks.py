"""`mtasts-nb notebooks`: copies of the guided notebooks, to work in."""

from __future__ import annotations

import argparse
import filecmp
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..bundled import notebooks_dir
from ..errors import MtaStsNbError
from ..files import write_file
from ._parser import add_command
from ._say import complain, say

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from ._parser import Parser

__all__ = ["add"]

_DESCRIPTION = """\
Copy the guided notebooks into a folder. They run as they are, on the bundled sample, until you name your own sources
in their first code cell. A notebook that you have changed is never replaced, except with --force; then yours is kept
beside it as NAME.ipynb.mine.

examples:
  mtasts-nb notebooks ~/tls-reports               copy them
  mtasts-nb notebooks ~/tls-reports --open        copy them, and start JupyterLab there"""
_EPILOG = """\
exit status:
  0  every notebook is there
  1  some that differ were left as they are
  2  nothing could be copied"""


def add(commands: _SubParsersAction[Parser]) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "notebooks",
        summary="copy the guided notebooks into a folder",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", default="mtasts-notebooks", help="made if need be (mtasts-notebooks)"
    )
    parser.add_argument("--force", action="store_true", help="replace notebooks that differ, keeping yours beside them")
    parser.add_argument("--open", action="store_true", help="then start JupyterLab in the folder")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Copy; return the exit status."""
    folder = Path(arguments.folder)
    if folder.exists() and not folder.is_dir():
        raise MtaStsNbError(f"{folder} is a file. Name a folder, or a new one to be made.")
    originals = sorted(notebooks_dir().glob("*.ipynb"))
    if folder.exists() and folder.resolve() == notebooks_dir().resolve():
        say(f"{folder} is the folder of the guided notebooks itself; nothing to copy.")
        return _open(folder, start=arguments.open)
    folder.mkdir(parents=True, exist_ok=True)
    kept = 0
    for original in originals:
        target = folder / original.name
        if target.is_symlink() or target.exists():
            if not target.is_symlink() and target.is_file() and filecmp.cmp(target, original, shallow=False):
                say(f"{target}: there already")
                continue
            if not arguments.force:
                kept += 1
                complain(
                    "mtasts-nb notebooks",
                    f"{target} differs and was left as it is; --force replaces it and keeps yours",
                )
                continue
            kept_as = _free(target)
            target.rename(kept_as)
            say(f"{target}: yours is now {kept_as.name}")
        write_file(target, original.read_bytes())
        say(f"{target}: copied")
    return _open(folder, start=arguments.open) or (1 if kept else 0)


def _open(folder: Path, *, start: bool) -> int:
    """Start JupyterLab, or print the command for it; return the exit status."""
    command = ["-m", "jupyter", "lab", f"--notebook-dir={folder}", *_allow_root()]
    if not start:
        say(f"Open them with: {shlex.join(['jupyter', *command[2:]])}")
        return 0
    sys.stdout.flush()
    ended = subprocess.run([sys.executable, *command], check=False).returncode  # noqa: S603 - our own interpreter
    return 2 if ended else 0


def _allow_root() -> list[str]:
    """Return the option without which JupyterLab does not start as root, if this is root (in a container, most often)."""
    return ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


def _free(target: Path) -> Path:
    """Return a path beside the target at which there is nothing."""
    free, count = target.with_name(f"{target.name}.mine"), 1
    while free.is_symlink() or free.exists():
        count += 1
        free = target.with_name(f"{target.name}.mine{count}")
    return free
