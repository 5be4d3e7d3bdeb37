"""One domain seen live: what its DNS, policy host and MX hosts answer to a sender.

`probe` looks and gives back a `Probe`, frozen evidence with the findings drawn from it; `probe_many` does so for a list
of domains; `load_probe` reads what `Probe.save` wrote, and `compare_probes` says what changed between two.
"""

from ._compare import Change, Comparison, compare_probes
from ._evidence import (
    Certificate,
    DnsAnswer,
    DnsAttempt,
    DnsQuery,
    DnsRecord,
    HttpAttempt,
    HttpRequest,
    HttpResponse,
    IssuerFetch,
    MxHost,
    PolicyHost,
    Provider,
    SmtpAttempt,
    SmtpReply,
    SmtpRequest,
    TlsaMatch,
    TlsSession,
    Validation,
    Vantage,
    Verdict,
)
from ._judge import finding_codes
from ._judge_certificates import certificate_faults
from ._look import probe
from ._many import Probes, probe_many
from ._probe import Probe
from ._snapshot import load_probe

__all__ = [
    "Certificate",
    "Change",
    "Comparison",
    "DnsAnswer",
    "DnsAttempt",
    "DnsQuery",
    "DnsRecord",
    "HttpAttempt",
    "HttpRequest",
    "HttpResponse",
    "IssuerFetch",
    "MxHost",
    "PolicyHost",
    "Probe",
    "Probes",
    "Provider",
    "SmtpAttempt",
    "SmtpReply",
    "SmtpRequest",
    "TlsSession",
    "TlsaMatch",
    "Validation",
    "Vantage",
    "Verdict",
    "certificate_faults",
    "compare_probes",
    "finding_codes",
    "load_probe",
    "probe",
    "probe_many",
]
