"""Mail providers, by the suffix of their MX hosts, and what their customers should know about patterns."""

from __future__ import annotations

from dataclasses import dataclass

from mtasts_nb.knowledge import providers

from ._names import host_name

__all__ = ["GOOGLE", "MICROSOFT", "MX_MICROSOFT", "MailProvider", "mail_provider"]


@dataclass(frozen=True, slots=True)
class MailProvider:
    """A mail provider.

    Attributes
    ----------
    name : str
        As people know it.
    suffixes : tuple of str
        Ends of the names of its MX hosts.
    advice : str
        What to know about the patterns of a policy for it.
    """

    name: str
    suffixes: tuple[str, ...]
    advice: str = ""

    def owns(self, host: str) -> bool:
        """Return whether a host, or the domain of a pattern, is one of this provider."""
        name = host_name(host.removeprefix("*."))
        return any(name == suffix or name.endswith("." + suffix) for suffix in self.suffixes)


# What to know about the patterns, by provider and form; who there is, and by which names, is in `knowledge`.
_ADVICE = {
    ("Microsoft 365", ""): "The exact host from the MX record is as valid as `*.mail.protection.outlook.com`, and "
    "narrower: the wildcard permits the hosts of every other customer too. The certificate is the provider's business.",
    ("Microsoft 365", "mx.microsoft"): "Newer domains have MX hosts of the form `name.x-v1.mx.microsoft`, two labels "
    "below `mx.microsoft`. Neither `*.mail.protection.outlook.com` nor `*.mx.microsoft` permits them: take the exact "
    "host from the MX record.",
    ("Google Workspace", ""): "Take the patterns from the real MX records. Older domains have `aspmx.l.google.com` and "
    "`alt1.aspmx.l.google.com` to `alt4…`, newer ones `smtp.google.com` alone. The widely copied pair "
    "`*.google.com`, `*.googlemail.com` permits `smtp.google.com` but none of the older hosts: a wildcard stands "
    "for one label.",
}
_KNOWN = {
    (one.name, one.form): MailProvider(
        f"{one.name} ({one.form})" if one.form else one.name, one.mx, _ADVICE.get((one.name, one.form), "")
    )
    for one in providers()
    if one.mx
}
MICROSOFT = _KNOWN["Microsoft 365", ""]
MX_MICROSOFT = _KNOWN["Microsoft 365", "mx.microsoft"]
GOOGLE = _KNOWN["Google Workspace", ""]


def mail_provider(host: str) -> MailProvider | None:
    """Return the provider of an MX host or pattern, None where it is not a known one.

    Examples
    --------
    >>> mail_provider("alt1.aspmx.l.google.com").name
    'Google Workspace'
    """
    return next((known for known in _KNOWN.values() if known.owns(host)), None)
