"""The policy file as a value (RFC 8461 §3.2)."""

from __future__ import annotations

from dataclasses import dataclass, field

from mtasts_nb.errors import PolicyError
from mtasts_nb.vocabulary import Mode

from ._decode import as_raw
from ._fault import Fault, Raw
from ._names import mx_matches
from ._policy_lint import lint_policy

__all__ = ["Policy", "parse_policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """An MTA-STS policy (RFC 8461 §3.2).

    Attributes
    ----------
    version : str
        Always ``STSv1``.
    mode : Mode
        What a sender does when validation fails.
    max_age : int
        How long a sender may keep the policy, in seconds.
    mx : tuple of str
        The patterns of permitted MX hosts, in the order and spelling of the file; empty only in mode none.
    extensions : tuple of (str, str)
        Fields that RFC 8461 does not know; senders pass over them.
    raw : str or bytes
        The file as it came; not compared.

    Examples
    --------
    >>> policy = Policy(mode=Mode.ENFORCE, max_age=604800, mx=("*.nordwind.example",))
    >>> policy.matches("mx1.nordwind.example")
    True
    """

    version: str = "STSv1"
    mode: Mode
    max_age: int
    mx: tuple[str, ...] = ()
    extensions: tuple[tuple[str, str], ...] = ()
    raw: str | bytes = field(default="", compare=False, repr=False)

    def matches(self, host: str) -> bool:
        """Return whether one of the patterns permits an MX host (RFC 8461 §4.1).

        Parameters
        ----------
        host : str
            The MX host. Where a domain has no MX record, this is the domain itself (RFC 5321 §5.1).
        """
        return any(mx_matches(pattern, host) for pattern in self.mx)

    def to_text(self) -> str:
        """Return the file that says this policy, lines ended by LF; `parse_policy` gives the same policy back.

        Raises
        ------
        PolicyError
            The values do not make a valid policy, for example a mode other than none without an `mx`.

        Examples
        --------
        >>> print(Policy(mode=Mode.NONE, max_age=86400).to_text(), end="")
        version: STSv1
        mode: none
        max_age: 86400
        """
        fields = [
            ("version", self.version),
            ("mode", str(self.mode)),
            *(("mx", pattern) for pattern in self.mx),
            ("max_age", str(self.max_age)),
            *self.extensions,
        ]
        text = "".join(f"{key}: {value}\n" for key, value in fields)
        if parse_policy(text) != self:
            raise PolicyError(
                "These values do not survive as a file: an extension repeats a key, or a value has spaces at its ends.",
                reason="policy-not-writable",
                rfc="RFC 8461 §3.2",
                raw=text,
            )
        return text


def parse_policy(data: Raw) -> Policy:
    """Return the policy that a file says; strict as the grammar of RFC 8461 §3.2.

    Lines end in LF or CRLF, the last one may do without; white space may follow a value. Unknown keys are kept as
    extensions. Of a repeated key other than `mx` the first counts. The order of the fields does not matter.

    Parameters
    ----------
    data : bytes or str
        The body of the HTTPS answer.

    Raises
    ------
    PolicyError
        With `reason` (a stable code), `line`, `column`, `field`, `actual`, `expected`, `rfc`, and the text in `raw`.
        It tells the first fault; `validate` tells all.

    Examples
    --------
    >>> parse_policy(b"version: STSv1\\r\\nmode: enforce\\r\\nmx: mx1.nordwind.example\\r\\nmax_age: 604800\\r\\n").mx
    ('mx1.nordwind.example',)
    >>> parse_policy("version: STSv1\\nmode: enforced\\nmx: mx1.nordwind.example\\nmax_age: 604800\\n")
    Traceback (most recent call last):
        ...
    mtasts_nb.errors.PolicyError: line 2: There is no such mode; `enforce` was probably meant. Found `enforced`, expected enforce, testing or none (RFC 8461 §3.2).
    """
    lint = lint_policy(data)
    if error := lint.faults.first_error:
        raise policy_error(error, data)
    if lint.mode is None or lint.max_age is None:  # pragma: no cover - the linter has an error for a missing field
        raise AssertionError("a policy without errors has all its fields")
    return Policy(
        mode=lint.mode,
        max_age=lint.max_age,
        mx=lint.applied_mx,
        extensions=tuple(lint.extensions),
        raw=as_raw(data),
    )


def policy_error(fault: Fault, raw: Raw) -> PolicyError:
    """Return the exception that tells a fault."""
    return PolicyError(
        sentence(fault),
        reason=fault.code,
        line=fault.line,
        column=fault.column,
        field=fault.field,
        actual=fault.actual,
        expected=fault.expected,
        rfc=fault.rfc,
        raw=as_raw(raw),
    )


def sentence(fault: Fault) -> str:
    """Return a fault as one line: where, what, found, expected, source."""
    from mtasts_nb.markup import one_line

    where = f"line {fault.line}: " if fault.line else f"column {fault.column}: " if fault.column else ""
    seen = [f"found `{one_line(fault.actual, 80)}`"] if fault.actual else []
    wanted = [f"expected {one_line(fault.expected, 80)}"] if fault.expected else []
    detail = ", ".join(seen + wanted)
    detail = f" {detail[0].upper()}{detail[1:]}" if detail else ""
    return one_line(f"{where}{fault.message}{detail} ({fault.rfc}).", 600)
