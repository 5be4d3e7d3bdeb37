"""The lab is not the judge of itself: postfix-mta-sts-resolver is asked about every fault of record and policy host.

Where it decides otherwise than the fault's data, `Fault.second_sender` has to say what it does and why; where it
decides alike, there is nothing to say.
"""

from __future__ import annotations

import json
import subprocess

import pytest

from mtasts_nb.lab import FAULTS, VARIANTS, Lab

AREAS = ("record", "policy host", "policy certificate", "policy file")
POLICY_SIDE = [fault for fault in FAULTS.values() if fault.area in AREAS]
MODES = {"testing": "testing", "mode-none": "none"}


@pytest.fixture(scope="module")
def decide(root):
    """Return a function that asks the peer what it makes of a lab."""
    ready = root / ".venv-bench" / ".ready"
    if not ready.exists():
        pytest.skip("the benchmark's peers are not installed (make .venv-bench/.ready)")
    command = [root / ".venv-bench" / "bin" / "python", root / "tests" / "lab" / "second_sender.py"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def ask(lab):
            settings = lab.settings
            question = {
                "domain": lab.domain,
                "dns": settings.routes["192.0.2.53", 53][1],
                "routes": [(address, port, to) for (address, port), to in settings.routes.items()],
                "roots": str(settings.trust_roots),
                "timeout": settings.timeout,
            }
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            assert answer, "the peer has ended"
            return json.loads(answer)

        yield ask
        process.stdin.close()


def expected(fault):
    """Return what a conformant sender decides by the fault's data; the peer knows no finer words."""
    if fault.result_type is not None and fault.result_type.on_policy_host:
        return "FETCH_ERROR"
    return "NONE" if fault.delivery == "without_sts" else "VALID"


@pytest.mark.parametrize("fault", POLICY_SIDE, ids=[fault.name for fault in POLICY_SIDE])
def test_each_difference_is_explained(decide, fault):
    with Lab(fault.name, timeout=1.0) as lab:
        decision = decide(lab)
    differs = decision["status"] != expected(fault)
    assert differs == bool(fault.second_sender), (decision, expected(fault), fault.second_sender)


@pytest.mark.parametrize("variant", VARIANTS)
def test_healthy_is_healthy(decide, variant):
    with Lab(variant=variant, timeout=2.0) as lab:
        assert decide(lab) == {"status": "VALID", "mode": MODES.get(variant, "enforce")}
