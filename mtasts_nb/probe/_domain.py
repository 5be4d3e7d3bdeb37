"""The name a person types, as the name the DNS is asked for."""

from __future__ import annotations

import ipaddress
import re

import idna

from ..markup import one_line

__all__ = ["is_host_name", "policy_domain"]

# Underscores are no part of host names (RFC 1123 §2.1) but occur, and do no harm in a question.
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def is_host_name(name: str) -> bool:
    """Return whether a name can be that of a host: letters, digits and hyphens, not an address.

    Examples
    --------
    >>> is_host_name("mx1.nordwind.example"), is_host_name("192.0.2.1"), is_host_name("a..b")
    (True, False, False)
    """
    labels = name.lower().split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return False
    return not labels[-1].isdigit()


def policy_domain(text: str) -> str:
    """Return what was typed as an A-label domain: lower case, no trailing dot (RFC 8461 §2, RFC 5890 §2.3.2.1).

    Raises
    ------
    ValueError
        It is not a domain; the message says what was expected.

    Examples
    --------
    >>> policy_domain("Nordwind.Example."), policy_domain("müller.example")
    ('nordwind.example', 'xn--mller-kva.example')
    """
    shown = one_line(text, 80)
    hint = "Give the part after the @ of a mail address, for example nordwind.example."
    name = text.strip().removesuffix(".").lower()
    if not name:
        raise ValueError(f"There is no domain to look at. {hint}")
    if "@" in name or "/" in name:
        raise ValueError(f"{shown!r} is an address or a URL, not a domain. {hint}")
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        pass
    else:
        raise ValueError(f"{shown!r} is an IP address; MTA-STS is about domains. {hint}")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise ValueError(f"{shown!r} is not a domain name: {one_line(error, 120)}. {hint}") from error
    if not is_host_name(name):
        raise ValueError(f"{shown!r} is not a domain name. {hint}")
    # The longest name asked for is `mta-sts.` or `_smtp._tls.` in front of it.
    if len(f"_smtp._tls.{name}") > 253:
        raise ValueError(f"{shown!r} is too long: there is no room for _smtp._tls. in front of it.")
    return name
