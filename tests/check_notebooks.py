"""Fail where a notebook is stored with outputs, or lacks its one cell tagged `parameters`."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def faults(path: Path) -> list[str]:
    """Return what is wrong with one stored notebook, a sentence each."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    found = [
        f"{path}: cell {number} is stored with outputs or an execution count; clear them before you commit"
        for number, cell in enumerate(cells)
        if cell.get("outputs") or cell.get("execution_count")
    ]
    tagged = [number for number, cell in enumerate(cells) if "parameters" in cell["metadata"].get("tags", [])]
    if len(tagged) != 1:
        found.append(f"{path}: {len(tagged)} cells are tagged 'parameters'; exactly one must be")
    return found


def main(folder: str) -> int:
    """Check every notebook below a folder; 1 where there is a fault."""
    found = [
        fault
        for path in sorted(Path(folder).rglob("*.ipynb"))
        if ".ipynb_checkpoints" not in path.parts
        for fault in faults(path)
    ]
    print("\n".join(found) or "notebooks: no outputs stored")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
