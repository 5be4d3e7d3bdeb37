"""Make ``python -m mtasts_nb.cli`` the same as ``mtasts-nb``."""

from __future__ import annotations

import sys

from ._main import main

sys.exit(main())
