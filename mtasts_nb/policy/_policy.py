"""The policy file (RFC 8461 §3.2): as a value, and its one judge, which finds every fault in its lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..errors import PolicyError
from ..vocabulary import Mode
from ._fault import Raw, as_raw, decode
from ._names import ascii_lower, mx_host_names, mx_matches
from ._policy_fields import PolicyLint, Scan, judge_whole, meant_key, read_field

__all__ = ["Policy", "draft_policy", "parse_policy"]

# RFC 8461 §3.2 expects weeks; while testing a day makes a rollback quick (the usual roll-out).
_USUAL_MAX_AGE = {Mode.TESTING: 86_400, Mode.ENFORCE: 604_800, Mode.NONE: 86_400}
_DAY = 86_400


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
        The patterns that cover the MX hosts, in the order and spelling of the file; empty only in mode none.
    extensions : tuple of (str, str)
        Fields that RFC 8461 does not define; senders ignore them.
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
        """Return whether one of the patterns covers an MX host (RFC 8461 §4.1).

        Parameters
        ----------
        host : str
            The MX host. Where a domain has no MX record, this is the domain itself (RFC 5321 §5.1).
        """
        return any(mx_matches(pattern, host) for pattern in self.mx)

    def to_text(self) -> str:
        """Return this policy as a file, lines ended by LF; `parse_policy` gives the same policy back.

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
                "These values cannot be written as a file: an extension repeats a key, or a value has spaces at its ends.",
                reason="policy-not-writable",
                rfc="RFC 8461 §3.2",
                raw=text,
            )
        return text


