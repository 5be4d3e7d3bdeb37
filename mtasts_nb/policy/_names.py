"""Host names and MX patterns: RFC 5321 §4.1.2 `Domain`, RFC 8461 §3.2 `sts-policy-mx-value`, §4.1 matching."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from mtasts_nb.vocabulary import Effect, Severity

__all__ = [
    "PatternFault",
    "a_label",
    "ascii_lower",
    "domain_name",
    "host_name",
    "mx_matches",
    "pattern_doubt",
    "pattern_fault",
]

_LDH = re.compile(r"[A-Za-z0-9-]+")
# Only ASCII letters fold: str.lower() would turn the Kelvin sign into a k, and a stranger's name into ours.
_FOLD = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_QUOTES = "\"'`“”„‟‘’‚‛«»"  # typographic quotes are what a word processor makes of the plain ones
_MAX_NAME = 253  # RFC 1035 §2.3.4: 255 octets on the wire, without the length octets and the root
_MAX_LABEL = 63


@dataclass(frozen=True, slots=True)
class PatternFault:
    """Why a text is not an MX pattern, and which patterns may have been meant."""

    code: str
    message: str
    meant: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR
    effect: Effect = Effect.DISABLES_PROTECTION
    rfc: str = "RFC 8461 §3.2"


def ascii_lower(text: str) -> str:
    """Return the text with ASCII letters in lower case, all else as it is.

    Examples
    --------
    >>> ascii_lower("MX1.Nordwind.Example")
    'mx1.nordwind.example'
    """
    return text.translate(_FOLD)


def host_name(text: str) -> str:
    """Return a host name as it is compared: ASCII lower case, without the root's trailing dot.

    Examples
    --------
    >>> host_name("MX1.nordwind.example.")
    'mx1.nordwind.example'
    """
    return ascii_lower(text.removesuffix("."))


def mx_matches(pattern: str, host: str) -> bool:
    """Return whether an MX pattern of a policy permits an MX host (RFC 8461 §4.1).

    The comparison ignores the case of ASCII letters. A leading ``*.`` stands for exactly one label, the leftmost.

    Parameters
    ----------
    pattern : str
        The value of an `mx` field. A text that is no valid pattern permits nothing.
    host : str
        The MX host; the trailing dot with which DNS tools print it does not count.

    Examples
    --------
    >>> mx_matches("*.nordwind.example", "mx1.nordwind.example.")
    True
    >>> mx_matches("*.nordwind.example", "nordwind.example"), mx_matches("*.nordwind.example", "a.b.nordwind.example")
    (False, False)
    """
    if not _is_pattern(pattern):
        return False
    name = host_name(host)
    wanted = ascii_lower(pattern)
    if not wanted.startswith("*."):
        return name == wanted
    label, _, parent = name.partition(".")
    return label not in ("", "*") and parent == wanted[2:]


def a_label(name: str) -> str | None:
    """Return a name with its U-labels as A-labels (IDNA 2008, RFC 5891); None where that cannot be done.

    Examples
    --------
    >>> a_label("mx.bücher.example")
    'mx.xn--bcher-kva.example'
    """
    if len(name) > _MAX_NAME:
        return None
    import idna

    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return None


def _is_pattern(text: str) -> bool:
    return _name_fault(text.removeprefix("*.")) is None


def _name_fault(name: str) -> str | None:
    """Return what keeps a text from being a `Domain`, None where nothing does."""
    if len(name) > _MAX_NAME:
        return "pattern-name-long"
    for label in name.split("."):
        if not label:
            return "pattern-empty-label"
        if not _LDH.fullmatch(label):
            return "pattern-underscore" if _LDH.fullmatch(label.replace("_", "")) else "pattern-character"
        if label[0] == "-" or label[-1] == "-":
            return "pattern-hyphen"
        if len(label) > _MAX_LABEL:
            return "pattern-label-long"
    return None


def pattern_fault(value: str) -> PatternFault | None:
    """Return what is wrong with the value of an `mx` field, None where it is a valid pattern.

    Examples
    --------
    >>> pattern_fault("mx1.nordwind.example:25").code, pattern_fault("mx1.nordwind.example:25").meant
    ('pattern-port', ('mx1.nordwind.example',))
    """
    if _is_pattern(value):
        return None
    if not value:
        return PatternFault("pattern-empty", "The mx field has no value.")
    if len(value) <= 4096:  # a slip of the pen is short; what is longer is not looked at for one
        for slip in _SLIPS:
            if fault := slip(value):
                return fault
    return _label_fault(value)


def pattern_doubt(value: str) -> PatternFault | None:
    """Return why a valid pattern can hardly be meant, None where it can.

    Examples
    --------
    >>> pattern_doubt("192.0.2.25").code
    'pattern-ip-address'
    """
    name = value.removeprefix("*.")
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", name):
        return PatternFault(
            "pattern-ip-address",
            "This is an IP address. An MX is compared by its name, and no host has such a name: the pattern matches "
            "nothing. Write the host name from the MX record.",
            severity=Severity.WARNING,
            effect=Effect.DEFERS_MAIL,
            rfc="RFC 8461 §4.1, RFC 1123 §2.1",
        )
    if "." not in name:
        return PatternFault(
            "pattern-wildcard-tld" if value != name else "pattern-single-label",
            f"`{value}` permits every host directly under a top-level domain: anybody can have such a name."
            if value != name
            else "This name has a single label. MX hosts are compared by their whole name, so it matches nothing.",
            severity=Severity.WARNING,
            effect=Effect.DISABLES_PROTECTION if value != name else Effect.DEFERS_MAIL,
            rfc="RFC 8461 §4.1",
        )
    if "xn--" in name.lower():
        import idna

        try:
            idna.decode(name)
        except (idna.IDNAError, UnicodeError):
            return PatternFault(
                "pattern-a-label-invalid",
                "A label begins with xn-- but does not decode to an internationalised name. Check how it is spelt.",
                severity=Severity.WARNING,
                effect=Effect.DEFERS_MAIL,
                rfc="RFC 5891 §4.4",
            )
    return None


def _meant(*candidates: str) -> tuple[str, ...]:
    """Return the valid patterns among the candidates, each put right once more where that is needed."""
    found: list[str] = []
    for candidate in candidates:
        fault = pattern_fault(candidate) if candidate else None
        if fault is not None:
            found.extend(fault.meant)
        elif candidate:
            found.append(candidate)
    return tuple(dict.fromkeys(found))


def _quoted(value: str) -> PatternFault | None:
    bare = value.strip(_QUOTES + "<>")
    if bare == value:
        return None
    return PatternFault("pattern-quoted", "A pattern stands without quotation marks or brackets.", _meant(bare))


def _doubled_key(value: str) -> PatternFault | None:
    if not (match := re.match(r"(?i)mx\s*[:=]\s*", value)):
        return None
    return PatternFault("pattern-key-doubled", "The key `mx:` is written twice.", _meant(value[match.end() :]))


def _url(value: str) -> PatternFault | None:
    # A network such as 192.0.2.0/24 is an address, not a URL.
    if "/" not in value or re.fullmatch(r"[0-9a-fA-F.:]+/[0-9]+", value):
        return None
    host = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]{0,20}:", "", value).lstrip("/").partition("/")[0]
    return PatternFault("pattern-url", "A pattern is a host name, not a URL or a path.", _meant(host))


def _email(value: str) -> PatternFault | None:
    if "@" not in value:
        return None
    return PatternFault("pattern-email", "A pattern is the name of an MX host, not a mail address.")


def _address(value: str) -> PatternFault | None:
    bare = value.strip("[]").removeprefix("IPv6:").removeprefix("ipv6:").partition("/")[0]
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        if not value.startswith("["):
            return None
    return PatternFault(
        "pattern-address-literal",
        "This is an IP address. A pattern is a host name: write the name that stands in the MX record.",
    )


def _several(value: str) -> PatternFault | None:
    parts = [part for part in re.split(r"[\s,;|]+", value) if part]
    if len(parts) == 1 and parts[0] == value:
        return None
    if len(parts) == 2 and parts[0].isascii() and parts[0].isdigit():
        return PatternFault(
            "pattern-priority", "The preference number of the MX record does not belong here.", _meant(parts[1])
        )
    if len(parts) > 1 and parts[1].startswith(("#", "//", "(")):
        return PatternFault("pattern-comment", "A policy file has no comments.", _meant(parts[0]))
    return PatternFault(
        "pattern-list",
        "One mx field holds one pattern: write a line `mx: …` for each.",
        _meant(*parts[:100]),
    )


def _port(value: str) -> PatternFault | None:
    if not (match := re.fullmatch(r"([^:]+):[0-9]+", value)):
        return None
    return PatternFault(
        "pattern-port", "A pattern has no port: mail between servers goes to port 25.", _meant(match.group(1))
    )


def _wildcard(value: str) -> PatternFault | None:
    if "*" not in value:
        return None
    if value.strip("*.") == "":
        return PatternFault(
            "pattern-bare-wildcard",
            "A wildcard cannot stand for every host: `*.` must be followed by a domain.",
        )
    rest = value.lstrip("*").lstrip(".")
    if "*" not in rest:
        if value.startswith("*."):  # `*..name`, or a fault further on in the name
            return None
        if value.startswith("**"):
            return PatternFault(
                "pattern-wildcard-several", "`*` stands for exactly one label; `**` is nothing.", _meant("*." + rest)
            )
        return PatternFault("pattern-wildcard-dot", "After the `*` there must be a dot: `*.`.", _meant("*." + rest))
    if value.startswith("*.*"):
        return PatternFault(
            "pattern-wildcard-several",
            "Only one `*.`, leftmost, is allowed, and it stands for exactly one label. Name the level that you mean.",
        )
    label, _, parent = value.partition(".")
    if "*" in label and "*" not in parent:
        return PatternFault(
            "pattern-wildcard-partial",
            f"`*` must be the whole leftmost label: `{label}` is not one.",
            _meant("*." + parent),
        )
    return PatternFault("pattern-wildcard-middle", "`*.` may stand only at the left end of a pattern.")


def _dots(value: str) -> PatternFault | None:
    if value.startswith("."):
        return PatternFault(
            "pattern-leading-dot",
            "A leading dot was a wildcard in early drafts; the RFC writes `*.`.",
            _meant("*" + value) or _meant(value.lstrip(".")),
        )
    if value.endswith("."):
        return PatternFault(
            "pattern-trailing-dot",
            "A pattern has no trailing dot, unlike a name in a zone file.",
            _meant(value.rstrip(".")),
        )
    return None


def _u_label(value: str) -> PatternFault | None:
    if value.isascii():
        return None
    prefix = "*." if value.startswith("*.") else ""
    name = a_label(value.removeprefix("*."))
    return PatternFault(
        "pattern-u-label",
        f"Names are written in ASCII: as A-labels this is `{prefix}{name}`."
        if name
        else "Names are written in ASCII; this text has no form as A-labels.",
        _meant(prefix + name) if name else (),
        rfc="RFC 8461 §3.2, RFC 5891",
    )


# In this order: what is looked for first hides what comes later (a URL also has a colon).
_SLIPS: tuple[Callable[[str], PatternFault | None], ...] = (
    _quoted,
    _doubled_key,
    _url,
    _email,
    _address,
    _several,
    _port,
    _wildcard,
    _dots,
    _u_label,
)

_LABEL_FAULTS = {
    "pattern-name-long": "A name is at most 253 characters long.",
    "pattern-empty-label": "Two dots follow one another: a label is missing.",
    "pattern-underscore": "A host name has no underscore: letters, digits and hyphens only.",
    "pattern-hyphen": "A label neither begins nor ends with a hyphen.",
    "pattern-label-long": "A label is at most 63 characters long.",
    "pattern-character": "A host name has only letters, digits, hyphens and dots.",
}


def _label_fault(value: str) -> PatternFault:
    code = _name_fault(value.removeprefix("*.")) or "pattern-character"
    meant = _meant(re.sub(r"\.{2,}", ".", value)) if code == "pattern-empty-label" and ".." in value[:4096] else ()
    rfc = "RFC 1035 §2.3.4" if code.endswith("long") else "RFC 8461 §3.2, RFC 5321 §4.1.2"
    return PatternFault(code, _LABEL_FAULTS[code], meant, rfc=rfc)


def domain_name(text: str) -> str | None:
    """Return a domain as its name is written in DNS (A-labels, lower case); None where it is none.

    Examples
    --------
    >>> domain_name("Bücher.example."), domain_name("nordwind example")
    ('xn--bcher-kva.example', None)
    """
    name = text.strip().removesuffix(".")
    name = name if name.isascii() else a_label(name) or ""
    return ascii_lower(name) if _name_fault(name) is None else None
