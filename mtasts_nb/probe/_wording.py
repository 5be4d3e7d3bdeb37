"""Every finding that a probe can give by itself: its code, how bad it is at worst, and its words, from `findings.toml`.

Faults inside a text (the record, the policy file, an MX that no pattern covers) are the findings of `mtasts_nb.policy`
with the codes of that package; here is what only a look at the live domain can show.

Severity and effect here are those of the worst case. The judges lower them by rules written there: a fault seen at
only some addresses of the policy host, or at an MX that others stand in for, is not the same as one seen everywhere.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

from ..vocabulary import Effect, Severity

__all__ = ["WORDING", "Wording", "finding_codes"]


@dataclass(frozen=True, slots=True)
class Wording:
    """What a finding says, whoever the domain is."""

    severity: Severity
    effect: Effect
    message: str
    fix: str
    rfc: str


def _read() -> Mapping[str, Wording]:
    text = (resources.files("mtasts_nb.probe") / "findings.toml").read_text("utf-8")
    return MappingProxyType(
        {
            code: Wording(
                Severity(words["severity"]), Effect(words["effect"]), words["message"], words["fix"], words["rfc"]
            )
            for code, words in tomllib.loads(text).items()
        }
    )


#: From code to wording.
WORDING = _read()


def finding_codes() -> tuple[str, ...]:
    """Return every code that the probe itself can give, in the order in which it looks.

    Examples
    --------
    >>> "mx-certificate-expired" in finding_codes()
    True
    """
    return tuple(WORDING)
