"""A probe as a JSON file, and back.

The file says which schema it follows. Certificates and the policy body are base64 of the bytes as they came; the
findings stand in it for readers without this package, and are drawn anew from the evidence when it is loaded.
"""

from __future__ import annotations

import ipaddress
import json
import stat
from collections.abc import Iterator
from dataclasses import is_dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from .._version import __version__
from ..errors import SnapshotError
from ..markup import one_line
from ._domain import policy_domain
from ._evidence import TlsSession
from ._probe import Probe

__all__ = ["SCHEMA", "dump", "load_probe"]

#: The name and version of the schema; the version grows when an older reader would misread the file.
SCHEMA = "mtasts-nb probe 1"
# A probe of a real domain is below 1 MiB; one that hits every limit with all that strangers can write, below this.
_LARGEST = 64 * 1024 * 1024


class _Head(msgspec.Struct):
    schema: object = None


class _Snapshot(msgspec.Struct):
    probe: Probe


def dump(probe: Probe) -> bytes:
    """Return the snapshot of a probe, UTF-8 JSON."""
    findings = json.loads(probe.findings.to_json())
    whole = {"schema": SCHEMA, "written_by": f"mtasts-nb {__version__}", "probe": probe, "findings": findings}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"


def load_probe(path: str | Path) -> Probe:
    """Return the probe in a snapshot that `Probe.save` or ``mtasts-nb probe --save`` wrote, here or elsewhere.

    Raises
    ------
    SnapshotError
        The file is not there, not JSON, of another schema, or damaged: what no probe could have seen is refused, so
        that a snapshot from a stranger is as harmless as a domain of a stranger.
    """
    file = Path(path)
    content = _content(file)
    try:
        # Whatever is not the schema is passed over without being built: ten million empty lists cost nothing.
        head = msgspec.json.decode(content, type=_Head)
    except msgspec.ValidationError:
        head = _Head()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SnapshotError(f"{file} is not JSON: {one_line(error, 200)}. Save the probe again.") from error
    schema = head.schema
    if schema != SCHEMA:
        raise SnapshotError(
            f"{file} is not a snapshot this version reads: its schema is {one_line(repr(schema), 80)}, expected {SCHEMA!r}. "
            "Save the probe again, or load it with the version that wrote it."
        )
    try:
        probe = msgspec.json.decode(content, type=_Snapshot, strict=True).probe
        _check(probe)
    except (msgspec.DecodeError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise SnapshotError(f"{file} is damaged: {one_line(error, 200)}. Save the probe again.") from error
    return probe


def _content(file: Path) -> bytes:
    try:
        # A pipe would be waited for, a device never end.
        if not stat.S_ISREG(file.stat().st_mode):
            raise SnapshotError(f"{file} is not a file.")
        with file.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise SnapshotError(f"{one_line(file)} cannot be read: {reason or error}.") from error
    if len(content) > _LARGEST:
        raise SnapshotError(f"{file} is larger than any snapshot of a probe ({_LARGEST} bytes at most).")
    return content


def _check(probe: Probe) -> None:
    """Raise ValueError for what a probe never holds, and what is shown or judged counts on."""
    if policy_domain(probe.domain) != probe.domain:
        raise ValueError(f"{one_line(probe.domain, 80)!r} is not a policy domain as a probe writes it")
    if probe.policy_host.host != f"mta-sts.{probe.domain}":
        raise ValueError(f"{one_line(probe.policy_host.host, 80)!r} is not the policy host of {probe.domain}")
    requests = [attempt.request.address for attempt in probe.policy_host.attempts]
    requests += [attempt.request.address for mx in probe.mx_hosts for attempt in mx.attempts]
    for address in (*requests, *(attempt.query.address for attempt in probe.authoritative if attempt.query.address)):
        if ipaddress.ip_address(address).compressed != address or "%" in address:
            raise ValueError(f"{one_line(address, 80)!r} is not an address as a probe writes it")
    for part in _parts(probe):
        if isinstance(part, datetime):
            if part.tzinfo is None:
                raise ValueError(f"{part} has no time zone")
            part.astimezone(UTC)  # at the ends of the calendar, it overflows
        elif isinstance(part, TlsSession) and (validation := part.validation):
            if not part.chain:
                raise ValueError("a chain was validated that is not there")
            if validation.completed_verdict is not None and not validation.fetches:
                raise ValueError("a chain was completed without a certificate being fetched")


def _parts(value: object) -> Iterator[object]:
    """Yield a value and all that it holds."""
    yield value
    if is_dataclass(value):
        for name in value.__dataclass_fields__:
            yield from _parts(getattr(value, name))
    elif isinstance(value, tuple):
        for one in value:
            yield from _parts(one)
