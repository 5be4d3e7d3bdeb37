"""Host names and domains: how they are written, compared and taken from what people have at hand."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import MtaStsNbError
from ..markup import one_line

__all__ = ["a_label", "ascii_lower", "domain_name", "host_name", "mx_host_names", "name_fault", "places"]

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
