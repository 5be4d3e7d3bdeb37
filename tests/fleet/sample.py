"""The command behind `make sample`: `python -m tests.fleet.sample data/sample`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mtasts_nb.errors import LabError

from .archives import SEED, write_flat, write_sample
from .world import SAMPLE_DAYS

__all__ = ["main"]

_EXAMPLE = """\
examples:
  python -m tests.fleet.sample data/sample
  python -m tests.fleet.sample /tmp/flat --reports 20000
"""


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not at least 1")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Write an archive, say what was written, and return the exit code: 0, or 2 where nothing could be written."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fleet.sample",
        description="Write a made-up archive of TLS reports, the same one for the same options.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--seed", type=int, default=SEED, help="another seed, other figures (default: %(default)s)")
    parser.add_argument("--days", type=_positive, default=SAMPLE_DAYS, help="from 2026-07-04 on (default: %(default)s)")
    parser.add_argument(
        "--reports", "--size", type=_positive, metavar="N", help="write exactly N .json.gz into one flat folder instead"
    )
    options = parser.parse_args(arguments)
    try:
        if options.reports:
            done = write_flat(options.folder, reports=options.reports, seed=options.seed, days=options.days)
        else:
            done = write_sample(options.folder, seed=options.seed, days=options.days)
    except (LabError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{options.folder}: {done.reports} reports in {done.files} files, {done.size / 1e6:.2f} MB\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
