"""mtasts-nb: a Jupyter analysis kit for MTA-STS (RFC 8461) and SMTP TLS reporting (RFC 8460).

Usage: ``import mtasts_nb as sts``. Every name below is imported on first use, so that the import itself loads
neither pandas nor matplotlib nor ipywidgets.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from . import lab as lab
    from . import plots as plots
    from .bundled import notebooks_dir as notebooks_dir
    from .bundled import sample_dir as sample_dir
    from .errors import PolicyError as PolicyError
    from .errors import RecordError as RecordError
    from .publish import publish as publish
    from .reports import Archive as Archive
    from .reports import daily as daily
    from .reports import load as load
    from .settings import Limits as Limits
    from .settings import ProbeSettings as ProbeSettings
    from .vocabulary import Finding as Finding
    from .vocabulary import Findings as Findings

# Where each public name lives; a name that is a module of its own maps to itself.
_HOME = {
    "Archive": "reports",
    "Finding": "vocabulary",
    "Findings": "vocabulary",
    "Limits": "settings",
    "PolicyError": "errors",
    "ProbeSettings": "settings",
    "RecordError": "errors",
    "daily": "reports",
    "lab": "lab",
    "load": "reports",
    "notebooks_dir": "bundled",
    "plots": "plots",
    "publish": "publish",
    "sample_dir": "bundled",
}

__all__ = [
    "Archive",
    "Finding",
    "Findings",
    "Limits",
    "PolicyError",
    "ProbeSettings",
    "RecordError",
    "__version__",
    "daily",
    "lab",
    "load",
    "notebooks_dir",
    "plots",
    "publish",
    "sample_dir",
]


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
            return  # `import mtasts_nb.publish` binds the package here; sys.modules has it all the same
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Facade
