"""Pseudonyms: the same name gives the same one throughout a document, and nothing of the name, its place or its size is in it."""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from hashlib import pbkdf2_hmac
from itertools import pairwise

from ..errors import PublishError
from ..markup import one_line
from ..policy import domain_name
from ._harmless import PROTOCOL_LABELS, is_harmless

__all__ = ["Pseudonyms", "as_address", "as_host", "check_given", "key_of"]

_HOST = re.compile(r"(?=.{4,253}$)(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_WORD = re.compile(r"\w+")
_BENCHMARK = int(ipaddress.IPv4Address("198.18.0.0"))
_DOCUMENTATION = int(ipaddress.IPv6Address("2001:db8::"))
#: No vowels, and no F, K, S, T, Y, so that neither words nor rude abbreviations come up; no digits, which would be read as
#: counts.
_LETTERS = str.maketrans("0123456789abcdef", "bcdghjlmnpqrvwxz")
#: A seed is stretched: each try of one costs time.
_ROUNDS = 600_000
_SHORTEST_SEED, _FEWEST_KINDS = 20, 8


def key_of(how: object) -> bytes:
    """Return the secret key of a redaction: random for this run, or made from a seed.

    Parameters
    ----------
    how : bool, str, int or mapping
        As `publish` takes it; a text or number is a seed.

    Raises
    ------
    PublishError
        The seed could be guessed: then anyone could find each name by trying.
    """
    if not isinstance(how, str | int) or isinstance(how, bool):
        return secrets.token_bytes(32)
    seed = str(how)
    steps = {ord(after) - ord(before) for before, after in pairwise(seed)}
    if len(seed) < _SHORTEST_SEED or min(len(set(seed)), len(steps)) < _FEWEST_KINDS:
        raise PublishError(
            f"The seed of redact is too easy to guess: it needs {_SHORTEST_SEED} characters or more, and {_FEWEST_KINDS} "
            "different ones in no regular order. Make one with: python -c 'import secrets; print(secrets.token_hex(16))' "
            "and keep it secret. Or give True: the pseudonyms then are of this document only."
        )
    return pbkdf2_hmac("sha256", seed.encode("utf-8", "surrogatepass"), b"mtasts-nb redaction", _ROUNDS)


def as_host(text: str) -> str | None:
    """Return a host name, or a pattern for some, as it is compared; None where a text has no such form.

    Examples
    --------
    >>> as_host("MX1.Nordwind.Example."), as_host("mx.bücher.example"), as_host("nordwind")
    ('mx1.nordwind.example', 'mx.xn--bcher-kva.example', None)
    """
    name = text.strip()
    name = name.lower().removesuffix(".") if name.isascii() else domain_name(name) or ""
    return name if _HOST.fullmatch(name) else None


class Pseudonyms:
    """Pseudonyms for domains, hosts, addresses, reporters and the rest, by HMAC-SHA256 with a secret key.

    They have no order: neither of the names nor of sessions or times. With the same key a name has the same pseudonym
    in every document.

    Parameters
    ----------
    key : bytes
        Secret: with it, a name can be found by trying.
    given : mapping of str to str, optional
        Names with the pseudonyms to take for them.
    avoid : iterable of str
        Names that no pseudonym may be, since they occur themselves.

    Attributes
    ----------
    made : set of str
        Every pseudonym so far, in lower case.

    Examples
    --------
    >>> names = Pseudonyms(b"for this example only")
    >>> names.domain("nordwind.example"), names.host("mx1.nordwind.example"), names.host("*.nordwind.example")
    ('domain-rwvq.example', 'host-jvmj.domain-rwvq.example', '*.domain-rwvq.example')
    >>> names.address("203.0.113.9"), names.reporter("Post")
    ('198.19.143.22', 'Reporter PXMX')
    """

    def __init__(self, key: bytes, given: Mapping[str, str] | None = None, avoid: Iterable[str] = ()) -> None:
        self._key = key
        self._given = {name.lower(): pseudonym for name, pseudonym in (given or {}).items()}
        self._avoid = {name.lower() for name in avoid} | {pseudonym.lower() for pseudonym in self._given.values()}
        self._maps: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._bases: set[str] = set()
        self.made = {pseudonym.lower() for pseudonym in self._given.values()}
        # Names that a text may hold, by their first word.
        self._in_texts: defaultdict[str, list[tuple[re.Pattern[str], str]]] = defaultdict(list)
        for name, pseudonym in (given or {}).items():
            self._look_for(name, pseudonym)

    @property
    def originals(self) -> set[str]:
        """Every name that has a pseudonym, as it came."""
        return {name for mapping in self._maps.values() for name in mapping}

    def keyed(self, text: str) -> str:
        """Return a hash of a text that can be computed only with the key."""
        return hmac.new(self._key, text.encode("utf-8", "surrogatepass"), "sha256").hexdigest()

    def _pseudonym(self, kind: str, key: str, form: Callable[[str, int], str]) -> str:
        """Return the pseudonym of a key, one that no other name has and no original is; `form` gets digits and a length."""
        made = self._maps[kind].get(key) or self._given.get(key.lower())
        attempt = 0
        while made is None:
            # Four letters tell a few hundred names apart; where some are taken, more are used.
            made = form(self.keyed(f"{kind} {attempt} {key}"), 4 + attempt // 2)
            attempt += 1
            if made.lower() in self._avoid or made.lower() in self.made:
                made = None
        self.made.add(made.lower())
        return self._maps[kind].setdefault(key, made)

    def domain(self, name: str) -> str:
        """Return the pseudonym of a policy domain, or of any other name under which hosts are."""
        key = as_host(name) or name.strip().lower().removesuffix(".")
        if key in ("", "unknown"):
            return key
        self._bases.add(key)
        return self._pseudonym("domain", key, lambda digits, length: f"domain-{_letters(digits, length)}.example")

    def host(self, name: str) -> str:
        """Return the pseudonym of a host name or pattern; what is under one domain stays under one."""
        if not name.strip() or as_address(name) is not None:
            return self.address(name)
        key = as_host(name)
        if key is None or key in self._bases:
            return self.domain(name)
        label, _, rest = key.partition(".")
        if "." not in rest and rest not in self._bases:
            return self.domain(key)
        parent = self.host(rest)
        if label in PROTOCOL_LABELS and key not in self._given:
            self.made.add(f"{label}.{parent}")
            return self._maps["host"].setdefault(key, f"{label}.{parent}")
        return self._pseudonym("host", key, lambda digits, length: f"host-{_letters(digits, length)}.{parent}")

    def address(self, text: str) -> str:
        """Return the pseudonym of an IP address: of the benchmark and documentation ranges (RFC 2544, RFC 3849), or reserved."""
        key = text.strip().lower()
        if not key:
            return ""
        if (address := as_address(key)) is None:
            return self._pseudonym("address", key, lambda digits, length: f"address-{_letters(digits, length)}")
        if isinstance(address, ipaddress.IPv4Address):
            return self._pseudonym("address", str(address), _v4)
        if address.ipv4_mapped is not None:
            return self.address(str(address.ipv4_mapped))
        return self._pseudonym("address", str(address).partition("%")[0], _v6)

    def reporter(self, name: str) -> str:
        """Return the pseudonym of a reporter; one that gives no name has none."""
        if not name.strip():
            return name
        if name not in self._maps["reporter"]:
            made = self._pseudonym(
                "reporter", name, lambda digits, length: f"Reporter {_letters(digits, length).upper()}"
            )
            self._look_for(name, made)
        return self._maps["reporter"][name]

    def label(self, kind: str, text: str) -> str:
        """Return the pseudonym of a text of another kind: of an input, a report, a result type."""
        return self._pseudonym(kind, text, lambda digits, length: f"{kind}-{_letters(digits, length)}")

    def hexadecimal(self, digits: str) -> str:
        """Return as many digits in place of those of a hash or key, which would name the host."""
        plain = digits.replace(" ", "").lower()
        size = max(len(plain), 8)
        return self._pseudonym("hash", plain, lambda made, _: (made * (size // 64 + 1))[:size])

    def _look_for(self, name: str, pseudonym: str) -> None:
        """Note a name that texts may hold; not one that is a common word: in its place, a pseudonym would reveal it.

        Hosts and addresses are known by their form.
        """
        if re.search(r"[.:@]", name) and " " not in name:
            return
        words = _WORD.findall(name)
        if len(name) > 2 and words and not all(map(is_harmless, words)):
            parts = r"\s+".join(map(re.escape, name[name.index(words[0]) :].split()))
            case = re.NOFLAG if all(is_harmless(word.lower()) for word in words) else re.IGNORECASE
            self._in_texts[words[0].casefold()].append((re.compile(rf"{parts}(?!\w)", case), pseudonym))

    def names_in(self, text: str) -> list[tuple[int, int, str]]:
        """Return where known names are in a text: start, end, and the pseudonym of the longest; in order, none twice."""
        places: list[tuple[int, int, str]] = []
        for word in _WORD.finditer(text):
            if places and word.start() < places[-1][1]:
                continue
            matches = [
                (match.end(), pseudonym)
                for pattern, pseudonym in self._in_texts.get(word.group().casefold(), ())
                if (match := pattern.match(text, word.start()))
            ]
            if matches:
                places.append((word.start(), *max(matches)))
        return places


def as_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that a text is; None for others."""
    try:
        return ipaddress.ip_address(text.strip().removesuffix("."))
    except ValueError:
        return None


def _letters(digits: str, length: int) -> str:
    # No letter twice in a row: "XXX" is no name for a reporter.
    return "".join(after for before, after in pairwise(f"-{digits}") if before != after)[:length].translate(_LETTERS)


def _v4(digits: str, length: int) -> str:
    # Where an archive has more addresses than the range, reserved ones (RFC 1112 §4).
    start, size = (_BENCHMARK, 1 << 17) if length < 8 else (0xF0000000, 1 << 28)
    return str(ipaddress.IPv4Address(start + int(digits[:16], 16) % size))


def _v6(digits: str, _length: int) -> str:
    return str(ipaddress.IPv6Address(_DOCUMENTATION + int(digits[:8], 16)))


def check_given(given: Mapping[object, object]) -> dict[str, str]:
    """Return a mapping of names to pseudonyms; fail where it is none, or gives one pseudonym to two names."""
    for name, pseudonym in given.items():
        if not isinstance(name, str) or not isinstance(pseudonym, str) or not name.strip() or not pseudonym.strip():
            raise PublishError(
                f"redact maps {one_line(name, 80)!r} to {one_line(pseudonym, 80)!r}: give text for text."
            )
    clean = {str(name): str(pseudonym) for name, pseudonym in given.items()}
    if len(set(clean.values())) < len(clean):
        raise PublishError("redact gives one pseudonym to two names; a reader would take them for one.")
    return clean
