"""mtasts-nb: a Jupyter analysis kit for MTA-STS (RFC 8461) and SMTP TLS reporting (RFC 8460).

Usage: ``import mtasts_nb as sts``. Every name below is imported on first use, so that the import itself loads
neither pandas nor matplotlib nor ipywidgets.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from . import lab as lab
    from . import plots as plots
    from . import widgets as widgets
    from .analysis import find_incidents as find_incidents
    from .analysis import policy_history as policy_history
    from .analysis import verify_fix as verify_fix
    from .bundled import notebooks_dir as notebooks_dir
    from .bundled import sample_dir as sample_dir
    from .diagnosis import Diagnosis as Diagnosis
    from .diagnosis import diagnose as diagnose
    from .diagnosis import explain as explain
    from .diagnosis import why_no_reports as why_no_reports
    from .errors import PolicyError as PolicyError
    from .errors import RecordError as RecordError
    from .errors import SnapshotError as SnapshotError
    from .errors import StoreError as StoreError
    from .policy import Policy as Policy
    from .policy import StsRecord as StsRecord
    from .policy import TlsRptRecord as TlsRptRecord
    from .policy import draft_policy as draft_policy
    from .policy import draft_record as draft_record
    from .policy import find_sts_record as find_sts_record
    from .policy import mx_matches as mx_matches
    from .policy import parse_policy as parse_policy
    from .policy import parse_sts_record as parse_sts_record
    from .policy import parse_tlsrpt_record as parse_tlsrpt_record
    from .policy import validate as validate
    from .probe import Probe as Probe
    from .probe import compare_probes as compare_probes
    from .probe import load_probe as load_probe
    from .probe import probe as probe
    from .probe import probe_many as probe_many
    from .publish import publish as publish
    from .reports import Archive as Archive
    from .reports import Mailbox as Mailbox
    from .reports import daily as daily
    from .reports import load as load
    from .rollout import plan_mx_migration as plan_mx_migration
    from .rollout import plan_removal as plan_removal
    from .rollout import plan_rollback as plan_rollback
    from .rollout import plan_tlsa_rollover as plan_tlsa_rollover
    from .rollout import readiness as readiness
    from .sender import Outcomes as Outcomes
    from .sender import sending_operators as sending_operators
    from .sender import simulate as simulate
    from .settings import Limits as Limits
    from .settings import ProbeSettings as ProbeSettings
    from .store import Store as Store
    from .store import ingest as ingest
    from .store import open_store as open_store
    from .vocabulary import Finding as Finding
    from .vocabulary import Findings as Findings

# Where each public name lives; a name that is a module of its own maps to itself.
_HOME = {
    "Archive": "reports",
    "Diagnosis": "diagnosis",
    "Finding": "vocabulary",
    "Findings": "vocabulary",
    "Limits": "settings",
    "Mailbox": "reports",
    "Outcomes": "sender",
    "Policy": "policy",
    "PolicyError": "errors",
    "Probe": "probe",
    "ProbeSettings": "settings",
    "RecordError": "errors",
    "SnapshotError": "errors",
    "Store": "store",
    "StoreError": "errors",
    "StsRecord": "policy",
    "TlsRptRecord": "policy",
    "compare_probes": "probe",
    "daily": "reports",
    "diagnose": "diagnosis",
    "draft_policy": "policy",
    "draft_record": "policy",
    "explain": "diagnosis",
    "find_incidents": "analysis",
    "find_sts_record": "policy",
    "ingest": "store",
    "lab": "lab",
    "load": "reports",
    "load_probe": "probe",
    "mx_matches": "policy",
    "notebooks_dir": "bundled",
    "open_store": "store",
    "parse_policy": "policy",
    "parse_sts_record": "policy",
    "parse_tlsrpt_record": "policy",
    "plan_mx_migration": "rollout",
    "plan_removal": "rollout",
    "plan_rollback": "rollout",
    "plan_tlsa_rollover": "rollout",
    "plots": "plots",
    "policy_history": "analysis",
    "probe": "probe",
    "probe_many": "probe",
    "publish": "publish",
    "readiness": "rollout",
    "sample_dir": "bundled",
    "sending_operators": "sender",
    "simulate": "sender",
    "validate": "policy",
    "verify_fix": "analysis",
    "why_no_reports": "diagnosis",
    "widgets": "widgets",
}

__all__ = sorted((*_HOME, "__version__"))


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{home}")
    value = module if home == name and name not in _SAME_NAME else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(__all__) | set(globals()))


# `sts.publish` and `sts.probe` are functions that live in packages of the same name.
_SAME_NAME = frozenset({"probe", "publish"})


class _Facade(ModuleType):
    """The façade, on which the import of a package `publish` does not hide the function `publish`."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in _SAME_NAME and isinstance(value, ModuleType):
            return  # `import mtasts_nb.publish` binds the package here; sys.modules has it anyway
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Facade
