"""Who operates the servers that failed sessions came from: by reverse DNS and by a local file of autonomous systems."""

from __future__ import annotations

import gzip
import ipaddress
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd

from ..analysis import Table
from ..errors import SourceError
from ..markup import one_line, plural
from ..probe import ReverseName, reverse_names
from ..render import frame
from ..settings import ProbeSettings
from ..vocabulary import Status

if TYPE_CHECKING:
    from ..reports import Source

__all__ = ["sending_operators"]

NOT_NAMED: Final = "(address not named)"
#: Two labels name a domain that someone can register, three below ``co.uk`` and the like.
_SECOND_LEVEL: Final = frozenset({"ac", "co", "com", "edu", "gob", "gov", "gouv", "ne", "net", "or", "org"})
_SPLIT: Final = re.compile(r"[\t,;|]| +")
_LARGEST: Final = 512 * 1024 * 1024
_MOST_NAMES: Final = 20
_COLUMNS: Final = (
    "operator", "basis", "asn", "hosts", "addresses", "reporters", "failed_session_count", "first", "last"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Network:
    """What the file says of an address: its smallest range there."""

    size: int
    asn: int
    name: str


def sending_operators(
    source: Source,
    *,
    domain: str | None = None,
    reverse_dns: bool = False,
    asn_file: str | Path | None = None,
    settings: ProbeSettings | None = None,
    most: int = 200,
) -> Table:
    """Return who operates the servers that failed sessions came from (RFC 8460 §4.4, `sending-mta-ip`).

    An operator is the domain of the server's host name, where reverse DNS gives one that leads back to the address; else
    the autonomous system of the address, where the file has it; else the address itself. Servers of the same operator
    are one row. Reports name the addresses of failed sessions only.

    Parameters
    ----------
    source : Archive or store
    domain : str, optional
        Only this policy domain.
    reverse_dns : bool, optional
        Ask the DNS. Off by default: the questions show the resolver, and the operator of the reverse zone, which addresses
        the reports name.
    asn_file : str or Path, optional
        Lines of prefix, AS number and name, or of first address, last address, AS number, country and name; separated by
        tab, comma, semicolon or space; may be gzip. It is read on this machine.
    settings : ProbeSettings, optional
        How the DNS is reached; all lookups end within its `deadline`.
    most : int, optional
        How many addresses are looked up in the DNS, those with the most failed sessions.

    Returns
    -------
    Table
        Columns ``operator``, ``basis`` (``reverse DNS``, ``ASN`` or ``address``), ``asn`` (Int64), ``hosts`` (confirmed
        names, LF between them), ``addresses`` (int64), ``reporters`` (LF between them), ``failed_session_count`` (int64),
        ``first``, ``last`` (days, UTC); the most failed sessions first. Sessions without an address are one row.

    Raises
    ------
    SourceError
        The file cannot be read, or has no line of that form.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> table = sending_operators(sts.load(sts.sample_dir(), progress=False))
    >>> set(table.frame["basis"])
    {'address'}
    """
    rows = _failures(source, domain)
    by_address = (
        rows.groupby("sending_mta_ip")["failed_session_count"].sum().sort_values(ascending=False, kind="stable")
    )
    addresses = [str(address) for address in by_address.index if address]
    names = reverse_names(addresses[:most], settings or ProbeSettings()) if reverse_dns else {}
    systems = _systems(Path(asn_file), addresses) if asn_file is not None else {}
    known = {address: _operator(address, names.get(address), systems.get(address)) for address in (*addresses, "")}
    table = _folded(rows, known, names, systems)
    return Table(
        table,
        {
            "operator": "Operator", "basis": "Known by", "asn": "AS", "hosts": "Hosts", "addresses": "Addresses",
            "reporters": "Reporters", "failed_session_count": "Failed sessions", "first": "First", "last": "Last",
        },
        caption=_caption(table, addresses, names),
        nothing="No failed session names the address that it came from.",
    )  # fmt: skip


def _failures(source: Source, domain: str | None) -> pd.DataFrame:
    columns = ["policy_domain", "sending_mta_ip", "organization_name", "failed_session_count", "day"]
    pieces = []
    for _, failures in source.session_rows([], columns):
        about = failures if domain is None else failures[failures["policy_domain"].astype("str") == domain]
        if len(about):
            texts = {name: about[name].astype("object").fillna("").astype("str") for name in columns[1:3]}
            pieces.append(about.assign(**texts)[columns[1:]])
    if not pieces:
        return pd.DataFrame({"sending_mta_ip": [], "organization_name": [], "failed_session_count": [], "day": []})
    return pd.concat(pieces, ignore_index=True)


def _operator(address: str, name: ReverseName | None, system: _Network | None) -> tuple[str, str]:
    """Return who operates an address, and by what that is known."""
    if name is not None and name.host:
        return _registered(name.host), "reverse DNS"
    if system is not None:
        return one_line(system.name, 100) or f"AS{system.asn}", "ASN"
    return (one_line(address, 100), "address") if address else (NOT_NAMED, "address")


def _registered(host: str) -> str:
    """Return the domain that a host name is probably registered under, without a list of all registries.

    Examples
    --------
    >>> _registered("out-7.mail.nordwind.example"), _registered("mx.nordwind.co.uk")
    ('nordwind.example', 'nordwind.co.uk')
    """
    labels = host.split(".")
    count = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else 2
    return ".".join(labels[-count:])


def _folded(
    rows: pd.DataFrame,
    known: Mapping[str, tuple[str, str]],
    names: Mapping[str, ReverseName],
    systems: Mapping[str, _Network],
) -> pd.DataFrame:
    operators = rows["sending_mta_ip"].map(known)
    table = []
    for (operator, basis), part in rows.groupby(operators, sort=False) if len(rows) else ():
        addresses = [address for address in part["sending_mta_ip"].unique() if address]
        numbers = {systems[address].asn for address in addresses if address in systems}
        hosts = sorted({names[address].host for address in addresses if address in names and names[address].host})
        table.append(
            {
                "operator": operator,
                "basis": basis,
                "asn": numbers.pop() if len(numbers) == 1 else None,
                "hosts": _lines(hosts),
                "addresses": len(addresses),
                "reporters": _lines(sorted(name for name in part["organization_name"].unique() if name)),
                "failed_session_count": int(part["failed_session_count"].sum()),
                "first": part["day"].min(),
                "last": part["day"].max(),
            }
        )
    made = frame(table, list(_COLUMNS)).astype({"asn": "Int64"})
    return made.sort_values(["failed_session_count", "operator"], ascending=[False, True]).reset_index(drop=True)


def _lines(texts: Sequence[str]) -> str:
    lines = [one_line(text, 120) for text in texts[:_MOST_NAMES]]
    return "\n".join((*lines, f"and {len(texts) - _MOST_NAMES} more") if len(texts) > _MOST_NAMES else lines)


def _caption(table: pd.DataFrame, addresses: Sequence[str], names: Mapping[str, ReverseName]) -> str:
    text = f"Failed sessions came from {plural(len(addresses), 'address', 'addresses')} of {plural(len(table), 'operator')}."
    if names:
        unobserved = sum(name.status is Status.NOT_OBSERVED for name in names.values())
        left = len(addresses) - len(names)
        text += f" {plural(len(names), 'address was', 'addresses were')} looked up"
        text += f", {unobserved} of them without an answer" if unobserved else ""
        text += f"; {left} with fewer failed sessions {'was' if left == 1 else 'were'} not" if left else ""
        text += "."
    return text


# -- the file


def _systems(path: Path, addresses: Iterable[str]) -> dict[str, _Network]:
    """Return the smallest range of the file around each address; the file is read line by line."""
    wanted: dict[int, list[tuple[int, str]]] = {4: [], 6: []}
    for address in addresses:
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            continue
        wanted[ip.version].append((int(ip), address))
    numbers = {version: sorted(entries) for version, entries in wanted.items()}
    keys = {version: [number for number, _ in entries] for version, entries in numbers.items()}
    best: dict[str, _Network] = {}
    ranges = 0
    for version, first, last, asn, name in _ranges(path):
        ranges += 1
        for number in range(bisect_left(keys[version], first), bisect_right(keys[version], last)):
            address = numbers[version][number][1]
            if address not in best or last - first < best[address].size:
                best[address] = _Network(last - first, asn, name)
    if not ranges:
        raise SourceError(
            f"{path} has no line of the form `192.0.2.0/24 64496 Name` or `192.0.2.0 192.0.2.255 64496 XX Name`. "
            "Name a file of prefixes and AS numbers."
        )
    # AS 0 stands for what is not routed (RFC 7607).
    return {address: system for address, system in best.items() if system.asn}


def _ranges(path: Path) -> Iterator[tuple[int, int, int, int, str]]:
    """Yield version, first and last address as numbers, AS number and name of each line that has them."""
    try:
        with path.open("rb") as raw:
            file = gzip.open(raw) if raw.read(2) == b"\x1f\x8b" else raw  # noqa: SIM115 - closed with `raw`
            raw.seek(0)
            read = 0
            while line := file.readline(4096):
                read += len(line)
                if read > _LARGEST:
                    raise SourceError(f"{path} is larger than {_LARGEST // 1024 // 1024} MiB, which no such file is.")
                if entry := _entry(line.decode("utf-8", "replace").strip()):
                    yield entry
    except (OSError, EOFError) as error:
        raise SourceError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}. Check the path."
        ) from None


def _entry(line: str) -> tuple[int, int, int, int, str] | None:
    cells = [cell.strip().strip('"') for cell in _SPLIT.split(line)]
    try:
        if "/" in cells[0]:
            network = ipaddress.ip_network(cells[0], strict=False)
            first, last, rest = network.network_address, network.broadcast_address, cells[1:]
            name = " ".join(rest[1:])
        else:
            first, last, rest = ipaddress.ip_address(cells[0]), ipaddress.ip_address(cells[1]), cells[2:]
            name = " ".join(rest[2:])
        number = rest[0].upper().removeprefix("AS")
        if not number.isascii() or not number.isdigit() or len(number) > 10 or first.version != last.version:
            return None
        return first.version, int(first), int(last), int(number), name
    except (ValueError, IndexError):
        return None
