"""A probe as a JSON file, and back.

The file says which schema it follows. Certificates and the policy body are base64 of the bytes as they came; the
findings stand in it for readers without this package, and are drawn anew from the evidence when it is loaded.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from .._version import __version__
from ..errors import SnapshotError
from ..markup import one_line
from ._probe import Probe

__all__ = ["SCHEMA", "dump", "load_probe"]

#: The name and version of the schema; the version grows when an older reader would misread the file.
SCHEMA = "mtasts-nb probe 1"
# A probe of a domain that hits every limit is below 8 MiB.
_LARGEST = 64 * 1024 * 1024


def dump(probe: Probe) -> bytes:
    """Return the snapshot of a probe, UTF-8 JSON."""
    findings = [{key: _encodable(text) for key, text in asdict(one).items()} for one in probe.findings]
    whole = {"schema": SCHEMA, "written_by": f"mtasts-nb {__version__}", "probe": probe, "findings": findings}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"


def _encodable(text: str) -> str:
    # A finding may quote bytes that are no UTF-8; JSON has no letter for them.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def load_probe(path: str | Path) -> Probe:
    """Return the probe in a snapshot that `Probe.save` or ``mtasts-nb probe --save`` wrote, here or elsewhere.

    Raises
    ------
    SnapshotError
        The file is not there, not JSON, of another schema, or damaged.
    """
    file = Path(path)
    try:
        if file.stat().st_size > _LARGEST:
            raise SnapshotError(f"{file} is larger than any snapshot of a probe ({_LARGEST} bytes at most).")
        content = file.read_bytes()
    except OSError as error:
        raise SnapshotError(f"{file} cannot be read: {error.strerror or error}.") from error
    try:
        whole: Any = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SnapshotError(f"{file} is not JSON: {one_line(error, 200)}. Save the probe again.") from error
    schema = whole.get("schema") if isinstance(whole, dict) else None
    if schema != SCHEMA:
        raise SnapshotError(
            f"{file} is not a snapshot this version reads: its schema is {one_line(repr(schema), 80)}, expected {SCHEMA!r}. "
            "Save the probe again, or load it with the version that wrote it."
        )
    try:
        return msgspec.convert(whole.get("probe"), Probe, strict=True)
    except (msgspec.ValidationError, ValueError, TypeError, RecursionError) as error:
        raise SnapshotError(f"{file} is damaged: {one_line(error, 200)}. Save the probe again.") from error
