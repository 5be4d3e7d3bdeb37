# PYTHON_ARGCOMPLETE_OK: argcomplete's completion of all commands looks for this mark.
"""The `mtasts-nb` command.

Each sub-command is one module with one function ``add(commands)``, named in `COMMANDS`; it imports what it needs when
it runs, so that ``--help`` is quick. A command gives back its exit status: 0 fine, 1 problems found, 2 could not run.
"""

from __future__ import annotations

from ._main import COMMANDS, main

__all__ = ["COMMANDS", "main"]
