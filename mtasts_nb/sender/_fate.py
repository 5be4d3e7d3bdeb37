"""What becomes of a message after every MX host, in order of preference (RFC 5321 §5.1)."""

from __future__ import annotations

from dataclasses import dataclass

from ..markup import one_line
from ..probe import MxHost, Probe
from ..vocabulary import PolicyType, Status
from ._outcomes import Delivery, Row
from ._session import Address

__all__ = ["Host", "fate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """An MX host, and what comes of the message at each of its addresses."""

    mx: MxHost
    addresses: tuple[Address, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of its addresses."""
        return tuple(row for address in self.addresses for row in address.rows)

    @property
    def delivery(self) -> Delivery:
        """What becomes of the message at this host: each address is tried until one takes it.

        The order of addresses is the sender's own affair: where one takes the message unprotected it is not protected.
        """
        fates = {address.delivery for address in self.addresses}
        taken = [fate for fate in (Delivery.WITHOUT_STS, Delivery.DELIVERED) if fate in fates]
        if taken:
            return taken[0]
        return next(
            (fate for fate in (Delivery.UNKNOWN, Delivery.DEFERRED, Delivery.BOUNCED) if fate in fates),
            Delivery.UNKNOWN,
        )


def fate(probe: Probe, hosts: list[Host]) -> tuple[Delivery, str, tuple[Row, ...]]:
    """Return the message's fate, why, and the rows of a domain whose MX hosts cannot be told."""
    if not hosts:
        delivery, why = _without_hosts(probe)
        kind = PolicyType.NO_POLICY_FOUND
        return delivery, why, (Row(policy_type=kind, mx=probe.domain, delivery=delivery, why=why),)
    return (*_walk(hosts), ())


def _without_hosts(probe: Probe) -> tuple[Delivery, str]:
    attempt = probe.mx
    detail = one_line(attempt.detail, 160)
    if attempt.status is Status.NOT_OBSERVED:
        return Delivery.UNKNOWN, f"The MX records were not looked up: {detail}."
    if attempt.status is Status.FAILED:
        return (
            Delivery.DEFERRED,
            f"The MX records cannot be looked up ({detail}): senders wait and ask again (RFC 5321 §5.1).",
        )
    return Delivery.BOUNCED, f"{probe.domain} does not exist or takes no mail ({detail}): mail bounces (RFC 5321 §5.1)."


def _walk(hosts: list[Host]) -> tuple[Delivery, str]:
    if len(hosts) == 1 and hosts[0].mx.problem == "null":
        return Delivery.BOUNCED, "The null MX says that the domain takes no mail: it bounces (RFC 7505 §3)."
    passed: list[str] = []
    unknown: list[str] = []
    for host in hosts:
        delivery, name = host.delivery, one_line(host.mx.host, 120)
        if delivery.accepted:
            protected = "" if delivery is Delivery.DELIVERED else ", without the protection of MTA-STS"
            return delivery, f"{name} takes the message{protected}.{_before(passed, unknown)}"
        (unknown if delivery is Delivery.UNKNOWN else passed).append(name)
    if unknown:
        return Delivery.UNKNOWN, f"What comes of it at {', '.join(unknown)} is not known.{_before(passed, [])}"
    if all(host.delivery is Delivery.BOUNCED for host in hosts):
        return Delivery.BOUNCED, f"No host to deliver to: {', '.join(passed)}. The message is returned (RFC 5321 §5.1)."
    return (
        Delivery.DEFERRED,
        f"No MX host is left ({', '.join(passed)}): the message waits and is tried again (RFC 5321 §4.5.4.1).",
    )


def _before(passed: list[str], unknown: list[str]) -> str:
    text = f" Before it, {', '.join(passed)} could not be used." if passed else ""
    return text + (f" Whether {', '.join(unknown)} would have taken it is not known." if unknown else "")
