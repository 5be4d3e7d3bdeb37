"""Mail providers, by the suffix of their MX hosts, and what their customers should know about patterns."""

from __future__ import annotations

from dataclasses import dataclass

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


MICROSOFT = MailProvider(
    "Microsoft 365",
    ("mail.protection.outlook.com",),
    "The exact host from the MX record is as valid as `*.mail.protection.outlook.com`, and narrower: the wildcard "
    "permits the hosts of every other customer too. The certificate is the provider's business.",
)
MX_MICROSOFT = MailProvider(
    "Microsoft 365 (mx.microsoft)",
    ("mx.microsoft",),
    "Newer domains have MX hosts of the form `name.x-v1.mx.microsoft`, two labels below `mx.microsoft`. Neither "
    "`*.mail.protection.outlook.com` nor `*.mx.microsoft` permits them: take the exact host from the MX record.",
)
GOOGLE = MailProvider(
    "Google Workspace",
    ("google.com", "googlemail.com"),
    "Take the patterns from the real MX records. Older domains have `aspmx.l.google.com` and "
    "`alt1.aspmx.l.google.com` to `alt4…`, newer ones `smtp.google.com` alone. The widely copied pair "
    "`*.google.com`, `*.googlemail.com` permits `smtp.google.com` but none of the older hosts: a wildcard stands "
    "for one label.",
)
_OTHERS = (
    MailProvider("Proofpoint", ("pphosted.com", "ppe-hosted.com")),
    MailProvider("Mimecast", ("mimecast.com", "mimecast.co.za")),
    MailProvider("Barracuda", ("barracudanetworks.com",)),
    MailProvider("Cisco Secure Email", ("iphmx.com",)),
    MailProvider("Zoho Mail", ("zoho.com", "zoho.eu", "zoho.in", "zoho.com.au", "zohomail.com")),
    MailProvider("Fastmail", ("messagingengine.com",)),
    MailProvider("Proton Mail", ("protonmail.ch",)),
    MailProvider("iCloud Mail", ("mail.icloud.com",)),
    MailProvider("Amazon SES or WorkMail", ("amazonaws.com",)),
    MailProvider("Cloudflare Email Routing", ("mx.cloudflare.net",)),
    MailProvider("Migadu", ("migadu.com",)),
    MailProvider("Gandi", ("mail.gandi.net",)),
    MailProvider("OVHcloud", ("mail.ovh.net",)),
    MailProvider("Infomaniak", ("infomaniak.ch",)),
    MailProvider("IONOS", ("kundenserver.de", "ionos.com", "ionos.de")),
    MailProvider("Yandex", ("yandex.net", "yandex.ru")),
)


def mail_provider(host: str) -> MailProvider | None:
    """Return the provider of an MX host or pattern, None where it is not a known one.

    Examples
    --------
    >>> mail_provider("alt1.aspmx.l.google.com").name
    'Google Workspace'
    """
    return next((known for known in (MICROSOFT, MX_MICROSOFT, GOOGLE, *_OTHERS) if known.owns(host)), None)
