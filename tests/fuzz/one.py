"""Fuzz one target with atheris: ``python -m tests.fuzz.one guided|blind TARGET [libFuzzer's options]``.

Guided by coverage, the code is instrumented and several times slower; blind, the seeds that were found are altered at
full speed. A process of its own, because libFuzzer never returns; its statistics on standard error count the executions.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext

import atheris

GUIDED = sys.argv[1] == "guided"

with atheris.instrument_imports(include=["mtasts_nb"]) if GUIDED else nullcontext():
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv[2]]
    atheris.Setup([sys.argv[0], *sys.argv[3:], str(target.corpus)], target.run)
    atheris.Fuzz()