def parse_policy(data: Raw) -> Policy:
    """Return the policy in a file; strict as the grammar of RFC 8461 §3.2.

    Lines end in LF or CRLF, the last one need not; white space may follow a value. Unknown keys are kept as
    extensions. Of a repeated key other than `mx` the first counts. The order of the fields does not matter.

    Parameters
    ----------
    data : bytes or str
        The body of the HTTPS response.

    Raises
    ------
    PolicyError
        With `reason` (a stable code), `line`, `column`, `field`, `actual`, `expected`, `rfc`, and the text in `raw`.
        It is about the first fault; `validate` shows all.

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
    if fault := lint.faults.first_error:
        raise PolicyError(
            fault.sentence(),
            reason=fault.code,
            line=fault.line,
            column=fault.column,
            field=fault.field,
            actual=fault.actual,
            expected=fault.expected,
            rfc=fault.rfc,
            raw=as_raw(data),
        )
    if lint.mode is None or lint.max_age is None:  # pragma: no cover - the linter has an error for a missing field
        raise AssertionError("a policy without errors has all its fields")
    return Policy(
        mode=lint.mode,
        max_age=lint.max_age,
        mx=lint.applied_mx,
        extensions=tuple(lint.extensions),
        raw=as_raw(data),
    )


def draft_policy(mx_hosts: Iterable[str], mode: Mode | str, max_age: int) -> str:
    """Return a policy file that covers exactly these MX hosts.

    Parameters
    ----------
    mx_hosts : iterable of str
        The MX host names or patterns (``*.nordwind.example``), also as ``dig MX +short`` prints them: a preference
        number and a trailing dot are removed, U-labels become A-labels, duplicates are dropped. The order is kept.
    mode : Mode or str
        ``enforce``, ``testing`` or ``none``; in mode none no `mx` is written (RFC 8461 §8.3).
    max_age : int
        In seconds, 0 to 31557600. Usual: 86400 while testing, 604800 in the first weeks of enforce.

    Raises
    ------
    PolicyError
        A host, the mode or max_age is not valid, or there is no host and the mode is not none.

    Examples
    --------
    >>> print(draft_policy(["10 mx1.nordwind.example.", "20 mx2.nordwind.example."], "testing", 86400), end="")
    version: STSv1
    mode: testing
    mx: mx1.nordwind.example
    mx: mx2.nordwind.example
    max_age: 86400
    """
    mx = () if mode == Mode.NONE else tuple(mx_host_names(mx_hosts))
    # A mode that does not exist is passed to the linter as it is, which names the fault.
    chosen = Mode(mode) if mode in list(Mode) else mode
    return Policy(mode=chosen, max_age=max_age, mx=mx).to_text()  # type: ignore[arg-type]


def policy_text(lint: PolicyLint, mx: Sequence[str], max_age: int | None = None) -> str | None:
    """Return a policy file with these patterns, everything else as understood; None where there is no pattern."""
    mode = lint.mode or Mode.TESTING
    age = lint.max_age if max_age is None else max_age
    if age is None or (age < _DAY and mode is not Mode.NONE):
        age = _USUAL_MAX_AGE[mode]
    if mode is Mode.NONE:
        mx = ()
    elif not mx:
        return None
    unique = {ascii_lower(pattern): pattern for pattern in reversed(mx)}
    extensions: dict[str, str] = {}
    for key, value in lint.extensions:
        if key not in lint.misspelt:
            extensions.setdefault(key, value)
    policy = Policy(
        mode=mode,
        max_age=age,
        mx=tuple(reversed(unique.values())),
        extensions=tuple(extensions.items()),
    )
    try:
        return policy.to_text()
    except PolicyError:  # as when the patterns alone are longer than the cap
        return None


_WSP = " \t"
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# Spaces other than the plain one (RFC 5234 WSP); in the value of an unknown field they are allowed.
_OTHER_SPACE = re.compile("[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")


def lint_policy(raw: Raw) -> PolicyLint:
    """Return what a policy file says and every fault in it. Raises nothing, whatever the bytes."""
    lint = PolicyLint()
    decoded = decode(raw, subject="policy file", prefix="policy")
    lint.faults.extend(decoded.faults)
    text = decoded.text
    if code := something_else(text):
        lint.readable = False
        lint.fault(code, line=1, actual=text.strip()[:120], expected="version: STSv1")
        return lint
    if not decoded.readable:
        lint.readable = False
        return lint
    if not text.strip("\0 \t\r\n"):
        lint.fault("policy-empty", actual=text[:20], expected="version: STSv1")
        return lint
    scan = Scan()
    for number, line in enumerate(_lines(text, lint), 1):
        _read_line(lint, scan, number, line)
        if lint.faults.enough:
            lint.readable = False
            lint.fault("policy-too-many-faults", line=number + 1)
            return lint
    judge_whole(lint, scan)
    return lint


def something_else(text: str) -> str | None:
    """Return the code of what the text is instead of a policy; None where it may be a policy.

    Examples
    --------
    >>> something_else("<!DOCTYPE html><title>404</title>")
    'policy-html'
    """
    head = text[:2000].lstrip(" \t\r\n").lower()
    if head.startswith(("<!doctype", "<html", "<head", "<body", "<?xml", "<!--", "<div", "<script", "<svg")):
        return "policy-html"
    if head.startswith(("{", "[")):
        return "policy-json"
    return "policy-is-record" if head.startswith(("v=stsv", "v=sts1", '"v=stsv')) else None


def _lines(text: str, lint: PolicyLint) -> list[str]:
    """Return the lines without their terminators, LF or CRLF."""
    if "\n" not in text and re.search(r"\\n\s*[A-Za-z]", text):
        column = text.index("\\n") + 1
        lint.fault("policy-escaped-newline", line=1, column=column, actual="\\n", expected="LF or CRLF")
        text = re.sub(r"\\r|\\n", lambda match: "\n" if match.group() == "\\n" else "", text)
    crlf = text.count("\r\n")
    if text.count("\r") > crlf:
        offset = next(match.start() for match in re.finditer(r"\r(?!\n)", text))
        line, column = text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
        lint.fault("policy-bare-cr", line=line, column=column, actual="\\r", expected="LF or CRLF")
        text = re.sub(r"\r+\n?", "\n", text)
    elif 0 < crlf < text.count("\n"):
        lint.fault("policy-line-ends-mixed")
    text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" and len(lines) > 1 else lines


def _read_line(lint: PolicyLint, scan: Scan, number: int, line: str) -> None:
    bare = line.strip(_WSP)
    if not bare:
        lint.fault("policy-blank-line", line=number, expected="a field")
        return
    if control := _CONTROL.search(line):
        actual = f"\\x{ord(control.group()):02x}"
        lint.fault("policy-control-character", line=number, column=control.start() + 1, actual=actual)
        bare = _CONTROL.sub("", line).strip(_WSP)
    space = _OTHER_SPACE.search(line)
    if space and _OTHER_SPACE.sub("", bare.partition(":")[0]).strip(_WSP) in ("version", "mode", "mx", "max_age"):
        lint.fault(
            "policy-value-malformed",
            "space",
            line=number,
            column=space.start() + 1,
            actual=f"U+{ord(space.group()):04X}",
            expected="a space, or nothing",
        )
        bare = _OTHER_SPACE.sub(" ", bare).strip(_WSP)
    if bare.startswith(("#", "//", ";", "--")):
        lint.fault("policy-comment", line=number, column=1, actual=bare[:120], expected="a field")
        return
    if line[0] in _WSP:
        lint.fault("policy-leading-space", line=number, column=1, actual=line[:120], expected=bare[:120])
    key, colon, value = bare.partition(":")
    if not colon:
        key, value = _without_colon(lint, number, bare)
        if not key:
            return
    elif key != key.rstrip(_WSP):
        key = key.rstrip(_WSP)
        right = f"{key[:40]}:"
        lint.fault(
            "policy-space-before-colon",
            line=number,
            column=line.index(":") + 1,
            actual=bare[:120],
            expected=f"{right} …",
            text=right,
        )
    value = value.strip(_WSP)
    if key == "version" not in scan.first and ";" in value and ("mode" in value or "max_age" in value):
        lint.fault("policy-one-line", line=number, actual=bare[:120], expected="one field per line")
        for part in bare.split(";")[:100]:
            if part.strip():
                _read_line(lint, scan, number, part.strip())
        return
    _read_key(lint, scan, number, key, value)


def _without_colon(lint: PolicyLint, number: int, bare: str) -> tuple[str, str]:
    key, separator, value = bare.partition("=")
    variant = "equals" if separator else ""
    if not separator:
        key, _, value = bare.partition(" ")
    known = meant_key(key) if _KEY.fullmatch(key.strip()) else None
    lint.fault(
        "policy-no-colon",
        variant,
        line=number,
        actual=bare[:120],
        expected=f"{known or 'key'}: value",
        field=known,
        text=known or "key",
    )
    return (known, value) if known and value else ("", "")


def _read_key(lint: PolicyLint, scan: Scan, number: int, key: str, value: str) -> None:
    if not _KEY.fullmatch(key):
        meant = meant_key(key) if len(key) <= 40 else None
        lint.fault(
            "policy-key-malformed",
            "meant" if meant else "",
            line=number,
            column=1,
            actual=key[:80],
            expected=meant or "a key",
            field=meant,
            text=meant,
        )
        if meant is None:
            return
        key = meant
    read_field(lint, scan, number, key, value)
