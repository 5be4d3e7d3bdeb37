"""Memory for 200,000 reports, above what importing takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from .archives import folder
from .setting import Figure, Setting

COUNT = 200_000
_SCRIPT = """
import sys
import numpy, pandas, pyarrow
from mtasts_nb.reports import load
load(b"{}", progress=False)
from tests.benchmarks.setting import peak_kib
before = peak_kib()
archive = load(sys.argv[1], progress=False)
after = peak_kib()
print(len(archive.reports), before, after)
"""


def measure(setting: Setting) -> Iterator[Figure]:
    """Yield the figure."""
    if sys.platform != "linux":
        return
    path = folder(setting.folder / "all", COUNT)
    done = subprocess.run([sys.executable, "-c", _SCRIPT, str(path)], capture_output=True, text=True, check=True)
    found, before, after = map(int, done.stdout.split())
    assert found == COUNT
    yield Figure(
        "load 200,000 reports: peak of memory over the import baseline",
        (after - before) / 1024,
        "MB",
        600,
        beside=f"baseline {before / 1024:.0f} MB",
    )
