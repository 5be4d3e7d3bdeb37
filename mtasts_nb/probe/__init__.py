"""One domain probed live: what its DNS, policy host and MX hosts answer to a sender.

`probe` returns a `Probe`: frozen `Evidence`, with the findings drawn from it. `probe_many` does so for a list of domains,
`load_probe` reads what `Probe.save` wrote, and `compare_probes` returns what changed between two.
"""

from . import _view as _view  # registers how probes are shown
from ._attempts import (
    Certificate,
    ChainResult,
    DnsAnswer,
    DnsAttempt,
    DnsQuery,
    DnsRecord,
    HttpAttempt,
    HttpRequest,
    HttpResponse,
    IssuerFetch,
    SmtpAttempt,
    SmtpReply,
    SmtpRequest,
    TlsaMatch,
    TlsSession,
    Validation,
)
from ._compare import Change, ChangeKind, Comparison, compare_probes
from ._dane import DaneState, dane_state, matching_tlsa
from ._evidence import Evidence, MxHost, PolicyHost, Provider, Vantage
from ._many import Probes, probe_many
from ._probe import Probe, load_probe
from ._reverse import ReverseName, reverse_names
from ._run import probe
from ._symptoms import Symptom, symptoms
from ._tlsa import tlsa_record
from .findings import CertificateProblem, certificate_faults

__all__ = [
    "Certificate",
    "CertificateProblem",
    "ChainResult",
    "Change",
    "ChangeKind",
    "Comparison",
    "DaneState",
    "DnsAnswer",
    "DnsAttempt",
    "DnsQuery",
    "DnsRecord",
    "Evidence",
    "HttpAttempt",
    "HttpRequest",
    "HttpResponse",
    "IssuerFetch",
    "MxHost",
    "PolicyHost",
    "Probe",
    "Probes",
    "Provider",
    "ReverseName",
    "SmtpAttempt",
    "SmtpReply",
    "SmtpRequest",
    "Symptom",
    "TlsSession",
    "TlsaMatch",
    "Validation",
    "Vantage",
    "certificate_faults",
    "compare_probes",
    "dane_state",
    "load_probe",
    "matching_tlsa",
    "probe",
    "probe_many",
    "reverse_names",
    "symptoms",
    "tlsa_record",
]
