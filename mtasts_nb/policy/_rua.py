"""One address of a `rua` field (RFC 8460 §3): a URI of RFC 3986 with `,`, `!` and `;` percent-encoded."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ._names import a_label, ascii_lower, pattern_fault

__all__ = ["UriFault", "uri_fault"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,40}):")
# RFC 3986 §2: unreserved, reserved and percent; without the three that RFC 8460 §3 wants encoded.
_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@$&'()*+=%-]+")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LOCAL = re.compile(r"[A-Za-z0-9._~$&'()*+=:/%-]+")
_QUOTES = "\"'<>`“”„‟‘’‚‛«»"
_LONGEST = 2048  # of an address in which a slip is looked for


@dataclass(frozen=True, slots=True)
class UriFault:
    """Why an address is of no use; `grammar` where it is not even a URI."""

    code: str
    message: str
    meant: str | None = None
    grammar: bool = True


def _meant(candidate: str) -> str | None:
    """Return the address that was probably meant, None where the candidate is of no use either."""
    fault = uri_fault(candidate)
    return candidate if fault is None else fault.meant


def uri_fault(uri: str) -> UriFault | None:
    """Return what is wrong with an address of a `rua` field, None where reports can be sent to it.

    Examples
    --------
    >>> uri_fault("tlsrpt@nordwind.example").meant
    'mailto:tlsrpt@nordwind.example'
    >>> uri_fault("https://reports.nordwind.example/v1") is None
    True
    """
    if not uri:
        return UriFault("rua-empty", "An address is missing.")
    if len(uri) > _LONGEST:
        return _characters(uri) or UriFault("rua-long", "The address is longer than 2,048 characters.", grammar=False)
    return _signs(uri) or _scheme(uri) or _characters(uri) or _target(uri)


def _signs(uri: str) -> UriFault | None:
    bare = uri.strip(_QUOTES)
    if bare != uri:
        return UriFault("rua-quoted", "An address stands without quotation marks or brackets.", _meant(bare))
    if match := re.match(r"(?i)(mailto|https):[<\s]+", uri):
        return UriFault(
            "rua-space" if "<" not in match.group() else "rua-quoted",
            "Nothing stands between the scheme and the address.",
            _meant(f"{match.group(1)}:{uri[match.end() :]}"),
        )
    if re.search(r"\s", uri):
        return UriFault(
            "rua-space",
            "White space stands in the address. Several addresses are separated by commas.",
            ",".join(part for part in (_meant(word) for word in uri.split()[:10]) if part) or None,
        )
    if match := re.search(r"!([0-9]{1,12}[kmgt]?)$", uri):
        return UriFault(
            "rua-size-limit",
            f"A size limit such as `!{match.group(1)}` belongs to DMARC; TLS reporting has none.",
            _meant(uri[: match.start()]),
        )
    if "!" in uri:
        return UriFault(
            "rua-unencoded", "An exclamation mark in an address is written `%21`.", _meant(uri.replace("!", "%21"))
        )
    return None


def _scheme(uri: str) -> UriFault | None:
    match = _SCHEME.match(uri)
    if match and ascii_lower(match.group(1)) in ("mailto", "https"):
        return None
    if not match or ("@" in uri and "//" not in uri):
        target = f"mailto:{uri}" if "@" in uri else f"https://{uri.lstrip('/')}" if "." in uri else ""
        if match and ascii_lower(match.group(1)).startswith("mail"):
            target = f"mailto:{uri[match.end() :]}"
        return UriFault(
            "rua-scheme-missing",
            "The address must begin with `mailto:` or `https://`.",
            _meant(target) if target else None,
            grammar=not match,
        )
    scheme = ascii_lower(match.group(1))
    return UriFault(
        "rua-scheme-unknown",
        "Reports are sent by `mailto:` or `https:` only" + (", never in the clear." if scheme == "http" else "."),
        _meant("https" + uri[4:]) if scheme == "http" else None,
        grammar=False,
    )


def _characters(uri: str) -> UriFault | None:
    if not uri.isascii():
        local, at, domain = uri.rpartition("@")
        name = a_label(domain) if at and local.isascii() else None
        return UriFault(
            "rua-character",
            "An address is written in ASCII." + (f" As A-labels the domain is `{name}`." if name else ""),
            _meant(f"{local}@{name}") if name else None,
        )
    if not _CHARACTERS.fullmatch(uri):
        return UriFault("rua-character", "A character stands in the address that no URI may have.")
    if _PERCENT.search(uri):
        return UriFault(
            "rua-percent", "After `%` there must be two hexadecimal digits; a percent sign itself is `%25`."
        )
    body = uri.partition("#")[2]
    if "#" in body:
        return UriFault("rua-character", "`#` may stand only once in a URI.")
    return None


def _target(uri: str) -> UriFault | None:
    scheme, _, rest = uri.partition(":")
    if ascii_lower(scheme) == "mailto":
        return _mail_target(rest)
    return _https_target(rest)


def _mail_target(rest: str) -> UriFault | None:
    if rest.startswith("//"):
        return UriFault("rua-mailto", "`mailto:` has no slashes.", _meant("mailto:" + rest.lstrip("/")), grammar=False)
    address = re.split(r"[?#]", rest, maxsplit=1)[0]
    local, _, domain = address.rpartition("@")
    if _LOCAL.fullmatch(local) and _is_host(domain):
        return None
    meant = _meant(f"mailto:{local}@{domain.rstrip('.')}") if local and domain.endswith(".") else None
    return UriFault("rua-mailto", "After `mailto:` there must be one mail address.", meant, grammar=False)


def _https_target(rest: str) -> UriFault | None:
    wrong = UriFault("rua-https", "After `https:` there must be `//` and a host name.", grammar=False)
    if not rest.startswith("//"):
        return wrong
    authority = re.split(r"[/?#]", rest[2:], maxsplit=1)[0].rpartition("@")[2]
    if match := re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::([0-9]{0,5}))?", authority):
        host, port = match.groups()
        if (host.startswith("[") or _is_host(host.removesuffix("."))) and (not port or 0 < int(port) <= 65535):
            return None
    return wrong


def _is_host(name: str) -> bool:
    return not name.startswith("*") and pattern_fault(name) is None
