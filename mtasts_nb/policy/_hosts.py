"""MX hosts as people have them at hand: from `dig`, from a report, from a list."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ._names import a_label, host_name

__all__ = ["mx_host_names"]

_PREFERENCE = re.compile(r"[0-9]{1,5}\s+(?=\S)")
# A line of `dig MX domain`, without +short.
_ZONE_LINE = re.compile(r"\S{1,255}\s+(?:[0-9]{1,10}\s+)?(?:IN\s+)?MX\s+", re.IGNORECASE)
_MAX_HOSTS = 1000


def mx_host_names(hosts: Iterable[str] | str) -> list[str]:
    """Return the host names, as they are compared, in order, each once.

    Parameters
    ----------
    hosts : iterable of str, or str
        A name each, with or without preference number and trailing dot; a single text is one host per line.

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
