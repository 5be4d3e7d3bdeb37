"""Host names, domains and MX patterns: how they are written, compared, matched, and taken from what people have at hand."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ..errors import MtaStsNbError
from ..markup import one_line

__all__ = ["domain_name", "mx_host_names", "mx_matches", "places"]

_LDH = re.compile(r"[A-Za-z0-9-]+")
# Only ASCII letters fold: str.lower() would turn the Kelvin sign into a k, and a stranger's name into ours.
_FOLD = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_MAX_NAME = 253  # RFC 1035 §2.3.4: 255 octets on the wire, without the length octets and the root
_MAX_LABEL = 63
_PREFERENCE = re.compile(r"[0-9]{1,5}\s+(?=\S)")
# A line of `dig MX domain`, without +short.
_ZONE_LINE = re.compile(r"\S{1,255}\s+(?:[0-9]{1,10}\s+)?(?:IN\s+)?MX\s+", re.IGNORECASE)
_MAX_HOSTS = 1000


def ascii_lower(text: str) -> str:
    """Return the text with ASCII letters in lower case, everything else unchanged.

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


def name_fault(name: str) -> str | None:
    """Return what is wrong with a host name (RFC 5321 §4.1.2 `Domain`), None where nothing is.

    Examples
    --------
    >>> name_fault("mx_1.nordwind.example"), name_fault("mx1.nordwind.example")
    ('underscore', None)
    """
    if len(name) > _MAX_NAME:
        return "name-long"
    for label in name.split("."):
        if not label:
            return "empty-label"
        if not _LDH.fullmatch(label):
            return "underscore" if _LDH.fullmatch(label.replace("_", "")) else "character"
        if label[0] == "-" or label[-1] == "-":
            return "hyphen"
        if len(label) > _MAX_LABEL:
            return "label-long"
    return None


def a_label(name: str) -> str | None:
    """Return a name with its U-labels as A-labels (IDNA 2008, RFC 5891); None where that is not possible.

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


def domain_name(text: str) -> str | None:
    """Return a domain as its name is written in DNS (A-labels, lower case); None where it is not a domain name.

    Examples
    --------
    >>> domain_name("Bücher.example."), domain_name("nordwind example")
    ('xn--bcher-kva.example', None)
    """
    name = text.strip().removesuffix(".")
    name = name if name.isascii() else a_label(name) or ""
    return ascii_lower(name) if name_fault(name) is None else None


def mx_host_names(hosts: Iterable[str] | str) -> list[str]:
    """Return the host names in a list or in the output of `dig MX`, as they are compared, in order, each once.

    Parameters
    ----------
    hosts : iterable of str, or str
        One name each, with or without preference number and trailing dot; a single text has one host per line.

    Examples
    --------
    >>> mx_host_names("10 MX1.nordwind.example.\\n20 mx2.nordwind.example.\\n")
    ['mx1.nordwind.example', 'mx2.nordwind.example']
    """
    names: dict[str, None] = {}
    for entry in hosts.splitlines() if isinstance(hosts, str) else hosts:
        text = str(entry).strip()[:600]
        if match := _ZONE_LINE.match(text):
            text = text[match.end() :]
        text = _PREFERENCE.sub("", text, count=1) if _PREFERENCE.match(text) else text
        if not text:
            continue
        if text == ".":  # a null MX (RFC 7505)
            names["."] = None
            continue
        if not text.isascii():
            wildcard = "*." if text.startswith("*.") else ""
            name = a_label(text.removeprefix("*.").removesuffix("."))
            text = wildcard + name if name else text
        names[host_name(text)] = None
        if len(names) >= _MAX_HOSTS:
            break
    return list(names)


def places(domain: str) -> dict[str, str]:
    """Return where to publish the `_mta-sts` record, the policy file and the `_smtp._tls` record of a domain.

    Parameters
    ----------
    domain : str
        The policy domain; U-labels become A-labels.

    Raises
    ------
    MtaStsNbError
        It is not a domain name.

    Examples
    --------
    >>> places("nordwind.example")["policy"]
    'https://mta-sts.nordwind.example/.well-known/mta-sts.txt'
    """
    name = domain_name(domain)
    if name is None:
        raise MtaStsNbError(f"{one_line(domain, 100)}: not a domain name. Write it as in a mail address, after the @.")
    return {
        "record": f"_mta-sts.{name} (TXT)",
        "policy": f"https://mta-sts.{name}/.well-known/mta-sts.txt",
        "tlsrpt_record": f"_smtp._tls.{name} (TXT)",
    }


_QUOTES = "\"'`“”„‟‘’‚‛«»"  # typographic quotes are what a word processor makes of the plain ones


@dataclass(frozen=True, slots=True)
class PatternFault:
    """Why a text is not an MX pattern, and which patterns may have been meant; the message is that of the code."""

    code: str
    meant: tuple[str, ...] = ()
    variant: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


def mx_matches(pattern: str, host: str) -> bool:
    """Return whether an MX pattern of a policy matches an MX host (RFC 8461 §4.1).

    The comparison ignores the case of ASCII letters. A leading ``*.`` matches exactly one label, the leftmost.

    Parameters
    ----------
    pattern : str
        The value of an `mx` field. A text that is not a valid pattern matches nothing.
    host : str
        The MX host; the trailing dot that DNS tools print is ignored.

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


