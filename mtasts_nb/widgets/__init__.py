"""Controls in a notebook: thin views over the kit, each of which also shows itself as static HTML.

Every widget works with the keyboard alone, shows nothing by colour alone, and escapes strangers' text. Its state is in
a class beside it that knows no widget.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._diagnostic_flowchart import DiagnosticFlowchart as DiagnosticFlowchart
    from ._domain_probe import DomainProbe as DomainProbe
    from ._publish_button import PublishButton as PublishButton
    from ._report_explorer import ReportExplorer as ReportExplorer
    from ._rollback_planner import RollbackPlanner as RollbackPlanner

# ipywidgets is imported on first use of a name.
_HOME = {
    "DiagnosticFlowchart": "_diagnostic_flowchart",
    "DomainProbe": "_domain_probe",
    "PublishButton": "_publish_button",
    "ReportExplorer": "_report_explorer",
    "RollbackPlanner": "_rollback_planner",
}

__all__ = ["DiagnosticFlowchart", "DomainProbe", "PublishButton", "ReportExplorer", "RollbackPlanner"]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(__all__) | set(globals()))
