"""What is known of a policy file while it is read, and afterwards."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mtasts_nb.vocabulary import Effect, Mode, Severity

from ._fault import Fault, FaultList

__all__ = ["KEY", "RFC", "WSP", "PolicyLint", "Seen"]

RFC = "RFC 8461 §3.2"
WSP = " \t"
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")


@dataclass(slots=True)
class PolicyLint:
    """What a policy file says, and every fault in it.

    `version`, `mode`, `max_age`, `mx` and `extensions` hold what was understood, slips put right; `mx_lines` where
    each valid pattern stands.
    """

    faults: FaultList = field(default_factory=FaultList)
    version: str | None = None
    mode: Mode | None = None
    max_age: int | None = None
    mx: list[str] = field(default_factory=list)
    mx_lines: list[tuple[int, str]] = field(default_factory=list)
    extensions: list[tuple[str, str]] = field(default_factory=list)
    misspelt: set[str] = field(default_factory=set)  # keys of extensions that were meant to be others
    readable: bool = True

    @property
    def applied_mx(self) -> tuple[str, ...]:
        """The patterns that a sender applies: those of an `mx` field, not those of a key that was meant to be one."""
        return tuple(pattern for _, pattern in self.mx_lines)

    def fault(
        self,
        code: str,
        message: str,
        line: int | None = None,
        *,
        actual: str | None = None,
        expected: str | None = None,
        column: int | None = None,
        key: str | None = None,
        severity: Severity = Severity.ERROR,
        effect: Effect = Effect.DISABLES_PROTECTION,
        rfc: str = RFC,
    ) -> None:
        """Note a fault."""
        self.faults.add(
            Fault(
                code=code,
                message=message,
                severity=severity,
                effect=effect,
                line=line,
                column=column,
                field=key,
                actual=actual,
                expected=expected,
                rfc=rfc,
            )
        )


@dataclass(slots=True)
class Seen:
    """What the scan needs to remember from line to line."""

    first: dict[str, tuple[int, str]] = field(default_factory=dict)  # key -> line, value
    meant: dict[str, tuple[int, str, str]] = field(default_factory=dict)  # key -> line, key as written, value
    patterns: dict[str, int] = field(default_factory=dict)
    misspelt: list[tuple[int, str, str, str]] = field(default_factory=list)  # line, key as written, value, key meant
    typos: int = 0