def _is_pattern(text: str) -> bool:
    return name_fault(text.removeprefix("*.")) is None


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
        return PatternFault("pattern-empty")
    if len(value) <= 4096:  # a typing mistake is short; a longer text is not searched for one
        for mistake in _MISTAKES:
            if fault := mistake(value):
                return fault
    code = f"pattern-{name_fault(value.removeprefix('*.')) or 'character'}"
    doubled = code == "pattern-empty-label" and ".." in value[:4096]
    return PatternFault(code, _meant(re.sub(r"\.{2,}", ".", value)) if doubled else ())


def pattern_doubt(value: str) -> PatternFault | None:
    """Return why a valid pattern is probably not what was meant, None where nothing is wrong with it.

    Examples
    --------
    >>> pattern_doubt("192.0.2.25").code
    'pattern-ip-address'
    """
    name = value.removeprefix("*.")
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", name):
        return PatternFault("pattern-ip-address")
    if "." not in name:
        if value == name:
            return PatternFault("pattern-single-label")
        return PatternFault("pattern-wildcard-tld", names={"text": value})
    if "xn--" in name.lower():
        import idna

        try:
            idna.decode(name)
        except (idna.IDNAError, UnicodeError):
            return PatternFault("pattern-a-label-invalid")
    return None


def _meant(*candidates: str) -> tuple[str, ...]:
    """Return the valid patterns among the candidates, each corrected once more where that is needed."""
    valid: list[str] = []
    for candidate in filter(None, candidates):
        fault = pattern_fault(candidate)
        valid.extend((candidate,) if fault is None else fault.meant)
    return tuple(dict.fromkeys(valid))


def _quoted(value: str) -> PatternFault | None:
    bare = value.strip(_QUOTES + "<>")
    return None if bare == value else PatternFault("pattern-quoted", _meant(bare))


def _doubled_key(value: str) -> PatternFault | None:
    match = re.match(r"(?i)mx\s*[:=]\s*", value)
    return PatternFault("pattern-key-doubled", _meant(value[match.end() :])) if match else None


def _url(value: str) -> PatternFault | None:
    # A network such as 192.0.2.0/24 is an address, not a URL.
    if "/" not in value or re.fullmatch(r"[0-9a-fA-F.:]+/[0-9]+", value):
        return None
    host = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]{0,20}:", "", value).lstrip("/").partition("/")[0]
    return PatternFault("pattern-url", _meant(host))


def _email(value: str) -> PatternFault | None:
    return PatternFault("pattern-email") if "@" in value else None


def _address(value: str) -> PatternFault | None:
    bare = value.strip("[]").removeprefix("IPv6:").removeprefix("ipv6:").partition("/")[0]
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        if not value.startswith("["):
            return None
    return PatternFault("pattern-address-literal")


def _several(value: str) -> PatternFault | None:
    parts = [part for part in re.split(r"[\s,;|]+", value) if part]
    if len(parts) == 1 and parts[0] == value:
        return None
    if len(parts) == 2 and parts[0].isascii() and parts[0].isdigit():
        return PatternFault("pattern-priority", _meant(parts[1]))
    if len(parts) > 1 and parts[1].startswith(("#", "//", "(")):
        return PatternFault("pattern-comment", _meant(parts[0]))
    return PatternFault("pattern-list", _meant(*parts[:100]))


def _port(value: str) -> PatternFault | None:
    match = re.fullmatch(r"([^:]+):[0-9]+", value)
    return PatternFault("pattern-port", _meant(match.group(1))) if match else None


def _wildcard(value: str) -> PatternFault | None:
    if "*" not in value:
        return None
    if value.strip("*.") == "":
        return PatternFault("pattern-bare-wildcard")
    rest = value.lstrip("*").lstrip(".")
    if "*" not in rest:
        if value.startswith("*."):  # `*..name`, or a fault further on in the name
            return None
        if value.startswith("**"):
            return PatternFault("pattern-wildcard-several", _meant("*." + rest), "double")
        return PatternFault("pattern-wildcard-dot", _meant("*." + rest))
    if value.startswith("*.*"):
        return PatternFault("pattern-wildcard-several")
    label, _, parent = value.partition(".")
    if "*" in label and "*" not in parent:
        return PatternFault("pattern-wildcard-partial", _meant("*." + parent), names={"text": label})
    return PatternFault("pattern-wildcard-middle")


def _dots(value: str) -> PatternFault | None:
    if value.startswith("."):
        return PatternFault("pattern-leading-dot", _meant("*" + value) or _meant(value.lstrip(".")))
    return PatternFault("pattern-trailing-dot", _meant(value.rstrip("."))) if value.endswith(".") else None


def _u_label(value: str) -> PatternFault | None:
    if value.isascii():
        return None
    prefix = "*." if value.startswith("*.") else ""
    name = a_label(value.removeprefix("*."))
    if name is None:
        return PatternFault("pattern-u-label", variant="none")
    return PatternFault("pattern-u-label", _meant(prefix + name), names={"text": prefix + name})


# In this order: what is checked first hides what comes later (a URL also has a colon).
_MISTAKES: tuple[Callable[[str], PatternFault | None], ...] = (
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
