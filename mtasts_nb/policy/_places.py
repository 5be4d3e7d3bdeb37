"""Where the texts of a domain belong."""

from __future__ import annotations

from mtasts_nb.errors import MtaStsNbError
from mtasts_nb.markup import one_line

from ._names import domain_name

__all__ = ["places"]


def places(domain: str) -> dict[str, str]:
    """Return where the `_mta-sts` record, the policy file and the `_smtp._tls` record of a domain belong.

    Parameters
    ----------
    domain : str
        The policy domain; U-labels become A-labels.

    Raises
    ------
    MtaStsNbError
        This is no domain name.

    Examples
    --------
    >>> places("nordwind.example")["policy"]
    'https://mta-sts.nordwind.example/.well-known/mta-sts.txt'
    """
    name = domain_name(domain)
    if name is None:
        raise MtaStsNbError(f"{one_line(domain, 100)}: not a domain name. Write it as in a mail address, after the @.")
    return {
        "record": f"_mta-sts.{name} (TXT)",
        "policy": f"https://mta-sts.{name}/.well-known/mta-sts.txt",
        "tlsrpt_record": f"_smtp._tls.{name} (TXT)",
    }
