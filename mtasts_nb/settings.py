"""What a caller may set: how the probe reaches the world, and limits for input from strangers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["ALLOWANCE_BYTES", "Limits", "ProbeSettings", "utc_now"]

#: The allowances of `Limits` hold for a source, and again for each so many bytes of it.
ALLOWANCE_BYTES = 64 * 1024

Endpoint = tuple[str, int]


def utc_now() -> datetime:
    """Return the present time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an input of `load` may cost. An input that exceeds a limit is a row in `Archive.rejects`.

    The defaults are far above what real reporters send (the largest public sample of a report is below 1 MB) and low
    enough that hostile input cannot exhaust a laptop.

    `rows`, `label_bytes` and `cpu_seconds` are allowances of a source: a file, or what was given as bytes or file object. A source may cost that
    much whatever its size, and as much again for each 64 KiB of it, as stored. A mail of an mbox, and a file of a tar or
    zip that is not compressed as a whole, has the allowance of its own size before it uses the free part, so that a
    hostile mail does not use up what its neighbours need.

    Attributes
    ----------
    report_bytes : int
        Largest report after decompression, in bytes.
    input_bytes : int
        Largest single mail, compressed report, or zip inside another container, in bytes before decompression. Folders, mbox
        files and other containers are read member by member and may be larger.
    expansion_ratio : int
        Largest ratio of all bytes that are unpacked to the size of the source, once they exceed 1 MiB. Members of a zip
        that share bytes of the file are refused whatever their size.
    members : int
        Most members of one container (zip, tar, NDJSON, JSON array, mail).
    nesting : int
        Deepest nesting of containers in one another.
    json_depth : int
        Deepest nesting of objects and arrays in a report; RFC 8460 §4.4 needs 6.
    json_values : int
        Most values in a report that is not exactly in the form of RFC 8460 §4.4, by its commas and opening brackets.
    rows : int
        Most rows in all tables of the archive together.
    label_bytes : int
        Most bytes of text in UTF-8 in these rows: names of members, texts of reports not seen before, values of deviations.
    cpu_seconds : float
        Longest CPU time, in seconds; waiting for a disk or network does not count.
    network_seconds : float
        Longest wait for one answer of a mail server or bucket, in seconds. Not an allowance: each answer may take as long.

    Notes
    -----
    What the worst inputs of the tests cost until the limit stopped them, with the defaults, on one core of a busy machine:

    ================ ============================== ======== =========
    limit            input                          CPU time memory
    ================ ============================== ======== =========
    report_bytes     a text of 17 MB                0.02 s   0 MB
    expansion_ratio  16 kB of gzip, mails in mails  0.04 s   8 MB
    json_values      81 kB, 200,000 values          0.46 s   3 MB
    rows             2 kB of zip, 60,000 lines      0.84 s   21 MB
    rows             241 kB of gzip, 80,000 objects 0.15 s   34 MB
    ================ ============================== ======== =========

    Measured once each. The others, `label_bytes` and `cpu_seconds` among them, were not measured.

    Examples
    --------
    >>> Limits(members=10).members
    10
    """

    report_bytes: int = 16 * 1024 * 1024
    input_bytes: int = 64 * 1024 * 1024
    expansion_ratio: int = 400
    members: int = 200_000
    nesting: int = 8
    json_depth: int = 32
    json_values: int = 250_000
    rows: int = 25_000
    label_bytes: int = 8 * 1024 * 1024
    cpu_seconds: float = 2.5
    network_seconds: float = 60.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            least = 0 if name.endswith("_seconds") else 1
            if not getattr(self, name) >= least:
                raise ValueError(f"Limits.{name} must be at least {least}, not {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSettings:
    """How the probe reaches DNS, the policy host and the MX hosts. The defaults are the real internet.

    Attributes
    ----------
    nameservers : tuple of str
        Addresses of recursive resolvers; empty means those of the system.
    dns_port, https_port, smtp_port : int
        Ports to connect to.
    timeout : float
        Longest wait for one step (a DNS query, a step of a connection), in seconds.
    deadline : float
        Longest wait for the whole probe of one domain, in seconds.
    trust_roots : Path or None
        A PEM file of trusted roots; None means the bundled Mozilla roots (certifi). One store serves HTTPS and SMTP.
    helo_name : str
        The name given in EHLO.
    ipv4, ipv6 : bool
        Which address families to try.
    allow_private : bool
        Whether private, loopback and link-local addresses may be contacted.
    now : callable
        Returns the present time, in UTC.
    signed_name : str
        A name whose SOA record is known to be signed (DNSSEC), by default the root: if the resolver does not mark that
        answer as validated, it validates none. Asked for only if the domain's own answers leave it open.
    reference_mx : str
        An MX host elsewhere that is known to answer, for example that of your own provider. If nothing answers on port 25
        of the domain's MX hosts, it is connected to: it shows whether they are down or port 25 is closed here.
    routes : mapping
        From (address, port) in the DNS to the (address, port) to connect to instead. The lab routes documentation
        addresses to loopback ports this way; the checks see the original address.

    Examples
    --------
    >>> ProbeSettings(timeout=3.0).smtp_port
    25
    """

    nameservers: tuple[str, ...] = ()
    dns_port: int = 53
    https_port: int = 443
    smtp_port: int = 25
    timeout: float = 10.0
    deadline: float = 60.0
    trust_roots: Path | None = None
    helo_name: str = "mtasts-nb.invalid"
    ipv4: bool = True
    ipv6: bool = True
    allow_private: bool = False
    now: Callable[[], datetime] = utc_now
    signed_name: str = "."
    reference_mx: str = ""
    routes: Mapping[Endpoint, Endpoint] = field(default_factory=dict)
