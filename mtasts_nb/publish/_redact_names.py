"""Pseudonyms: the same name gives the same pseudonym throughout a document, and nothing of the name is in it."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import resources

from ..errors import PublishError
from ..markup import one_line

__all__ = ["Pseudonyms", "check_given", "is_host"]

# Labels that say what a name is for, and nothing about whose it is (RFC 8461 §3.1, §3.2; RFC 8460 §3; RFC 7672 §3).
_KEPT_LABELS = frozenset({"*", "mta-sts", "_mta-sts", "_smtp", "_tls", "_25", "_tcp"})
_HOST = re.compile(r"(?=.{4,253}$)(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_TLSA = re.compile(r"([0-3] [01] [0-2]) ?([0-9a-f ]{8,})", re.IGNORECASE)
_CHUNK = re.compile(r"[^\s,;=<>()\[\]{}\"'|`\\!]+")
_WORD_PARTS = re.compile(r"[^A-Za-z0-9]+")
# Status codes and versions of TLS; and the X with which a middlebox overwrites STARTTLS.
_NUMBER = re.compile(r"\d{1,3}|1\.[0-3]|[245]\.\d{1,3}\.\d{1,3}|X{4,}A?")
_MAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_LEFT_OUT = "…"


@cache
def _plain_words() -> frozenset[str]:
    """Return the words that a reason or a banner may keep: those of the protocols, and none that names anyone."""
    text = (resources.files(__package__) / "_plain_words.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def is_host(text: str) -> bool:
    """Whether a text has the form of a host name with two labels or more, or of a pattern for some."""
    return _HOST.fullmatch(text.lower().removesuffix(".")) is not None


class Pseudonyms:
    """Pseudonyms for domains, hosts, addresses and reporters.

    Parameters
    ----------
    seed : str, optional
        With it a name has the same pseudonym in every document made with that seed; without the seed, nobody can find
        the name by trying. If None, pseudonyms are numbered, in the order in which names are first asked for.
    given : mapping of str to str, optional
        Names with the pseudonyms to take for them.
    avoid : iterable of str
        Names that no pseudonym may be, since they occur themselves.

    Examples
    --------
    >>> names = Pseudonyms()
    >>> names.domain("nordwind.example"), names.host("mx1.nordwind.example"), names.host("*.nordwind.example")
    ('domain1.example', 'host1.domain1.example', '*.domain1.example')
    >>> names.address("203.0.113.9"), names.address("2001:db8:1::9"), names.reporter("Post")
    ('192.0.2.1', '2001:db8::1', 'Reporter A')
    >>> names.scrubbed("X509_V_ERR_CERT_HAS_EXPIRED at mx1.nordwind.example by Anna")
    'X509_V_ERR_CERT_HAS_EXPIRED at host1.domain1.example by …'
    """

    def __init__(
        self, seed: str | None = None, given: Mapping[str, str] | None = None, avoid: Iterable[str] = ()
    ) -> None:
        self._seed = None if seed is None else seed.encode("utf-8", "surrogatepass")
        self._given = {name.lower(): pseudonym for name, pseudonym in (given or {}).items()}
        self._avoid = {name.lower() for name in avoid} | set(self._given.values())
        self._maps: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._bases: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._taken: set[str] = set()
        self._prose: re.Pattern[str] | None = None

    @property
    def originals(self) -> set[str]:
        """Every name that has a pseudonym, in the case in which it came."""
        return {name for mapping in self._maps.values() for name in mapping}

    def keyed(self, text: str) -> str:
        """Return a hash of a text that can be computed only with the seed; empty without a seed."""
        if self._seed is None:
            return ""
        return hmac.new(self._seed, text.encode("utf-8", "surrogatepass"), "sha256").hexdigest()

    def _pseudonym(self, kind: str, key: str, numbered: Callable[[int], str], hashed: Callable[[str], str]) -> str:
        """Return the pseudonym of a key, one that no other name has and no original is."""
        made = self._maps[kind].get(key) or self._given.get(key.lower())
        attempt = 0
        while made is None:
            attempt += 1
            self._counts[kind] += 1
            made = numbered(self._counts[kind]) if self._seed is None else hashed(self.keyed(f"{kind} {attempt} {key}"))
            if made.lower() in self._avoid or made in self._taken:
                made = None
        self._taken.add(made)
        return self._maps[kind].setdefault(key, made)

    def domain(self, name: str) -> str:
        """Return the pseudonym of a policy domain, or of any other name under which hosts are."""
        key = name.strip().lower().removesuffix(".")
        if key in ("", "unknown"):
            return key
        self._bases.add(key)
        return self._pseudonym(
            "domain", key, lambda number: f"domain{number}.example", lambda digits: f"domain-{digits[:6]}.example"
        )

    def host(self, name: str) -> str:
        """Return the pseudonym of a host name or pattern; what is under one domain stays under one."""
        key = name.strip().lower().removesuffix(".")
        if not key:
            return ""
        if key in self._bases or not _HOST.fullmatch(key):
            return self.domain(key)
        label, _, rest = key.partition(".")
        if "." not in rest and rest not in self._bases:
            return self.domain(key)
        parent = self.host(rest)
        if label in _KEPT_LABELS and key not in self._given:
            return self._maps["host"].setdefault(key, f"{label}.{parent}")
        # Hosts are numbered by the domain they are in, however deep.
        base = ".".join(part for part in parent.split(".") if not part.startswith("host"))
        return self._pseudonym(
            f"host in {base}",
            key,
            lambda number: f"host{number}.{parent}",
            lambda digits: f"host-{digits[:6]}.{parent}",
        )

    def address(self, text: str) -> str:
        """Return the pseudonym of an IP address: of the documentation and benchmark ranges (RFC 5737, 3849, 2544)."""
        key = text.strip().lower()
        if not key:
            return ""
        try:
            version: int = ipaddress.ip_address(key).version
        except ValueError:
            version = 0
        return self._pseudonym(f"address {version}", key, *_ADDRESSES[version])

    def reporter(self, name: str) -> str:
        """Return the pseudonym of a reporter; one that gives no name has none."""
        if not name.strip():
            return name
        return self._pseudonym(
            "reporter",
            name,
            lambda number: f"Reporter {_letters(number)}",
            lambda digits: f"Reporter {digits[:5].upper()}",
        )

    def key(self, digits: str) -> str:
        """Return digits that stand for those of a TLSA record: they would name the key, and so the host."""
        plain = digits.replace(" ", "").lower()
        return self._pseudonym("key", plain, lambda number: f"{number:08x}" * 8, lambda made: made)

    def _known(self, chunk: str) -> str | None:
        """Return the pseudonym of an address or host name; None for any other text."""
        if any(sign in chunk for sign in ".:"):
            try:
                ipaddress.ip_address(chunk)
            except ValueError:
                pass
            else:
                return self.address(chunk)
        return self.host(chunk) if is_host(chunk) else None

    def scrubbed(self, text: str) -> str:
        """Return a stranger's free text with names and addresses replaced, and only the words of the protocols kept.

        Anything else becomes an ellipsis: a queue id, a user's name, a company's.
        """

        def put(match: re.Match[str]) -> str:
            chunk = match.group()
            core = chunk.strip(".:/-")
            if not core:
                return chunk
            if "@" in core:
                return _LEFT_OUT
            if (known := self._known(core)) is not None:
                return chunk.replace(core, known)
            if _NUMBER.fullmatch(core):
                return chunk
            words = [word for word in _WORD_PARTS.split(core) if word]
            plain = all(word.lower() in _plain_words() or _NUMBER.fullmatch(word) for word in words)
            return chunk if words and plain else _LEFT_OUT

        line = _TLSA.sub(lambda match: f"{match[1]} {self.key(match[2])}", text)
        return re.sub(rf"{_LEFT_OUT}(\s*{_LEFT_OUT})+", _LEFT_OUT, _CHUNK.sub(put, line)) if line == text else line

    def prose(self, text: str) -> str:
        """Return an author's own text with the names that occur in the reports, and all addresses and host names, replaced."""
        if self._prose is None:
            words = {name for name in self._maps["reporter"] if len(name) > 2}
            self._prose = re.compile(
                "|".join(
                    rf"(?<!\w){re.escape(word)}(?!\w)" for word in sorted(words, key=lambda word: (-len(word), word))
                )
                or "(?!)"
            )
        text = self._prose.sub(lambda match: self.reporter(match.group()), text)
        text = _MAIL.sub(_LEFT_OUT, text)

        def put(match: re.Match[str]) -> str:
            chunk = match.group()
            core = chunk.strip(".:/-?")
            parts = re.split(r"(/|:(?=\d{1,5}$))", core)
            known = self._known(core)
            if known is None and len(parts) > 1:
                known = "".join(self._known(part) or part for part in parts)
            return chunk.replace(core, known) if known is not None else chunk

        return _CHUNK.sub(put, text)


def _letters(number: int) -> str:
    """Return A to Z, AA to ZZ and so on."""
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def _v4(number: int) -> str:
    if number <= 254:
        return f"192.0.2.{number}"
    return str(ipaddress.IPv4Address(int(ipaddress.IPv4Address("198.18.0.0")) + number % 131_072))


_ADDRESSES: Mapping[int, tuple[Callable[[int], str], Callable[[str], str]]] = {
    4: (_v4, lambda digits: str(ipaddress.IPv4Address(int(ipaddress.IPv4Address("198.18.0.0")) + int(digits[:16], 16) % 131_072))),
    6: (
        lambda number: str(ipaddress.IPv6Address((0x20010DB8 << 96) + number)),
        lambda digits: str(ipaddress.IPv6Address((0x20010DB8 << 96) + int(digits[:16], 16))),
    ),
    0: (lambda number: f"address {number}", lambda digits: f"address {digits[:6]}"),
}  # fmt: skip


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
