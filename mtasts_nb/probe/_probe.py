"""`Probe`: the evidence, and what it shows to be wrong; saved as a JSON snapshot, and loaded from one.

The file says which schema it follows. Certificates and the policy body are base64 of the bytes as received; the findings
are in it for readers without this package, and are drawn again from the evidence when it is loaded.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from .._version import __version__
from ..errors import SnapshotError
from ..files import read_file, write_file
from ..markup import json_text, one_line
from ..render import Rendered
from ..vocabulary import Findings, Verdict
from ._attempts import TlsSession
from ._checks import Commands, checks_frame, commands_for
from ._evidence import Evidence, policy_domain
from ._symptoms import not_observed, verdict
from .findings import judge

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SCHEMA", "Probe", "load_probe"]

#: The name and version of the schema; the version grows when an older reader would misread the file.
SCHEMA = "mtasts-nb probe 1"
# A probe of a real domain is below 1 MiB; one that reaches every limit with all that strangers can write, below this.
_LARGEST = 64 * 1024 * 1024
# Before `TlsaMatch.name_only`, version 0.1 said so in this detail alone.
_NAME_ONLY_DETAIL = "the trust anchor matches, the name does not"


@dataclass(frozen=True, kw_only=True, repr=False)
class Probe(Evidence, Rendered):
    """One domain as observed at one time: `Evidence`, with what follows from it.

    A probe is frozen: checking again is a new probe. It shows itself in a notebook and, by ``print``, in a terminal. Its
    data are the attributes of `Evidence`.
    """

    @classmethod
    def of(cls, evidence: Evidence) -> Probe:
        """Return the probe with this evidence."""
        return cls(**{field.name: getattr(evidence, field.name) for field in fields(Evidence)})

    @cached_property
    def findings(self) -> Findings:
        """What is wrong, the worst first; drawn from the evidence alone."""
        return judge(self)

    @cached_property
    def verdict(self) -> Verdict:
        """Level, effect on mail and cause; drawn from the evidence alone."""
        return verdict(self, self.findings)

    @cached_property
    def not_observed(self) -> tuple[tuple[str, str], ...]:
        """What could not be observed, and why: a fault may be hidden there."""
        return tuple(not_observed(self))

    @cached_property
    def checks(self) -> pd.DataFrame:
        """One row per attempt and check.

        Columns: step, subject, host, address, status (``completed``, ``failed``, ``not observed``), reason, detail and
        seconds (float, missing where a check took no time of its own). Text from outside has no control characters.
        """
        return checks_frame(self)

    @property
    def commands(self) -> Commands:
        """The shell commands to check this probe by hand, each with what the probe observed."""
        return commands_for(self)

    def to_json(self) -> str:
        """Return the snapshot that `save` writes."""
        findings = msgspec.Raw(self.findings.to_json().encode("utf-8"))
        whole = {"schema": SCHEMA, "written_by": f"mtasts-nb {__version__}", "probe": self, "findings": findings}
        return json_text(msgspec.json.format(msgspec.json.encode(whole), indent=2).decode("utf-8")) + "\n"

    def save(self, path: str | Path) -> Path:
        """Write everything to a JSON file that `load_probe` reads, on this machine or another; in one step.

        Returns
        -------
        Path
            The file.
        """
        return write_file(path, self.to_json().encode("utf-8"))

    def __repr__(self) -> str:
        return f"<Probe of {self.domain}: {self.verdict.level.value}. {self.findings.summary()}>"


class _Head(msgspec.Struct):
    schema: object = None


class _Snapshot(msgspec.Struct):
    probe: Probe


def load_probe(path: str | Path) -> Probe:
    """Return the probe in a snapshot that `Probe.save` or ``mtasts-nb probe --save`` wrote, here or elsewhere.

    Raises
    ------
    SnapshotError
        The file does not exist, is not JSON, has another schema, or is damaged: what no probe could have observed is
        rejected, so that a snapshot from a stranger is as harmless as a domain of a stranger.
    """
    file = Path(path)
    content = _content(file)
    try:
        # What is not the schema is skipped without being built: ten million empty lists cost nothing.
        schema = msgspec.json.decode(content, type=_Head).schema
    except msgspec.ValidationError:
        schema = None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SnapshotError(f"{file} is not JSON: {one_line(error, 200)}. Save the probe again.") from error
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
    return _upgraded(probe)


def _upgraded(probe: Probe) -> Probe:
    """Return a probe with the fields that version 0.1 did not write."""
    hosts = []
    for mx in probe.mx_hosts:
        attempts = tuple(
            replace(
                attempt,
                tlsa=tuple(
                    replace(match, name_only=match.name_only or match.detail == _NAME_ONLY_DETAIL)
                    for match in attempt.tlsa
                ),
            )
            for attempt in mx.attempts
        )
        hosts.append(replace(mx, attempts=attempts))
    return replace(probe, mx_hosts=tuple(hosts))


def _content(file: Path) -> bytes:
    try:
        return read_file(file, _LARGEST)
    except OSError as error:
        raise SnapshotError(f"{one_line(file)} cannot be read: {error.strerror or error}.") from error


def _check(probe: Probe) -> None:
    """Raise ValueError for what a probe never contains, and what views and judges rely on."""
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
            part.astimezone(UTC)  # overflows at the ends of the calendar
        elif isinstance(part, TlsSession) and (validation := part.validation):
            if not part.chain:
                raise ValueError("a chain was validated that is empty")
            if validation.completed_verdict is not None and not (validation.fetches or validation.completed_by):
                raise ValueError("a chain was completed without another certificate")


def _parts(value: object) -> Iterator[object]:
    """Yield a value and all that it contains."""
    yield value
    if is_dataclass(value):
        for name in value.__dataclass_fields__:
            yield from _parts(getattr(value, name))
    elif isinstance(value, tuple):
        for part in value:
            yield from _parts(part)
